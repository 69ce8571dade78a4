#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/layers/graph.h"
#include "hearing/ctc/ctc_decoding.h"
#include "hearing/ctc/ctc_network.h"
#include "hearing/speech_recognizer.h"

namespace titans::hearing::ctc {

/// Recognises speech by Wav2Vec2 or HuBERT, each letter by itself (CTC, greedy): quick, of the
/// language that the model was trained for, without punctuation. What models write in capitals
/// only, as the official English ones do, comes as a sentence: lower case with a capital at the
/// start.
///
/// A long recording is heard in windows that overlap. The recording is normalised as a whole.
/// RecognitionOptions: `language` is believed; `prompt` and `beams` are not used.
class CtcRecognizer final : public SpeechRecognizer {
public:
    struct Options {
        /// Longer recordings are heard in windows of this length, each with `context` on both sides
        /// that its neighbours write. Memory grows with it, up to 0.5 GB at 30 seconds of a large
        /// model.
        Milliseconds window{30'000};
        Milliseconds context{3'000};
    };

    /// `architecture`: "wav2vec2" or "hubert", whose converted file `model` is. Errors: NotFound;
    /// Unsupported, naming what the file lacks; Internal.
    static Result<std::unique_ptr<CtcRecognizer>> load(const std::filesystem::path& model,
                                                       const std::string& architecture,
                                                       const engine::Compute& compute,
                                                       const Options& options);

    SampleRate input_rate() const override { return {network_.config().sampling_rate}; }

    /// As promised, and: InvalidInput if a sample is not a number.
    Result<Transcript> recognize(const audio::Audio& speech, const RecognitionOptions& options,
                                 std::stop_token stop) override;

private:
    /// The network drawn for `samples` samples.
    struct Drawn {
        std::size_t samples = 0;
        engine::Node input = nullptr;
        engine::Node output = nullptr;
        std::unique_ptr<engine::Graph> graph;
    };

    CtcRecognizer(CtcNetwork network, Vocabulary vocabulary, const Options& options);

    Result<std::vector<Choice>> listen(std::span<const float> samples, const std::stop_token& stop);
    /// The logits of normalised samples.
    Result<std::vector<float>> compute(std::span<const float> samples, const std::stop_token& stop);

    CtcNetwork network_;
    Vocabulary vocabulary_;
    Options options_;
    Drawn drawn_;  // of the last length
};

}  // namespace titans::hearing::ctc
