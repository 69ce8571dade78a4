#include "voice/f5tts/characters.h"

#include <array>
#include <span>
#include <utility>

#include "text/pinyin.h"
#include "text/utf8.h"

namespace titans::voice::f5tts {

struct Characters::Chinese {
    text::ChineseWords words;
    text::Pinyin pinyin;
};

namespace {

/// What the package writes otherwise before anything else.
char32_t replaced(char32_t c) {
    switch (c) {
        case ';':
            return ',';
        case U'“':
        case U'”':
            return '"';
        case U'‘':
        case U'’':
            return '\'';
        default:
            return c;
    }
}

/// What the package takes for Chinese, and puts a space before.
bool takes_space(char32_t c) { return c >= 0x3100 && c <= 0x9FFF; }

/// Whether `c` may have a reading, in the package or in pypinyin.
bool needs_reading(char32_t c) {
    return c == 0x3007 || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xE815 && c <= 0xE864) ||
           (c >= 0xF900 && c <= 0xFAFF) || c >= 0x20000;
}

bool ends_with_space_or_quote(const std::vector<std::string>& tokens) {
    const std::string& last = tokens.back();
    return last == " " || last == ":" || last == "'" || last == "\"";
}

std::vector<std::string> code_points(std::string_view word) {
    std::vector<std::string> each;
    for (std::size_t at = 0; at < word.size();) {
        const std::size_t start = at;
        text::next_code_point(word, at);
        each.emplace_back(word.substr(start, at - start));
    }
    return each;
}

char32_t code_point(std::string_view character) {
    std::size_t at = 0;
    return text::next_code_point(character, at);
}

/// Appends the tokens of one word. `pinyin` is there if any of it needs a reading.
void append_word(std::string_view word, const text::Pinyin* pinyin,
                 std::vector<std::string>& tokens) {
    const std::vector<std::string> characters = code_points(word);
    const std::size_t count = characters.size();
    if (word.size() == count) {
        if (!tokens.empty() && count > 1 && !ends_with_space_or_quote(tokens)) {
            tokens.emplace_back(" ");
        }
        tokens.insert(tokens.end(), characters.begin(), characters.end());
        return;
    }
    // Only words of three-byte characters throughout are read as words.
    std::vector<std::string> readings = characters;
    if (pinyin != nullptr && word.size() == 3 * count) readings = pinyin->read(word);
    readings.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const bool spaced = takes_space(code_point(characters[i]));
        if (spaced) tokens.emplace_back(" ");
        if (spaced && pinyin != nullptr && word.size() != 3 * count) {
            for (std::string& reading : pinyin->read(characters[i])) {
                tokens.push_back(std::move(reading));
            }
        } else {
            tokens.push_back(std::move(readings[i]));
        }
    }
}

}  // namespace

Characters::Characters(text::ChineseFiles files) : files_(std::move(files)) {}
Characters::~Characters() = default;

Result<std::shared_ptr<const Characters::Chinese>> Characters::chinese() const {
    const std::scoped_lock lock(mutex_);
    if (!chinese_) {
        TITANS_TRY(auto words, text::ChineseWords::open(files_));
        TITANS_TRY(auto pinyin, text::Pinyin::open(files_));
        chinese_ = std::make_shared<const Chinese>(std::move(words), std::move(pinyin));
    }
    return chinese_;
}

Result<std::vector<std::string>> Characters::tokens(std::string_view text) const {
    std::string written;
    bool readings = false;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = replaced(text::next_code_point(text, at));
        readings = readings || needs_reading(c);
        text::append(written, c);
    }
    std::shared_ptr<const Chinese> chinese;
    if (readings) {
        TITANS_TRY(chinese, this->chinese());
    }
    const text::ChineseWords& words = chinese ? chinese->words : without_ideographs_;
    std::vector<std::string> tokens;
    for (const std::string_view word : words.cut(written)) {
        append_word(word, chinese ? &chinese->pinyin : nullptr, tokens);
    }
    return tokens;
}

}  // namespace titans::voice::f5tts
