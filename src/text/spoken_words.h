#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace titans::text {

/// The words of a language that ICU does not have. Empty: that sign is left as it is.
struct SpokenWords {
    std::string_view language = {};
    std::string_view plus = {};
    std::string_view times = {};
    std::string_view divided = {};
    std::string_view equals = {};
    std::string_view both = {};  // &
    std::string_view at = {};
    std::string_view dot = {};
    std::string_view number = {};        // #1
    std::string_view to = {};            // 3-5
    std::string_view either = {};        // he/she
    std::string_view hour = {};          // 14:00; {} is the hour. Empty: as fourteen hours
    std::string_view hour_minutes = {};  // 14:30; {h}: the hour as fourteen hours
    std::string_view cents = {};         // between whole money and its hundredths; {} are these
    std::string_view percent = {};       // where ICU has only the sign
    std::string_view of_country = {};    // what ICU puts around dollars and pounds, divided by |
    std::string_view before_years = {};  // words, with spaces around each
};

/// Those of `language`; of none, empty ones.
const SpokenWords& find_spoken_words(std::string_view language);

/// What must stand behind an abbreviation that is also something else.
enum class Behind : std::uint8_t { Anything, Name, Number };

struct Abbreviation {
    std::string_view language;
    std::string_view written;
    std::string_view spoken;
    Behind behind = Behind::Anything;
};

std::span<const Abbreviation> spoken_abbreviations();

/// Units as they are written behind numbers, longest first, with ICU's identifiers.
struct WrittenUnit {
    std::string_view written;
    std::string_view identifier;
};
std::span<const WrittenUnit> written_units();

/// Signs and codes of currencies, longest first.
struct WrittenCurrency {
    std::string_view written;
    std::string_view code;
};
std::span<const WrittenCurrency> written_currencies();

}  // namespace titans::text
