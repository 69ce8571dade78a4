#include "text/abbreviations.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>

#include "text/utf8.h"

namespace titans::text {

namespace {

using namespace std::string_view_literals;

// Sorted, for binary search. What is also a word that may end a sentence ("no", "fig") needs its
// condition; what is a name or word in small letters ("col", "rep") stands here with its capital
// only.

/// A name or an explanation follows: these never end a sentence.
constexpr std::array kNeverLast{
    "Capt"sv, "Cmdr"sv, "Col"sv, "Dr"sv,  "Dra"sv,  "Fr"sv,     "Frl"sv,  "Gen"sv,
    "Gov"sv,  "Hon"sv,  "Hr"sv,  "Lt"sv,  "Maj"sv,  "Messrs"sv, "Mgr"sv,  "Mlle"sv,
    "Mme"sv,  "Mr"sv,   "Mrs"sv, "Ms"sv,  "Mt"sv,   "Mx"sv,     "Pres"sv, "Prof"sv,
    "Rep"sv,  "Rev"sv,  "Sen"sv, "Sgt"sv, "Sra"sv,  "Sta"sv,    "St"sv,   "approx"sv,
    "bzw"sv,  "ca"sv,   "cf"sv,  "d.h"sv, "dott"sv, "dr"sv,     "e.g"sv,  "eg"sv,
    "evtl"sv, "ggf"sv,  "i.e"sv, "ie"sv,  "inkl"sv, "mr"sv,     "mrs"sv,  "prof"sv,
    "p.ej"sv, "sog"sv,  "vgl"sv, "viz"sv, "vs"sv,   "z.B"sv,    "z.b"sv};
/// These go on if a small letter follows.
constexpr std::array kLastBeforeCapital{"Co"sv,   "Corp"sv, "Inc"sv, "Jr"sv,  "Ltd"sv, "Sr"sv,
                                        "a.m"sv,  "al"sv,   "etc"sv, "p.m"sv, "u.a"sv, "usw"sv,
                                        "dept"sv, "est"sv,  "min"sv, "max"sv};
/// These go on if a number follows.
constexpr std::array kBeforeNumber{"Abb"sv, "Art"sv, "Bd"sv, "Ch"sv, "Fig"sv, "Figs"sv,
                                   "No"sv,  "Nos"sv, "Nr"sv, "Op"sv, "Sec"sv, "Vol"sv,
                                   "no"sv,  "nos"sv, "nr"sv, "pp"sv, "vol"sv, "fig"sv};

bool contains(const auto& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

bool is_letter(char32_t c) { return u_isalpha(static_cast<UChar32>(c)) != 0; }

/// The letters, digits and inner full stops that stand before the last full stop.
std::string_view last_token(std::string_view before) {
    before.remove_suffix(1);
    std::size_t start = before.size();
    for (std::size_t at = start; at > 0; start = at) {
        const char32_t c = previous_code_point(before, at);
        if (c != '.' && !u_isalnum(static_cast<UChar32>(c))) break;
    }
    return before.substr(start);
}

FullStop if_next(std::optional<char32_t> next, bool (*abbreviates)(char32_t)) {
    if (!next) return FullStop::NeedsNextCharacter;
    return abbreviates(*next) ? FullStop::Abbreviates : FullStop::EndsSentence;
}

}  // namespace

FullStop judge_full_stop(std::string_view before, std::optional<char32_t> next) {
    if (!before.ends_with('.')) return FullStop::EndsSentence;
    const std::string_view token = last_token(before);
    if (token.empty()) return FullStop::EndsSentence;
    const bool starts_sentence = trim(before).size() == token.size() + 1;
    if (starts_sentence && token.size() <= 3 &&
        std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; })) {
        return FullStop::Abbreviates;
    }
    if (contains(kNeverLast, token)) return FullStop::Abbreviates;
    if (contains(kLastBeforeCapital, token)) {
        return if_next(next, [](char32_t c) { return u_islower(static_cast<UChar32>(c)) != 0; });
    }
    if (contains(kBeforeNumber, token)) {
        return if_next(next, [](char32_t c) { return u_isdigit(static_cast<UChar32>(c)) != 0; });
    }
    // Initials: "J. R. R. Tolkien", but "so do I." and "plan B." at times end a sentence; the
    // pronoun always does.
    std::size_t at = 0;
    const char32_t first = next_code_point(token, at);
    if (at == token.size() && first != 'I' && is_letter(first) &&
        u_isupper(static_cast<UChar32>(first))) {
        return FullStop::Abbreviates;
    }
    // "U.S." and its like: only a small letter shows that the sentence goes on.
    if (token.find('.') != std::string_view::npos && is_letter(first)) {
        return if_next(next, [](char32_t c) { return u_islower(static_cast<UChar32>(c)) != 0; });
    }
    return FullStop::EndsSentence;
}

}  // namespace titans::text
