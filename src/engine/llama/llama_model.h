#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/error.h"

struct llama_model;
struct llama_vocab;

namespace titans::engine {

using Token = std::int32_t;

/// A piece of a prompt.
struct PromptPiece {
    enum class Origin : std::uint8_t {
        Template,  // the model's own: the names of special tokens in it mean those tokens
        Content,   // anyone's: they are ordinary text
    };
    std::string text;
    Origin origin;
};

/// A GGUF model file in memory, mapped where that is possible. Immutable: any threads may share it.
class LlamaModel {
public:
    struct Options {
        int gpu_layers = -1;  // how many layers a GPU keeps, if there is one; negative: all
    };

    /// Errors: InvalidInput if `file` is no model that libllama reads, with libllama's words in
    /// `detail`.
    static Result<std::shared_ptr<const LlamaModel>> load(const std::filesystem::path& file,
                                                          Options options);

    LlamaModel(const LlamaModel&) = delete;
    LlamaModel& operator=(const LlamaModel&) = delete;
    ~LlamaModel();

    /// `text` as it would stand in a document, without special tokens. Errors: TooLarge.
    Result<std::vector<Token>> tokenize(std::string_view text) const;

    /// A prompt, cut as if it were one text: neighbouring pieces without a special token between
    /// them are cut together. Starts with the model's beginning-of-sequence token if the model
    /// wants one. Errors: TooLarge.
    Result<std::vector<Token>> tokenize(std::span<const PromptPiece> pieces) const;

    /// The bytes of an ordinary token, possibly a part of a UTF-8 character; nothing for a special
    /// one.
    std::string bytes(Token token) const;
    /// The name of any token, "<s>"; empty if there is none.
    std::string name(Token token) const;

    bool ends_generation(Token token) const;
    Token begin_token() const;  // -1: none
    Token end_token() const;    // -1: none
    int vocabulary_size() const;
    int trained_context() const;  // tokens
    /// The context, in tokens, up to which positions are computed as in training; 0: any.
    int unscaled_context() const;
    double parameters() const;
    /// Does it continue a text? Not so: encoders, encoder-decoder and diffusion models.
    bool is_generative() const;
    /// Can what was computed for a text be cut after any token? Not so where it is one state that
    /// all tokens went into (Mamba and its mixtures with attention).
    bool memory_can_be_cut() const;
    /// Its Jinja chat template; empty if it has none.
    std::string chat_template() const;
    /// "llama 135M Q8_0", from libllama.
    std::string description() const;

    llama_model* handle() const { return model_; }

private:
    explicit LlamaModel(llama_model* model);


    struct Special {
        std::string text;
        Token token;
        bool eats_space_before;
        bool eats_space_after;
    };

    llama_model* model_;
    const llama_vocab* vocabulary_;
    std::vector<Special> specials_;  // longest first
};

}  // namespace titans::engine
