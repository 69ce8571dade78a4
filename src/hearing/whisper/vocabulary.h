#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "foundation/error.h"
#include "text/byte_pairs.h"

namespace titans::hearing::whisper {

/// Whisper's tokens: those of text, and those that steer the decoder (openai/whisper,
/// tokenizer.py).
class Vocabulary {
public:
    /// Of `size` tokens. Errors: Unsupported, saying what is missing.
    static Result<Vocabulary> read(const engine::GgufFile& file, int size);

    int size() const { return size_; }
    int end() const { return end_; }  // those below are text, those above steer
    int start() const { return start_; }
    int transcribe() const { return transcribe_; }
    int start_of_previous() const { return start_of_previous_; }
    int no_speech() const { return no_speech_; }
    int no_timestamps() const { return no_timestamps_; }

    /// Whether the model knows other languages than English.
    bool is_multilingual() const { return is_multilingual_; }
    /// Codes (ISO 639-1, where it has one) and their tokens.
    const std::map<std::string, int, std::less<>>& languages() const { return languages_; }

    /// Tokens that are never written, and those that no text begins with.
    std::span<const int> suppressed() const { return suppressed_; }
    std::span<const int> suppressed_first() const { return suppressed_first_; }

    /// What `tokens` of text stand for; those that steer stand for nothing.
    std::string text(std::span<const int> tokens) const;
    /// The tokens of `text`, which is valid UTF-8.
    std::vector<int> encode(std::string_view text) const { return text_.encode(text); }

private:
    explicit Vocabulary(text::BytePairs text) : text_(std::move(text)) {}

    Result<void> find_steering_tokens(std::span<const std::string> tokens);
    Result<void> read_suppressed(const engine::GgufFile& file);
    void suppress_captions();

    text::BytePairs text_;
    int size_ = 0;
    int end_ = 0;
    int start_ = 0;
    int transcribe_ = 0;
    int start_of_previous_ = 0;
    int no_speech_ = 0;
    int no_timestamps_ = 0;
    bool is_multilingual_ = false;
    std::map<std::string, int, std::less<>> languages_;
    std::vector<int> suppressed_;
    std::vector<int> suppressed_first_;
};

}  // namespace titans::hearing::whisper
