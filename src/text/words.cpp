#include "text/words.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <new>
#include <utility>

#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestWord = 96;  // bytes; longer ones are data, not language

bool is_optional_point(UChar32 c) {
    if (c < 0x591 || c > 0x6ED) return false;
    if (c == 0x640) return true;  // tatweel, which stretches a word
    return c <= 0x5C7 || c >= 0x610 ? u_charType(c) == U_NON_SPACING_MARK : false;
}

std::u16string to_utf16(std::string_view text) {
    std::u16string wide(text.size(), u'\0');  // never more units than bytes
    std::int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(wide.data(), static_cast<std::int32_t>(wide.size()), &length, text.data(),
                         static_cast<std::int32_t>(text.size()), 0xFFFD, nullptr, &status);
    if (U_FAILURE(status)) throw std::bad_alloc();
    wide.resize(static_cast<std::size_t>(length));
    return wide;
}

/// NFKC, case folded, without optional points.
std::u16string fold(std::u16string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* normalizer = unorm2_getNFKCCasefoldInstance(&status);
    std::u16string folded(text.size() + text.size() / 8 + 32, u'\0');
    std::int32_t length = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
        status = U_ZERO_ERROR;
        length = unorm2_normalize(normalizer, text.data(), static_cast<std::int32_t>(text.size()),
                                  folded.data(), static_cast<std::int32_t>(folded.size()), &status);
        folded.resize(static_cast<std::size_t>(length));
        if (status != U_BUFFER_OVERFLOW_ERROR) break;
    }
    if (U_FAILURE(status)) throw std::bad_alloc();
    std::erase_if(folded, [](char16_t unit) { return is_optional_point(unit); });
    return folded;
}

bool is_ideographic(std::u16string_view word) {
    for (std::size_t i = 0; i < word.size();) {
        UChar32 c = 0;
        U16_NEXT(word.data(), i, word.size(), c);
        if (!u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC)) return false;
    }
    return true;
}

void add_word(std::vector<std::string>& words, std::u16string_view word) {
    std::string bytes;
    for (std::size_t i = 0; i < word.size();) {
        UChar32 c = 0;
        U16_NEXT(word.data(), i, word.size(), c);
        append(bytes, static_cast<char32_t>(c));
        if (bytes.size() > kLongestWord) break;
    }
    bytes.resize(truncate(bytes, kLongestWord).size());
    if (!bytes.empty()) words.push_back(std::move(bytes));
}

/// Each of the ideographs of `run`, and each two neighbours.
void add_ideographs(std::vector<std::string>& words, std::u16string_view run) {
    std::size_t previous = 0;
    for (std::size_t i = 0; i < run.size();) {
        const std::size_t start = i;
        UChar32 c = 0;
        U16_NEXT(run.data(), i, run.size(), c);
        if (start > 0) add_word(words, run.substr(previous, i - previous));
        add_word(words, run.substr(start, i - start));
        previous = start;
    }
}

bool is_apostrophe(char16_t unit) { return unit == u'\'' || unit == u'\u2019'; }

}  // namespace

WordCutter::WordCutter() {
    UErrorCode status = U_ZERO_ERROR;
    iterator_.reset(ubrk_open(UBRK_WORD, "", nullptr, 0, &status));
    if (U_FAILURE(status))
        throw std::bad_alloc();  // the rules are part of ICU: only memory can be missing
}

std::vector<std::string> WordCutter::cut(std::string_view text) {
    const std::u16string folded = fold(to_utf16(text));
    UErrorCode status = U_ZERO_ERROR;
    ubrk_setText(iterator_.get(), folded.data(), static_cast<std::int32_t>(folded.size()), &status);
    if (U_FAILURE(status)) throw std::bad_alloc();
    std::vector<std::string> words;
    const std::u16string_view all = folded;
    std::size_t ideographs = 0;  // where their run starts that ends at `start`
    std::size_t start = 0;
    for (std::int32_t end = ubrk_next(iterator_.get()); end != UBRK_DONE;
         end = ubrk_next(iterator_.get())) {
        const std::size_t from = std::exchange(start, static_cast<std::size_t>(end));
        const std::int32_t kind = ubrk_getRuleStatus(iterator_.get());
        std::u16string_view word = all.substr(from, start - from);
        if (kind >= UBRK_WORD_IDEO && is_ideographic(word)) continue;
        add_ideographs(words, all.substr(ideographs, from - ideographs));
        ideographs = start;
        if (kind < UBRK_WORD_NONE_LIMIT) continue;  // spaces and punctuation
        while (!word.empty()) {
            const auto part_end = std::ranges::find_if(word, is_apostrophe);
            const auto length = static_cast<std::size_t>(part_end - word.begin());
            add_word(words, word.substr(0, length));
            word.remove_prefix(std::min(length + 1, word.size()));
        }
    }
    add_ideographs(words, all.substr(ideographs));
    return words;
}

std::size_t WordCutter::count(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, text.data(), static_cast<std::int64_t>(text.size()), &status);
    ubrk_setUText(iterator_.get(), &utext, &status);
    utext_close(&utext);
    if (U_FAILURE(status)) throw std::bad_alloc();
    std::size_t words = 0;
    while (ubrk_next(iterator_.get()) != UBRK_DONE) {
        if (ubrk_getRuleStatus(iterator_.get()) >= UBRK_WORD_NONE_LIMIT) ++words;
    }
    return words;
}

}  // namespace titans::text
