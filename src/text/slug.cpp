#include "text/slug.h"

#include <unicode/translit.h>
#include <unicode/unistr.h>

#include <memory>
#include <new>

#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestSlug = 60;
constexpr std::size_t kLongestName = 1024;  // bytes that are looked at

}  // namespace

std::string slug(std::string_view name) {
    name = truncate(name, kLongestName);
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::Transliterator> transliterator(icu::Transliterator::createInstance(
        icu::UnicodeString::fromUTF8("Any-Latin; Latin-ASCII; Lower"), UTRANS_FORWARD, status));
    if (U_FAILURE(status))
        throw std::bad_alloc();  // the rules are part of ICU: only memory can be missing
    auto latin = icu::UnicodeString::fromUTF8(
        icu::StringPiece(name.data(), static_cast<std::int32_t>(name.size())));
    transliterator->transliterate(latin);

    std::string slug;
    bool gap = false;
    for (std::int32_t i = 0; i < latin.length() && slug.size() < kLongestSlug; ++i) {
        const char16_t c = latin[i];
        if ((c >= u'a' && c <= u'z') || (c >= u'0' && c <= u'9')) {
            if (gap && !slug.empty()) slug += '-';
            gap = false;
            slug += static_cast<char>(c);
        } else if (c != u'\'' && c != u'\u2019') {  // "O'Brien" is one word
            gap = true;
        }
    }
    if (slug.size() > kLongestSlug) slug.resize(kLongestSlug);
    if (slug.ends_with('-')) slug.pop_back();
    return slug;
}

}  // namespace titans::text
