#include "text/sentences.h"

#include <unicode/ubrk.h>
#include <unicode/uloc.h>
#include <unicode/utext.h>

#include <array>
#include <new>
#include <optional>

#include "text/abbreviations.h"
#include "text/utf8.h"

namespace titans::text {

namespace {

/// The first character of `text` that is no white space.
std::optional<char32_t> first_character(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (const char32_t c = next_code_point(text, at); !is_space(c)) return c;
    }
    return std::nullopt;
}

bool has_line_end(std::string_view space) {
    return space.find_first_of("\n\r") != std::string_view::npos;
}

}  // namespace

void BreakIteratorCloser::operator()(UBreakIterator* iterator) const noexcept {
    ubrk_close(iterator);
}

SentenceCutter::SentenceCutter(std::string_view locale) {
    UErrorCode status = U_ZERO_ERROR;
    std::array<char, ULOC_FULLNAME_CAPACITY> name{};
    std::int32_t parsed = 0;
    uloc_forLanguageTag(std::string(locale).c_str(), name.data(), name.size(), &parsed, &status);
    if (U_FAILURE(status)) {
        name = {};
        status = U_ZERO_ERROR;
    }
    iterator_.reset(ubrk_open(UBRK_SENTENCE, name.data(), nullptr, 0, &status));
    if (U_FAILURE(status))
        throw std::bad_alloc();  // the rules are part of ICU: only memory can be missing
}

std::vector<std::string_view> SentenceCutter::cut(std::string_view text) {
    std::vector<std::string_view> sentences;
    UErrorCode status = U_ZERO_ERROR;
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, text.data(), static_cast<std::int64_t>(text.size()), &status);
    ubrk_setUText(iterator_.get(), &utext, &status);
    utext_close(&utext);
    if (U_FAILURE(status)) throw std::bad_alloc();

    std::size_t start = 0;
    for (std::int32_t end = ubrk_next(iterator_.get()); end != UBRK_DONE;
         end = ubrk_next(iterator_.get())) {
        const std::string_view segment = text.substr(start, static_cast<std::size_t>(end) - start);
        const std::string_view sentence = trim(segment);
        const std::string_view rest = text.substr(static_cast<std::size_t>(end));
        if (!rest.empty()) {
            if (sentence.empty()) continue;
            const auto after =
                static_cast<std::size_t>(sentence.data() + sentence.size() - segment.data());
            if (!has_line_end(segment.substr(after)) &&
                judge_full_stop(sentence, first_character(rest)) == FullStop::Abbreviates) {
                continue;
            }
        }
        if (!sentence.empty()) sentences.push_back(sentence);
        start = static_cast<std::size_t>(end);
    }
    return sentences;
}

}  // namespace titans::text
