#pragma once

#include <unicode/uchar.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/number_speller.h"
#include "text/spoken_words.h"

namespace titans::text {

/// Where a number stands in the text, and how it is written.
struct FoundNumber {
    std::size_t end = 0;
    WrittenNumber number = {};
    /// "1.2.3": its parts; else empty.
    std::vector<std::string> parts = {};
    bool grouped = false;  // "1,000"
};

/// What SpokenForm does: goes through a text once, from left to right, and at each place asks those
/// who may know what stands there (say_*). Each that does writes its words and moves on, and
/// returns true. The files: signs, dates and times, numbers, Roman numerals, amounts of something.
class SentenceSpeller {
public:
    explicit SentenceSpeller(std::string_view language);

    std::string of(std::string_view text);

private:
    /// What was said last, for what stands right behind it.
    enum class Said : std::uint8_t { Other, Number, Day, Month, YearsFrom, OrdinalsFrom };
    struct YearWord {
        std::string_view word = {};
        std::size_t end = 0;
        Ordinal form = Ordinal::Genitive;
    };

    /// text_: digits as ASCII, no-break spaces all alike, nothing invisible.
    void normalize(std::string_view text);
    std::string_view rest(std::size_t at) const;
    char at(std::size_t position) const;
    bool digit_at(std::size_t position) const;
    char32_t code_point_at(std::size_t position) const;
    char32_t before(std::size_t position) const;
    bool word_ends_at(std::size_t position) const;
    std::size_t digits_end(std::size_t position) const;
    std::string_view digits_from(std::size_t position) const;
    /// Behind one space, if there is one.
    std::size_t behind_space(std::size_t position) const;
    std::size_t behind_spaces(std::size_t position) const;
    /// Where the word begins that ends before `position`, but for spaces.
    std::size_t word_start(std::size_t position) const;
    /// That word, in small letters.
    std::string word_before(std::size_t position) const;
    std::string_view word_at(std::size_t position) const;
    /// Writes `words` in place of the text up to `end`.
    void say(std::string_view words, std::size_t end, Said said = Said::Other);
    /// A word with spaces around it.
    void say_between(std::string_view word, std::size_t end);
    void copy();
    /// Only a separator, or "of" in languages that say so, is between `position` and what was said
    /// last.
    bool follows(Said said, std::size_t position) const;
    void step();

    // Signs and abbreviations
    bool say_mail();
    bool say_abbreviation();
    /// The number, letter or closing bracket before and behind `position`, spaces left out.
    bool between_terms(std::size_t position, std::size_t length) const;
    /// A dash right behind what was said and before another number: "9:00-17:00", "5% – 10%".
    bool is_range_sign(std::size_t length) const;
    bool say_sign(char c);

    // Dates and times
    /// A month beside its day or year: "Nov" -> "November".
    bool say_month();
    bool is_century_year(std::string_view digits) const;
    /// A day stands without article more often than other ordinals.
    Ordinal day_form(std::size_t position) const;
    bool say_date();
    /// "am", "p.m." at `position`: how it is said; `position` moves behind it.
    std::string half_of_day(std::size_t& position) const;
    bool say_time();
    std::string hour_words(int hour);
    std::string spoken_hour(int hour);
    std::string hour_and_minutes(int hour, int minutes);
    bool say_day(const FoundNumber& found);
    bool say_year(const FoundNumber& found);
    /// "год" or "г." behind a year, which is an ordinal then, in the case of this word.
    YearWord year_word(std::size_t position) const;

    // Numbers
    /// The number at `position`, in the language's way of writing; digits must be there.
    FoundNumber find_number(std::size_t position) const;
    std::string dotted(const std::vector<std::string>& parts);
    Ordinal ordinal_form(std::size_t position) const;
    /// A telephone number, digit by digit.
    bool say_phone();
    bool say_fraction();
    /// Nothing in languages whose fractions are not known.
    std::string fraction_words(int top, int bottom);
    /// The number at `start`, with what belongs to it.
    void say_number(std::size_t start, bool negative);
    /// "MP3", "v2.0": the digits behind a letter.
    void say_number_in_word();
    /// Whether a two before `position` counts things, and is another word than the numeral.
    bool counts_in_chinese(std::size_t position) const;
    /// With the noun behind `position`, as far as its ending tells; counting without one.
    Agreement agreement_at(std::size_t position) const;
    bool say_ordinal(const FoundNumber& found);
    /// "3-5", "3 x 4".
    bool say_range(const FoundNumber& found);

    // Roman numerals
    /// "Henry VIII", "World War II", "XXe siècle".
    bool say_roman();

    // Amounts
    const WrittenUnit* find_unit(std::size_t position) const;
    static char32_t last_character(std::string_view text);
    bool say_magnitude_or_unit(const FoundNumber& found);
    /// The slash of "$5/kg" behind what was said, and what it is of.
    bool say_per();
    static WrittenNumber scaled(WrittenNumber number, std::size_t zeros);
    const WrittenCurrency* find_currency(std::size_t position) const;
    bool say_currency_first();
    bool say_money_behind(const FoundNumber& found);
    /// Without the country, which nobody says of dollars and pounds.
    std::string short_name(std::string name) const;
    std::string money_words(WrittenNumber number, std::string_view code);

    NumberSpeller numbers_;
    const SpokenWords& words_;
    std::vector<const Abbreviation*> abbreviations_;

    // While a text is read:
    std::string text_;
    std::size_t at_ = 0;
    std::string out_;
    Said last_ = Said::Other;
    std::size_t last_end_ = 0;             // in text_, of what was said last
    Ordinal range_form_ = Ordinal::Plain;  // of the first of two
};

/// The number that `digits` are, if there are at most four.
std::optional<int> small_value(std::string_view digits);

/// `pattern` with `value` in place of the first `name`.
std::string filled(std::string_view pattern, std::string_view name, std::string_view value);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char32_t c) { return u_isalpha(static_cast<UChar32>(c)) != 0; }
inline bool is_upper(char32_t c) { return u_isupper(static_cast<UChar32>(c)) != 0; }
inline bool is_alphanumeric(char32_t c) { return u_isalnum(static_cast<UChar32>(c)) != 0; }

template <typename Range>
bool has(const Range& range, std::string_view value) {
    return std::ranges::find(range, value) != std::ranges::end(range);
}

}  // namespace titans::text
