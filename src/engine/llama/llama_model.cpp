#include "engine/llama/llama_model.h"

#include <llama-cpp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "engine/ggml/backends.h"

namespace titans::engine {
namespace {

/// More is no prompt: the longest contexts of today's models hold about 4 MB of text.
constexpr std::size_t kMostText = 16U << 20U;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

}  // namespace

Result<std::shared_ptr<const LlamaModel>> LlamaModel::load(const std::filesystem::path& file,
                                                           Options options) {
    load_backends();
    llama_model_params parameters = llama_model_default_params();
    parameters.n_gpu_layers = options.gpu_layers;
    const LibraryWords words;
    llama_model_ptr model(llama_model_load_from_file(file.c_str(), parameters));
    if (model == nullptr)
        return fail(ErrorKind::InvalidInput, "the model file cannot be loaded", words.text());
    if (llama_vocab_n_tokens(llama_model_get_vocab(model.get())) <= 0) {
        return fail(ErrorKind::InvalidInput, "the model file has no vocabulary", words.text());
    }
    return std::shared_ptr<const LlamaModel>(new LlamaModel(model.release()));
}

LlamaModel::LlamaModel(llama_model* model)
    : model_(model), vocabulary_(llama_model_get_vocab(model)) {
    for (Token token = 0; token < vocabulary_size(); ++token) {
        const int attributes = llama_vocab_get_attr(vocabulary_, token);
        if ((attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) == 0) continue;
        std::string text = name(token);
        if (text.empty()) continue;
        specials_.push_back({std::move(text), token, (attributes & LLAMA_TOKEN_ATTR_LSTRIP) != 0,
                             (attributes & LLAMA_TOKEN_ATTR_RSTRIP) != 0});
    }
    std::ranges::stable_sort(specials_, std::ranges::greater(),
                             [](const Special& special) { return special.text.size(); });
}

LlamaModel::~LlamaModel() { llama_model_free(model_); }

Result<std::vector<Token>> LlamaModel::tokenize(std::string_view text) const {
    if (text.size() > kMostText)
        return fail(ErrorKind::TooLarge, "the text for the model is too long");
    if (text.empty()) return std::vector<Token>();
    const auto size = static_cast<int>(text.size());
    // A token stands for at least one byte of most texts; where not, the second call has the room
    // that it needs.
    std::vector<Token> tokens(text.size() + 8);
    for (int attempt = 0; attempt < 2; ++attempt) {
        const int count = llama_tokenize(vocabulary_, text.data(), size, tokens.data(),
                                         static_cast<int>(tokens.size()), false, false);
        if (count >= 0) {
            tokens.resize(static_cast<std::size_t>(count));
            return tokens;
        }
        if (count == std::numeric_limits<int>::min()) break;
        tokens.resize(static_cast<std::size_t>(-count));
    }
    return fail(ErrorKind::Internal, "the model cannot read the text");
}

Result<std::vector<Token>> LlamaModel::tokenize(std::span<const PromptPiece> pieces) const {
    std::vector<Token> tokens;
    std::string plain;  // since the last special token
    bool eat_space = false;
    const auto append = [&](std::string_view text) {
        while (eat_space && !text.empty() && is_space(text.front())) text.remove_prefix(1);
        if (!text.empty()) eat_space = false;
        plain += text;
    };
    const auto flush = [&]() -> Result<void> {
        TITANS_TRY(const std::vector<Token> more, tokenize(plain));
        tokens.insert(tokens.end(), more.begin(), more.end());
        plain.clear();
        return {};
    };
    for (const PromptPiece& piece : pieces) {
        std::string_view rest = piece.text;
        if (piece.origin == PromptPiece::Origin::Content) {
            append(rest);
            continue;
        }
        while (!rest.empty()) {
            std::size_t at = std::string_view::npos;
            const Special* next = nullptr;
            for (const Special& special :
                 specials_) {  // the first; of those at one place the longest
                const std::size_t found = rest.find(special.text);
                if (found < at) {
                    at = found;
                    next = &special;
                }
            }
            append(rest.substr(0, at));
            if (next == nullptr) break;
            if (next->eats_space_before) {
                while (!plain.empty() && is_space(plain.back())) plain.pop_back();
            }
            TITANS_TRY_VOID(flush());
            tokens.push_back(next->token);
            eat_space = next->eats_space_after;
            rest.remove_prefix(at + next->text.size());
        }
    }
    TITANS_TRY_VOID(flush());
    const Token begin = begin_token();
    if (begin >= 0 && llama_vocab_get_add_bos(vocabulary_) &&
        (tokens.empty() || tokens.front() != begin)) {
        tokens.insert(tokens.begin(), begin);
    }
    return tokens;
}

std::string LlamaModel::bytes(Token token) const {
    if (token < 0 || token >= vocabulary_size()) return {};
    std::string text(64, '\0');
    int size = llama_token_to_piece(vocabulary_, token, text.data(), static_cast<int>(text.size()),
                                    0, false);
    if (size < 0) {
        text.resize(static_cast<std::size_t>(-size));
        size = llama_token_to_piece(vocabulary_, token, text.data(), static_cast<int>(text.size()),
                                    0, false);
    }
    text.resize(static_cast<std::size_t>(std::max(size, 0)));
    return text;
}

std::string LlamaModel::name(Token token) const {
    if (token < 0 || token >= vocabulary_size()) return {};
    const char* text = llama_vocab_get_text(vocabulary_, token);
    return text == nullptr ? std::string() : std::string(text);
}

bool LlamaModel::ends_generation(Token token) const {
    return llama_vocab_is_eog(vocabulary_, token);
}
Token LlamaModel::begin_token() const { return llama_vocab_bos(vocabulary_); }
Token LlamaModel::end_token() const { return llama_vocab_eos(vocabulary_); }
int LlamaModel::vocabulary_size() const { return llama_vocab_n_tokens(vocabulary_); }
int LlamaModel::trained_context() const { return llama_model_n_ctx_train(model_); }

double LlamaModel::parameters() const { return static_cast<double>(llama_model_n_params(model_)); }

int LlamaModel::unscaled_context() const {
    std::array<char, 64> value{};
    if (llama_model_meta_val_str(model_, "general.architecture", value.data(), value.size()) < 0)
        return 0;
    const std::string key = std::string(value.data()) + ".rope.scaling.original_context_length";
    if (llama_model_meta_val_str(model_, key.c_str(), value.data(), value.size()) < 0) return 0;
    return std::atoi(value.data());
}

bool LlamaModel::is_generative() const {
    return llama_model_has_decoder(model_) && !llama_model_has_encoder(model_) &&
           !llama_model_is_diffusion(model_);
}

bool LlamaModel::memory_can_be_cut() const {
    return !llama_model_is_recurrent(model_) && !llama_model_is_hybrid(model_);
}

std::string LlamaModel::chat_template() const {
    const char* text = llama_model_chat_template(model_, nullptr);
    return text == nullptr ? std::string() : std::string(text);
}

std::string LlamaModel::description() const {
    std::array<char, 128> text{};
    llama_model_desc(model_, text.data(), text.size());
    return text.data();
}

}  // namespace titans::engine
