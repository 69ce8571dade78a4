#pragma once

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/whisper/whisper_model.h"
#include "hearing/speech_recognizer.h"

namespace titans::hearing::whisper {

/// Whisper (arXiv:2212.04356): libwhisper's network, greedy decoding of our own.
class WhisperRecognizer final : public SpeechRecognizer {
public:
    struct Options {
        int threads = 2;
    };

    /// `path`: a file of libwhisper's own format. Errors: NotFound, Unsupported, Internal.
    static Result<std::unique_ptr<WhisperRecognizer>> load(const std::filesystem::path& path,
                                                           const Options& options);

    SampleRate input_rate() const override { return {WHISPER_SAMPLE_RATE}; }

    /// As promised, and: InvalidInput if a sample is not a number. `stop` takes effect when a
    /// window's encoder is done, or within a token.
    Result<Transcript> recognize(const audio::Audio& speech, const RecognitionOptions& options,
                                 std::stop_token stop) override;

private:
    struct Attempt {
        std::vector<int> tokens;
        double mean_log_probability = 0;
        bool circles = false;
        bool trustworthy() const;
    };

    WhisperRecognizer(engine::WhisperModel model, const Options& options);

    Result<void> check_language(const std::string& language) const;
    /// The text of one window; empty if nothing is said in it. `language` is found out if it is
    /// empty.
    Result<std::string> recognize_window(std::span<const float> samples, std::string& language,
                                         const std::stop_token& stop);
    Result<void> encode(std::span<const float> samples);
    /// Reads `tokens` behind the first `position`. Returns the logits of what follows:
    /// [vocabulary].
    Result<std::span<const float>> read(std::span<const int> tokens, std::size_t position);
    double no_speech_probability(std::span<const float> logits) const;
    std::string likeliest_language(std::span<const float> logits) const;
    Result<Attempt> write(std::vector<float> logits, std::size_t position, double temperature,
                          const std::stop_token& stop);

    engine::WhisperModel model_;
    Options options_;
    int end_;                          // the token that ends a text; those above are no text
    std::vector<bool> allowed_;        // tokens that text is made of, and the end
    std::vector<bool> allowed_first_;  // not empty, nor a space
    std::mt19937 random_;
};

}  // namespace titans::hearing::whisper
