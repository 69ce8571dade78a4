#pragma once

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "audio/mel_spectrogram.h"
#include "hearing/speech_recognizer.h"
#include "hearing/whisper/context.h"
#include "hearing/whisper/decoding.h"
#include "hearing/whisper/network.h"
#include "hearing/whisper/vocabulary.h"

namespace titans::hearing::whisper {

/// Whisper (arXiv:2212.04356).
class Recognizer final : public SpeechRecognizer {
public:
    struct Options {
        /// The encoder sees what is said and a margin of silence instead of always 30 seconds.
        bool short_clips = true;
    };

    /// `path`: a GGUF file of ours. Errors: NotFound, Unsupported, Internal.
    static Result<std::unique_ptr<Recognizer>> load(const std::filesystem::path& path,
                                                    const engine::Compute& compute,
                                                    const Options& options);

    SampleRate input_rate() const override { return spectrogram_.options().rate; }

    /// As promised, and: InvalidInput if a sample is not a number.
    Result<Transcript> recognize(const audio::Audio& speech, const RecognitionOptions& options,
                                 std::stop_token stop) override;

private:
    /// What is heard in one window.
    struct Heard {
        std::string text;
        double no_speech_probability = 0;
        Written written;
        double temperature = 0;  // the last that was tried
        std::vector<Word> words;
    };

    Recognizer(std::unique_ptr<Network> network, Vocabulary vocabulary,
               audio::MelSpectrogram spectrogram, const Options& options);

    Result<void> load_alignment_heads(const engine::GgufFile& file);
    Result<void> check_language(const std::string& language) const;
    int positions_for(std::size_t samples) const;
    /// `language` is found out if it is empty.
    Result<Heard> hear(std::span<const float> samples, const RecognitionOptions& options,
                       const Context& context, std::string& language, const std::stop_token& stop);
    std::string likeliest_language(std::span<const float> logits) const;
    std::vector<int> expected_tokens(const std::string& prompt) const;
    /// What is written from `beginning` on, into `heard`; nothing if nothing is said.
    Result<void> write(const Beginning& beginning, const RecognitionOptions& options, Heard& heard,
                       const std::stop_token& stop);
    Result<std::vector<Word>> find_words(const Written& written, std::span<const int> start,
                                         std::string_view language, std::size_t samples,
                                         const std::stop_token& stop);

    std::unique_ptr<Network> network_;
    Vocabulary vocabulary_;
    TokenRules rules_;
    audio::MelSpectrogram spectrogram_;
    Options options_;
    std::vector<Head> alignment_heads_;
    std::mt19937 random_;
};

}  // namespace titans::hearing::whisper
