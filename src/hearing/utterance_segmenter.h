#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hearing/vad/voice_activity_detector.h"

namespace titans::hearing {

using Seconds = std::chrono::duration<double>;

struct SegmenterSettings {
    float threshold = 0.05F;     // the largest absolute sample of an utterance, at least; 0 to 1
    float vad_threshold = 0.5F;  // the probability that begins speech; 0.15 less ends it
    Seconds silence{2};          // without speech, ends an utterance
    Seconds max_time{30};        // of an utterance; a longer one is split. At least 1 s
    Seconds min_duration{0.5};   // of speech, from its beginning to its end; a shorter one is none
};

/// Something said, with what is around it. Positions count samples from the stream's beginning.
struct Utterance {
    std::int64_t start = 0;      // of `samples`
    std::vector<float> samples;  // at vad::kRate: the speech with up to 500 ms before and after it
    std::int64_t speech_start = 0;  // the speech alone, to a step of 32 ms
    std::int64_t speech_end = 0;
    float peak = 0;      // the largest absolute sample
    bool split = false;  // longer than max_time: what was said goes on in the next utterance
};

/// Finds what is said in a recording or a stream.
///
/// Fed samples at vad::kRate in pieces of any size: what it finds does not depend on the pieces.
/// Utterances come in order and do not overlap. One longer than max_time is split in the pause that
/// this time ends in, if that has a second, or else where it is quietest in the last quarter
/// of it; no speech of it is left out. Holds max_time and silence of samples at most. Not
/// thread-safe.
class UtteranceSegmenter {
public:
    UtteranceSegmenter(std::unique_ptr<vad::VoiceActivityDetector> detector,
                       const SegmenterSettings& settings);

    /// The utterances that end in `samples`. A sample that is no number counts as 0.
    std::vector<Utterance> push(std::span<const float> samples);

    /// Ends the stream: what is left of it. The next push() begins another one.
    std::vector<Utterance> flush();

    /// Whether someone is speaking now, or was less than `silence` ago.
    bool in_utterance() const { return in_utterance_; }

private:
    struct Speech {  // a step that is speech
        std::int64_t start;
        std::int64_t end;
        float probability;
    };

    void step(std::span<const float, vad::kStep> samples, std::int64_t end,
              std::vector<Utterance>& found);
    void begin(std::int64_t speech_start);
    void split(const Speech& now, std::vector<Utterance>& found);
    void end(std::vector<Utterance>& found);
    bool fades_out() const;
    void emit(std::int64_t end, bool is_split, std::vector<Utterance>& found);
    std::int64_t quietest(std::int64_t from, std::int64_t to) const;
    std::span<const float> stretch(std::int64_t from, std::int64_t to) const;
    void forget(std::int64_t before);

    std::unique_ptr<vad::VoiceActivityDetector> detector_;
    float threshold_;
    float begin_probability_;
    float end_probability_;
    std::int64_t silence_;  // these in samples
    std::int64_t max_time_;
    std::int64_t min_duration_;

    std::vector<float> samples_;  // of the stream from first_ on
    std::int64_t first_ = 0;
    std::int64_t stepped_ = 0;  // where the detector stands
    bool in_utterance_ = false;
    std::int64_t start_ = 0;      // of the utterance, or of what is left of it after a split
    bool continues_ = false;      // it has been split
    float loudest_ = 0;           // of its pieces before
    std::vector<Speech> speech_;  // in it
    std::int64_t free_from_ = 0;  // the end of the utterance before
};

}  // namespace titans::hearing
