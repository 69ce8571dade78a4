#pragma once

#include <filesystem>
#include <memory>

#include "engine/whisper/whisper_model.h"
#include "hearing/speech_recognizer.h"

namespace titans::hearing::whisper {

/// Whisper (arXiv:2212.04356) on libwhisper.
class WhisperRecognizer final : public SpeechRecognizer {
public:
    struct Options {
        int threads = 2;
        int beams = 1;  // 1: greedy; at most 8
    };

    /// `path`: a file of libwhisper's own format. Errors: NotFound, Unsupported, Internal.
    static Result<std::unique_ptr<WhisperRecognizer>> load(const std::filesystem::path& path,
                                                           const Options& options);

    SampleRate input_rate() const override { return {WHISPER_SAMPLE_RATE}; }

    /// As promised, and: InvalidInput if a sample is not a number. `stop` takes effect within one
    /// window's encoder, or one token.
    Result<Transcript> recognize(const audio::Audio& speech, const RecognitionOptions& options,
                                 std::stop_token stop) override;

private:
    WhisperRecognizer(engine::WhisperModel model, const Options& options)
        : model_(std::move(model)), options_(options) {}

    Result<const char*> choose_language(std::span<const float> samples, const std::string& language,
                                        std::stop_token& stop);
    whisper_full_params make_params(std::size_t samples, std::stop_token& stop) const;
    Result<void> run(const whisper_full_params& params, std::span<const float> samples,
                     const std::stop_token& stop);

    engine::WhisperModel model_;
    Options options_;
};

}  // namespace titans::hearing::whisper
