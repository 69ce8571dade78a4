#include "hearing/ctc/ctc_decoding.h"

#include <algorithm>
#include <cmath>
#include <format>

#include "text/letter_case.h"
#include "text/utf8.h"

namespace titans::hearing::ctc {
namespace {

/// "<s>", "<unk>", "[PAD]": the ways in which tokens of training are written.
bool looks_special(std::string_view token) {
    return token.size() > 2 && ((token.starts_with('<') && token.ends_with('>')) ||
                                (token.starts_with('[') && token.ends_with(']')));
}

Result<int> find_token(const engine::GgufFile& file, const std::vector<std::string>& tokens,
                       std::string_view key) {
    TITANS_TRY(const std::string token, file.text(key));
    const auto found = std::ranges::find(tokens, token);
    if (found == tokens.end()) {
        return fail(ErrorKind::Unsupported,
                    std::format("the model file's {} is not one of its tokens", key));
    }
    return static_cast<int>(found - tokens.begin());
}

/// "I", "I'm", "I'll"
bool is_english_i(std::string_view word) { return word == "i" || word.starts_with("i'"); }

}  // namespace

Result<Vocabulary> read_vocabulary(const engine::GgufFile& file, int size) {
    Vocabulary vocabulary;
    TITANS_TRY(vocabulary.tokens, file.texts("tokenizer.tokens"));
    if (std::cmp_not_equal(vocabulary.tokens.size(), size)) {
        return fail(ErrorKind::Unsupported,
                    "the model file's tokenizer.tokens are not as many as the model's outputs");
    }
    for (std::string& token : vocabulary.tokens) token = text::to_utf8(token);
    TITANS_TRY(vocabulary.blank, find_token(file, vocabulary.tokens, "tokenizer.pad_token"));
    TITANS_TRY(vocabulary.delimiter,
               find_token(file, vocabulary.tokens, "tokenizer.word_delimiter_token"));
    if (vocabulary.blank == vocabulary.delimiter) {
        return fail(ErrorKind::Unsupported,
                    "the model file's tokenizer.pad_token is its tokenizer.word_delimiter_token");
    }
    TITANS_TRY(const std::string unknown, file.text("tokenizer.unk_token"));
    for (const std::string& token : vocabulary.tokens)
        vocabulary.is_special.push_back(token == unknown || looks_special(token));
    if (file.has("tokenizer.do_lower_case")) {
        TITANS_TRY(vocabulary.lowers_case, file.flag("tokenizer.do_lower_case"));
    }
    return vocabulary;
}

void choose(std::span<const float> logits, std::size_t tokens, std::vector<Choice>& choices) {
    for (std::size_t start = 0; start < logits.size(); start += tokens) {
        const std::span<const float> row = logits.subspan(start, tokens);
        const auto best = std::ranges::max_element(row);
        double sum = 0;
        for (const float logit : row) sum += std::exp(static_cast<double>(logit) - *best);
        choices.push_back({static_cast<int>(best - row.begin()), static_cast<float>(1 / sum)});
    }
}

std::vector<Word> spell(std::span<const Choice> choices, const Vocabulary& vocabulary,
                        Milliseconds frame) {
    std::vector<Word> words;
    bool in_word = false;
    int letters = 0;
    const auto end_word = [&] {
        if (in_word) words.back().confidence /= static_cast<float>(letters);
        in_word = false;
    };
    for (std::size_t begin = 0, end = 0; begin < choices.size(); begin = end) {
        const int token = choices[begin].token;
        float sum = 0;
        for (; end < choices.size() && choices[end].token == token; ++end)
            sum += choices[end].probability;
        if (token == vocabulary.blank || vocabulary.is_special[static_cast<std::size_t>(token)])
            continue;
        if (token == vocabulary.delimiter) {
            end_word();
            continue;
        }
        if (!in_word) {
            words.push_back({.begin = frame * static_cast<double>(begin)});
            in_word = true;
            letters = 0;
        }
        Word& word = words.back();
        word.text += vocabulary.tokens[static_cast<std::size_t>(token)];
        word.end = frame * static_cast<double>(end);
        word.confidence += sum / static_cast<float>(end - begin);
        ++letters;
    }
    end_word();
    return words;
}

void write_readably(std::vector<Word>& words, const Vocabulary& vocabulary,
                    const std::string& language) {
    const auto is_small = [&](const std::string& token) {
        return !looks_special(token) && text::has_lower_case(token);
    };
    const bool one_case = std::ranges::none_of(vocabulary.tokens, is_small);
    if (!one_case && !vocabulary.lowers_case) return;
    for (Word& word : words) {
        word.text = text::lower_case(word.text, language);
        if (language == "en" && is_english_i(word.text)) word.text = text::capitalized(word.text);
    }
    if (one_case && !words.empty())
        words.front().text = text::capitalized(words.front().text, language);
}

}  // namespace titans::hearing::ctc
