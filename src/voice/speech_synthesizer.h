#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::voice {

/// The part of a recording that a voice is learned from.
struct Excerpt {
    audio::Audio audio;
    /// Something was said in the recording that is not in it, so its words are other ones.
    bool is_part = false;
    std::string note;  // which part, for a person: "seconds 12.3 to 19.0 of 43.2"; empty: all of it
};

/// Whom to speak like.
struct VoiceSample {
    Excerpt excerpt;
    std::string transcript;  // what is said in it
};

/// How much a voice that is sampled in steps takes time for.
enum class Quality : std::uint8_t { Fast, Balanced, Best };

/// How to speak. A family reads what concerns it.
struct SpeechOptions {
    std::string language = "en";        // BCP 47, of the text: "en", "en-us", "de"
    bool normalize_text = true;         // numbers, dates and the like become words
    double speed = 1;                   // of what the voice would do by itself
    std::optional<std::uint64_t> seed;  // of its random numbers; absent: another one each time
    std::optional<Quality> quality;     // absent: what suits the device

    // Of F5-TTS, by its names and with its meanings.
    std::optional<int> nfe_step;  // steps of the sampler; absent: those of `quality`
    float cfg_strength = 2;
    float sway_sampling_coef = -1;
    double cross_fade_duration = 0.15;   // seconds, between pieces of one text
    std::optional<double> fix_duration;  // seconds, of recording and speech together
    float target_rms = 0.1F;             // to which quieter recordings are raised
    bool reference_mode = false;         // exactly as the family's reference does it
};

/// What a family keeps of a voice: computed once from its recording, the same for every text.
class LearnedVoice {
public:
    virtual ~LearnedVoice() = default;

    /// To be kept, for SpeechSynthesizer::recall() of the same family.
    virtual std::vector<std::byte> bytes() const = 0;

    /// Excerpt::note of what it was learned from.
    virtual std::string note() const = 0;
};

/// How much text is worth speaking at once, in UTF-8 bytes: what is shorter is better spoken
/// together with what follows.
struct TextLength {
    std::size_t first = 0;  // of the beginning, for which somebody waits
    std::size_t later = 0;
};

/// A text that is being spoken.
class Utterance {
public:
    virtual ~Utterance() = default;

    /// Does one bounded step, of a tenth of a second or so. Nothing as long as there is more to do;
    /// then the whole speech. Errors: Cancelled; Internal.
    virtual std::optional<Result<audio::Audio>> step(const std::stop_token& stop) = 0;
};

/// Speaks text in a voice learned from one short recording.
///
/// Not thread-safe: call it, and step the utterances that it began, on the executor that loaded it.
/// Several utterances may be under way at once. They and it may end in any order.
class SpeechSynthesizer {
public:
    virtual ~SpeechSynthesizer() = default;

    /// The rate of every Audio that its utterances give.
    virtual SampleRate output_rate() const = 0;

    /// `options` with what is absent there filled in: what begin() will do.
    virtual SpeechOptions complete(SpeechOptions options) const = 0;

    /// What of a recording to learn from.
    virtual Excerpt choose_excerpt(const audio::Audio& recording,
                                   const SpeechOptions& options) const = 0;

    /// Of what is read there, only `reference_mode`, `target_rms`, `language` and `normalize_text`
    /// make a difference here. Null where voices are not learned. Errors: InvalidInput, if there is
    /// nothing to learn from; Cancelled; Internal.
    virtual Result<std::shared_ptr<const LearnedVoice>> learn(const VoiceSample& sample,
                                                              const SpeechOptions& options,
                                                              const std::stop_token& stop) = 0;

    /// What LearnedVoice::bytes() gave. Errors: InvalidInput if they are damaged or of another
    /// version.
    virtual Result<std::shared_ptr<const LearnedVoice>> recall(
        std::span<const std::byte> bytes) const = 0;

    /// Of texts in the voice `learned`, which is null where voices are not learned.
    virtual TextLength text_length(const LearnedVoice* learned,
                                   const SpeechOptions& options) const = 0;

    /// Begins to speak UTF-8 `text`, a sentence or several. Errors: InvalidInput if nothing in it
    /// can be pronounced, or for an unknown language.
    virtual Result<std::unique_ptr<Utterance>> begin(std::string_view text,
                                                     std::shared_ptr<const LearnedVoice> voice,
                                                     const SpeechOptions& options) = 0;
};

}  // namespace titans::voice
