#include <array>

#include "text/letter_case.h"
#include "text/sentence_speller.h"
#include "text/utf8.h"

namespace titans::text {

const WrittenUnit* SentenceSpeller::find_unit(std::size_t position) const {
    const std::size_t start = behind_space(position);
    for (const WrittenUnit& unit : written_units()) {
        if (!rest(start).starts_with(unit.written)) continue;
        const std::size_t end = start + unit.written.size();
        const bool sign = !is_letter(last_character(unit.written));
        if (!sign && (!word_ends_at(end) || at(end) == '\'' || rest(end).starts_with("’")))
            continue;
        // "5 s" is a time, but "the 5 s" of a text is as likely to be something else.
        if (start != position && unit.written == "s" && numbers_.language() == "en") continue;
        return &unit;
    }
    return nullptr;
}

char32_t SentenceSpeller::last_character(std::string_view text) {
    std::size_t end = text.size();
    return previous_code_point(text, end);
}

bool SentenceSpeller::say_magnitude_or_unit(const FoundNumber& found) {
    if (numbers_.language() == "en" && at(found.end) == 'k' && word_ends_at(found.end + 1)) {
        say(numbers_.number(scaled(found.number, 3)), found.end + 1);
        return true;
    }
    const WrittenUnit* const unit = find_unit(found.end);
    if (unit == nullptr) return false;
    const std::size_t end = behind_space(found.end) + unit->written.size();
    std::optional<std::string> said;
    if (unit->identifier == "percent" && !words_.percent.empty()) {
        said = filled(words_.percent, "{}", numbers_.number(found.number));
    } else {
        said = numbers_.measure(found.number, std::string(unit->identifier));
    }
    if (!said || found.number.whole.size() > 15) return false;
    say(*said, end);
    return true;
}

bool SentenceSpeller::say_per() {
    const WrittenUnit* const unit = find_unit(at_ + 1);
    const std::string_view word = word_at(at_ + 1);
    if (unit == nullptr && word.size() < 2) return false;
    const std::string per = numbers_.per(unit != nullptr ? unit->identifier : "kilogram");
    if (per.empty()) return false;
    if (unit != nullptr) {
        say(" " + per, behind_space(at_ + 1) + unit->written.size());
    } else {
        say(" " + per.substr(0, per.find(' ')), at_ + 1);  // "/month"
    }
    return true;
}

WrittenNumber SentenceSpeller::scaled(WrittenNumber number, std::size_t zeros) {
    number.fraction.resize(std::max(number.fraction.size(), zeros), '0');
    number.whole += number.fraction.substr(0, zeros);
    number.fraction.erase(0, zeros);
    number.whole.erase(0, std::min(number.whole.find_first_not_of('0'), number.whole.size() - 1));
    return number;
}

const WrittenCurrency* SentenceSpeller::find_currency(std::size_t position) const {
    for (const WrittenCurrency& currency : written_currencies()) {
        if (!rest(position).starts_with(currency.written)) continue;
        if (is_letter(last_character(currency.written)) &&
            is_letter(code_point_at(position + currency.written.size())))
            continue;
        return &currency;
    }
    return nullptr;
}

bool SentenceSpeller::say_currency_first() {
    std::size_t start = at_;
    const bool negative = at(start) == '-';
    if (negative) {
        const char32_t previous = before(at_);
        if (previous != 0 && !is_space(previous) && previous != '(') return false;
        ++start;
    }
    const WrittenCurrency* const currency = find_currency(start);
    if (currency == nullptr) return false;
    const std::size_t number_at = behind_space(start + currency->written.size());
    if (!digit_at(number_at)) return false;
    FoundNumber found = find_number(number_at);
    if (!found.parts.empty()) return false;
    found.number.negative = negative;
    struct Magnitude {
        std::string_view written;
        std::size_t zeros;
    };
    static constexpr std::array kMagnitudes{
        Magnitude{"bn", 9}, Magnitude{"tn", 12}, Magnitude{"k", 3},
        Magnitude{"K", 3},  Magnitude{"m", 6},   Magnitude{"M", 6},
        Magnitude{"b", 9},  Magnitude{"B", 9},   Magnitude{"T", 12}};
    for (const Magnitude& magnitude : kMagnitudes) {
        const std::size_t end = found.end + magnitude.written.size();
        if (!rest(found.end).starts_with(magnitude.written) || !word_ends_at(end)) continue;
        found.number = scaled(found.number, magnitude.zeros);
        found.end = end;
        break;
    }
    // "$3.5 million"
    static constexpr std::array kLarge{"thousand",  "million",    "billion",   "trillion",
                                       "millions",  "billions",   "milliards", "millones",
                                       "Millionen", "Milliarden", "Million",   "Milliarde"};
    const std::size_t next = behind_space(found.end);
    if (const std::string_view word = word_at(next); next > found.end && has(kLarge, word)) {
        say(numbers_.number(found.number) + " " + std::string(word) + " " +
                short_name(numbers_.currency_name(currency->code)),
            next + word.size());
        return true;
    }
    const std::string said = money_words(found.number, currency->code);
    if (said.empty()) return false;
    say(said, found.end);
    return true;
}

bool SentenceSpeller::say_money_behind(const FoundNumber& found) {
    const std::size_t start = behind_space(found.end);
    const WrittenCurrency* const currency = find_currency(start);
    if (currency == nullptr) return false;
    const std::string said = money_words(found.number, currency->code);
    if (said.empty()) return false;
    say(said, start + currency->written.size());
    return true;
}

std::string SentenceSpeller::short_name(std::string name) const {
    for (std::string_view left = words_.of_country; !left.empty();) {
        const std::size_t end = std::min(left.find('|'), left.size());
        const std::string_view part = left.substr(0, end);
        if (const std::size_t at = name.find(part); at != std::string::npos) {
            name.erase(at, part.size());
        }
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return name;
}

std::string SentenceSpeller::money_words(WrittenNumber number, std::string_view code) {
    static constexpr std::array kOfHundred{"USD", "EUR", "GBP", "CAD", "AUD", "CHF", "BRL",
                                           "PLN", "CZK", "RUB", "UAH", "TRY", "INR"};
    if (number.whole.size() > 15) return {};
    if (number.fraction == "00") number.fraction.clear();
    const bool cents =
        number.fraction.size() == 2 && !words_.cents.empty() && has(kOfHundred, code);
    std::string hundredths;
    if (cents) {
        const int count = *small_value(number.fraction);
        hundredths = numbers_.number({.whole = std::to_string(count)});
        if (numbers_.language() == "en" && code == "INR") {
            hundredths = " and " + hundredths + " paise";
        } else if (numbers_.language() == "en") {
            const std::string_view name =
                code == "GBP" ? (count == 1 ? "penny" : "pence") : (count == 1 ? "cent" : "cents");
            hundredths += " " + std::string(name);
            if (number.whole == "0" && !number.negative) return hundredths;
            hundredths = " and " + hundredths;
        } else {
            hundredths = filled(words_.cents, "{}", hundredths);
        }
        number.fraction.clear();
    }
    const auto said = numbers_.money(number, code);
    return said ? short_name(*said) + hundredths : std::string();
}

}  // namespace titans::text
