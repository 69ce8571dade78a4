#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace titans::text {

/// A number as it was written.
struct WrittenNumber {
    bool negative = false;
    std::string whole = {};     // digits
    std::string fraction = {};  // digits, maybe none
};

/// In which form a number's word agrees with its noun.
enum class Agreement : std::uint8_t { Counting, Masculine, Feminine, Neuter, Common };
enum class Ordinal : std::uint8_t {
    Plain,
    Masculine,
    Feminine,
    Oblique,
    Genitive,
    Prepositional,
    Strong
};

/// Numbers, measures, money and dates in the words of one language, by ICU's rules and names.
///
/// Words come without soft hyphens. Not thread-safe.
class NumberSpeller {
public:
    /// `language`: BCP 47.
    explicit NumberSpeller(std::string_view language);
    ~NumberSpeller();

    /// Whether ICU has words for the numbers of this language; if not, nothing else may be called.
    bool speaks() const;

    /// The first subtag: "en".
    const std::string& language() const;
    /// What divides a fraction from the whole, and thousands from each other, as UTF-8.
    const std::string& decimal_separator() const;
    const std::string& grouping_separator() const;
    /// Whether words are written with spaces between.
    bool spaces() const;
    /// Whether 11/23 is a day of November.
    bool month_first() const;

    /// Too many digits for a word, or a zero in front: digit by digit.
    std::string number(const WrittenNumber& number, Agreement agreement = Agreement::Counting);
    std::string digits(std::string_view digits);
    std::string ordinal(std::int64_t number, Ordinal form = Ordinal::Plain);
    std::string year(std::int64_t year);
    /// Whether years have words of their own wherever they stand: "nineteen eighty-four".
    bool has_own_years() const;

    /// "minus" and "point" in this language; empty if they are not words of their own.
    std::string minus();
    std::string point();

    /// `unit`: ICU's identifier ("kilometer-per-hour"), `currency`: ISO 4217. Nothing if unknown.
    std::optional<std::string> measure(const WrittenNumber& number, const std::string& unit);
    /// "per kilogram", behind an amount; empty in languages that say it otherwise.
    std::string per(std::string_view unit);
    std::optional<std::string> money(const WrittenNumber& number, std::string_view currency);
    /// The currency's name as it stands behind large round numbers.
    std::string currency_name(std::string_view currency);

    /// A date of the Gregorian calendar; `form` of the day, where it is an ordinal. Nothing if
    /// there is no such day.
    std::optional<std::string> date(int year, int month, int day, Ordinal form);
    /// The day as it stands beside its month.
    std::string day(int day, Ordinal form);
    /// The month's name in a date, 1 to 12.
    std::string month(int month);
    /// The month that `word` names or abbreviates, whatever its case and full stop; 0 if none.
    int find_month(std::string_view word);

private:
    struct Icu;
    std::unique_ptr<Icu> icu_;
};

}  // namespace titans::text
