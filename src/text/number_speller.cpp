#include "text/number_speller.h"

#include <unicode/dcfmtsym.h>
#include <unicode/dtfmtsym.h>
#include <unicode/dtptngen.h>
#include <unicode/fpositer.h>
#include <unicode/gregocal.h>
#include <unicode/measunit.h>
#include <unicode/numberformatter.h>
#include <unicode/rbnf.h>
#include <unicode/smpdtfmt.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <vector>

#include "text/letter_case.h"
#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestInWords = 15;  // digits: trillions

bool has_digit(const icu::UnicodeString& text) {
    for (int i = 0; i < text.length(); ++i) {
        if (u_isdigit(text.charAt(i)) != 0) return true;
    }
    return false;
}

/// As UTF-8, without what only helps a display: soft hyphens, zero-width spaces, direction marks.
std::string plain(const icu::UnicodeString& text) {
    std::string words;
    for (int i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        const auto c = static_cast<char32_t>(text.char32At(i));
        if (c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || c == 0x61C || c == 0x2060)
            continue;
        append(words, is_space(c) ? U' ' : c);
    }
    return std::string(trim(words));
}

/// "1234.50", as ICU reads numbers.
std::string decimal_text(const WrittenNumber& number) {
    return number.whole + (number.fraction.empty() ? "" : "." + number.fraction);
}

Agreement agreement_with(UDisplayOptionsNounClass noun) {
    switch (noun) {
        case UDISPOPT_NOUN_CLASS_FEMININE:
            return Agreement::Feminine;
        case UDISPOPT_NOUN_CLASS_NEUTER:
            return Agreement::Neuter;
        case UDISPOPT_NOUN_CLASS_COMMON:
            return Agreement::Common;
        default:
            return Agreement::Masculine;
    }
}

/// `formatted` with `words` in place of its number, if it shows one.
std::optional<std::string> with_words(const icu::number::FormattedNumber& formatted,
                                      std::string_view words, bool spaces) {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString text = formatted.toString(status);
    int first = text.length();
    int last = 0;
    icu::ConstrainedFieldPosition position;
    position.constrainCategory(UFIELD_CATEGORY_NUMBER);
    while (formatted.nextPosition(position, status) != 0) {
        const int field = position.getField();
        if (field != UNUM_INTEGER_FIELD && field != UNUM_FRACTION_FIELD && field != UNUM_SIGN_FIELD)
            continue;
        first = std::min(first, position.getStart());
        last = std::max(last, position.getLimit());
    }
    if (U_FAILURE(status) != 0) return std::nullopt;
    if (first < last) {
        text.replace(first, last - first,
                     icu::UnicodeString::fromUTF8(
                         icu::StringPiece(words.data(), static_cast<int>(words.size()))));
    }
    if (has_digit(text)) return std::nullopt;
    for (int i = text.length(); i-- > 0;) {
        if (u_charType(text.charAt(i)) == U_CURRENCY_SYMBOL) text.remove(i, 1);
    }
    std::string said = plain(text);
    std::ranges::replace(said, '/', ' ');
    if (!spaces) std::erase(said, ' ');
    return said;
}

icu::number::Precision decimals_of(const WrittenNumber& number) {
    const int decimals = static_cast<int>(std::min<std::size_t>(number.fraction.size(), 15));
    return icu::number::Precision::fixedFraction(decimals);
}

}  // namespace

struct NumberSpeller::Icu {
    explicit Icu(std::string_view tag) {
        UErrorCode status = U_ZERO_ERROR;
        locale = icu::Locale::forLanguageTag(
            icu::StringPiece(tag.data(), static_cast<int>(tag.size())), status);
        if (U_FAILURE(status) != 0) return;
        status = U_ZERO_ERROR;
        locale.setKeywordValue("numbers", "latn", status);
        locale.setKeywordValue("calendar", "gregorian", status);
        language = locale.getLanguage();
        rules = std::make_unique<icu::RuleBasedNumberFormat>(icu::URBNF_SPELLOUT, locale, status);
        if (U_FAILURE(status) != 0 || language.empty()) return;
        for (int i = 0; i < rules->getNumberOfRuleSetNames(); ++i) {
            std::string name;
            rule_names.insert(rules->getRuleSetName(i).toUTF8String(name));
        }
        // ICU falls back to its own default language where it has no rules.
        const std::string found = rules->getLocale(ULOC_ACTUAL_LOCALE, status).getLanguage();
        const bool norwegian = found == "no" && (language == "nb" || language == "nn");
        icu::UnicodeString seven;
        rules->format(7, seven);
        speaks = U_SUCCESS(status) != 0 && (found == language || norwegian) && !has_digit(seven);

        const icu::DecimalFormatSymbols symbols(locale, status);
        symbols.getConstSymbol(icu::DecimalFormatSymbols::kDecimalSeparatorSymbol)
            .toUTF8String(decimal);
        symbols.getConstSymbol(icu::DecimalFormatSymbols::kGroupingSeparatorSymbol)
            .toUTF8String(grouping);
        // (In English as in America: "the 23rd of" would need to know what stands before.)
        const std::unique_ptr<icu::DateTimePatternGenerator> patterns(
            icu::DateTimePatternGenerator::createInstance(locale, status));
        if (U_SUCCESS(status) != 0) {
            date_pattern = language == "en" ? icu::UnicodeString(u"MMMM d, y")
                                            : patterns->getBestPattern("yMMMMd", status);
            const icu::UnicodeString numeric = patterns->getBestPattern("yMd", status);
            month_first =
                numeric.indexOf(u'M') < numeric.indexOf(u'd') && numeric.indexOf(u'M') == 0;
            const int day = date_pattern.indexOf(u'd');
            ordinal_days = day >= 0 && date_pattern.charAt(day + 1) == u'.';
        }
        for (const char* const named : {"en", "sv", "ru", "pl"}) {
            ordinal_days = ordinal_days || language == named;
        }
        speaks = speaks && U_SUCCESS(status) != 0;
    }

    /// The first of `names` that this language has.
    icu::UnicodeString rule(std::initializer_list<std::string_view> names) const {
        for (const std::string_view name : names) {
            const std::string whole = "%spellout-" + std::string(name);
            if (rule_names.contains(whole)) return icu::UnicodeString::fromUTF8(whole);
        }
        return rules->getDefaultRuleSetName();
    }

    icu::UnicodeString agreeing(Agreement agreement) const {
        switch (agreement) {
            case Agreement::Counting:
                return rule({"numbering"});
            case Agreement::Feminine:
                return rule({"cardinal-feminine", "cardinal", "numbering"});
            case Agreement::Neuter:
                return rule({"cardinal-neuter", "cardinal-masculine", "cardinal", "numbering"});
            case Agreement::Common:
                return rule({"cardinal-common", "cardinal-reale", "cardinal", "numbering"});
            case Agreement::Masculine:
                break;
        }
        return rule({"cardinal-masculine", "cardinal", "numbering"});
    }

    icu::UnicodeString ordinal(Ordinal form) const {
        switch (form) {
            case Ordinal::Feminine:
                return rule({"ordinal-feminine", "ordinal"});
            case Ordinal::Oblique:
                return rule({"ordinal-n", "ordinal", "ordinal-common", "ordinal-masculine"});
            case Ordinal::Strong:
                return rule({"ordinal-r", "ordinal", "ordinal-common", "ordinal-masculine"});
            case Ordinal::Genitive:
                return rule({"ordinal-neuter-genitive", "ordinal-masculine-genitive", "ordinal",
                             "ordinal-common", "ordinal-masculine"});
            case Ordinal::Prepositional:
                return rule({"ordinal-masculine-prepositional", "ordinal-masculine-locative",
                             "ordinal", "ordinal-masculine"});
            case Ordinal::Plain:
            case Ordinal::Masculine:
                break;
        }
        return rule({"ordinal-masculine", "ordinal", "ordinal-common", "ordinal-sinokorean"});
    }

    std::string spell(std::int64_t number, const icu::UnicodeString& by) const {
        UErrorCode status = U_ZERO_ERROR;
        icu::UnicodeString words;
        icu::FieldPosition nowhere;
        rules->format(number, by, words, nowhere, status);
        return U_SUCCESS(status) != 0 && !has_digit(words) ? with_zeros(words) : std::string();
    }

    std::string spell_fraction(double number) const {
        icu::UnicodeString words;
        rules->format(number, words);
        return has_digit(words) ? std::string() : with_zeros(words);
    }

    /// ICU's Chinese zero is a numeral rather than a word; voices know the word.
    std::string with_zeros(icu::UnicodeString& words) const {
        if (language == "zh") words.findAndReplace(u"〇", u"零");
        return plain(words);
    }

    icu::Locale locale;
    std::string language;
    std::unique_ptr<icu::RuleBasedNumberFormat> rules;
    std::set<std::string> rule_names;
    bool speaks = false;
    std::string decimal;
    std::string grouping;
    icu::UnicodeString date_pattern;
    bool month_first = false;
    bool ordinal_days = false;
    std::vector<std::pair<std::string, int>> month_names;  // in small letters
};

NumberSpeller::NumberSpeller(std::string_view language) : icu_(std::make_unique<Icu>(language)) {}
NumberSpeller::~NumberSpeller() = default;

bool NumberSpeller::speaks() const { return icu_->speaks; }
const std::string& NumberSpeller::language() const { return icu_->language; }
const std::string& NumberSpeller::decimal_separator() const { return icu_->decimal; }
const std::string& NumberSpeller::grouping_separator() const { return icu_->grouping; }
bool NumberSpeller::month_first() const { return icu_->month_first; }

bool NumberSpeller::spaces() const {
    return language() != "zh" && language() != "ja" && language() != "yue" && language() != "th";
}

std::string NumberSpeller::digits(std::string_view digits) {
    std::string words;
    for (const char digit : digits) {
        if (!words.empty() && spaces()) words += ' ';
        words += icu_->spell(digit - '0', icu_->agreeing(Agreement::Counting));
    }
    return words;
}

std::string NumberSpeller::minus() {
    const std::string one = icu_->spell(1, icu_->agreeing(Agreement::Counting));
    const std::string negative = icu_->spell(-1, icu_->agreeing(Agreement::Counting));
    if (!negative.ends_with(one)) return {};
    return std::string(trim(std::string_view(negative).substr(0, negative.size() - one.size())));
}

std::string NumberSpeller::point() {
    if (language() == "ja") return "点";
    const std::string two = icu_->spell(2, icu_->agreeing(Agreement::Counting));
    const std::string five = icu_->spell(5, icu_->agreeing(Agreement::Counting));
    const std::string both = icu_->spell_fraction(2.5);
    if (!both.starts_with(two) || !both.ends_with(five)) return {};
    return std::string(
        trim(std::string_view(both).substr(two.size(), both.size() - two.size() - five.size())));
}

std::string NumberSpeller::number(const WrittenNumber& number, Agreement agreement) {
    const bool by_digit = number.whole.size() > kLongestInWords ||
                          (number.whole.size() > 1 && number.whole.front() == '0');
    std::string words =
        by_digit ? digits(number.whole)
                 : icu_->spell(
                       std::stoll("0" + number.whole),
                       icu_->agreeing(number.fraction.empty() ? agreement : Agreement::Counting));
    if (words.empty()) words = digits(number.whole);
    const std::string space = spaces() ? " " : "";
    if (!number.fraction.empty()) {
        const std::string between = point();
        if (!between.empty()) {
            static constexpr std::array kPairs{"ca", "es", "fr", "it", "pl", "pt", "ro", "tr"};
            const bool pair = number.fraction.size() == 2 && number.fraction.front() != '0' &&
                              std::ranges::find(kPairs, language()) != kPairs.end();
            words += space + between + space;
            words +=
                pair ? icu_->spell(std::stoll(number.fraction), icu_->agreeing(Agreement::Counting))
                     : digits(number.fraction);
        } else {
            const std::string whole =
                icu_->spell_fraction(std::strtod(decimal_text(number).c_str(), nullptr));
            words = !whole.empty() ? whole : words + " " + digits(number.fraction);
        }
    }
    if (number.negative) words = minus() + space + words;
    return words;
}

std::string NumberSpeller::ordinal(std::int64_t number, Ordinal form) {
    std::string words = icu_->spell(number, icu_->ordinal(form));
    return words.empty() ? digits(std::to_string(number)) : words;
}

bool NumberSpeller::has_own_years() const {
    static constexpr std::array kHundreds{"da", "de", "en", "nb", "nl", "nn", "no", "sv"};
    return std::ranges::find(kHundreds, language()) != kHundreds.end();
}

std::string NumberSpeller::year(std::int64_t year) {
    // French has a rule too, for how years were once read.
    std::string words = language() == "fr" ? number({.whole = std::to_string(year)})
                                           : icu_->spell(year, icu_->rule({"numbering-year"}));
    return words.empty() ? digits(std::to_string(year)) : words;
}

std::optional<std::string> NumberSpeller::measure(const WrittenNumber& number,
                                                  const std::string& unit) {
    UErrorCode status = U_ZERO_ERROR;
    const auto measured = icu::MeasureUnit::forIdentifier(unit, status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    const auto formatted = icu::number::NumberFormatter::withLocale(icu_->locale)
                               .unit(measured)
                               .unitWidth(UNUM_UNIT_WIDTH_FULL_NAME)
                               .precision(decimals_of(number))
                               .formatDecimal(decimal_text(number), status);
    UErrorCode no_class = U_ZERO_ERROR;
    const Agreement agreement = agreement_with(formatted.getNounClass(no_class));
    return with_words(formatted, this->number(number, agreement), spaces());
}

std::string NumberSpeller::per(std::string_view unit) {
    UErrorCode status = U_ZERO_ERROR;
    const auto measured = icu::MeasureUnit::forIdentifier("per-" + std::string(unit), status);
    if (U_FAILURE(status) != 0) return {};
    const icu::UnicodeString text = icu::number::NumberFormatter::withLocale(icu_->locale)
                                        .unit(measured)
                                        .unitWidth(UNUM_UNIT_WIDTH_FULL_NAME)
                                        .formatInt(1, status)
                                        .toString(status);
    const std::string said = plain(text);
    constexpr std::string_view kAmount = "1 ";
    if (U_FAILURE(status) != 0 || !said.starts_with(kAmount) || said.contains('/')) return {};
    return said.substr(kAmount.size());
}

std::optional<std::string> NumberSpeller::money(const WrittenNumber& number,
                                                std::string_view currency) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::CurrencyUnit unit(
        icu::StringPiece(currency.data(), static_cast<int>(currency.size())), status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    const auto formatted = icu::number::NumberFormatter::withLocale(icu_->locale)
                               .unit(unit)
                               .unitWidth(UNUM_UNIT_WIDTH_FULL_NAME)
                               .precision(decimals_of(number))
                               .formatDecimal(decimal_text(number), status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    // ICU knows no gender of currencies.
    static constexpr std::array kRomance{"ca", "es", "fr", "it", "pt"};
    static constexpr std::array kFeminine{"GBP", "SEK", "NOK", "DKK", "CZK", "TRY", "INR"};
    const bool feminine = std::ranges::find(kRomance, language()) != kRomance.end() &&
                          std::ranges::find(kFeminine, currency) != kFeminine.end();
    return with_words(formatted,
                      this->number(number, feminine ? Agreement::Feminine : Agreement::Masculine),
                      spaces());
}

std::string NumberSpeller::currency_name(std::string_view currency) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::CurrencyUnit unit(
        icu::StringPiece(currency.data(), static_cast<int>(currency.size())), status);
    const auto formatted = icu::number::NumberFormatter::withLocale(icu_->locale)
                               .unit(unit)
                               .unitWidth(UNUM_UNIT_WIDTH_FULL_NAME)
                               .precision(icu::number::Precision::integer())
                               .formatInt(5'000'000, status);
    return with_words(formatted, "", spaces()).value_or(std::string(currency));
}

std::optional<std::string> NumberSpeller::date(int year, int month, int day, Ordinal form) {
    static constexpr std::array kDays{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return std::nullopt;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > kDays[static_cast<std::size_t>(month - 1)]) return std::nullopt;
    if (month == 2 && day == 29 && !leap) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    icu::SimpleDateFormat format(icu_->date_pattern, icu_->locale, status);
    icu::GregorianCalendar calendar(icu_->locale, status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    calendar.clear();
    calendar.set(year, month - 1, day, 12, 0);
    format.setTimeZone(calendar.getTimeZone());
    icu::UnicodeString text;
    icu::FieldPositionIterator fields;
    format.format(calendar, text, &fields, status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    struct Part {
        int start;
        int end;
        std::string words;
    };
    std::vector<Part> parts;
    for (icu::FieldPosition field; fields.next(field) != 0;) {
        Part part{.start = field.getBeginIndex(), .end = field.getEndIndex(), .words = {}};
        if (!has_digit(text.tempSubStringBetween(part.start, part.end))) continue;
        const bool dotted = part.end < text.length() && text.charAt(part.end) == u'.';
        switch (field.getField()) {
            case UDAT_DATE_FIELD:
                part.words = this->day(day, form);
                if (dotted) ++part.end;
                break;
            case UDAT_YEAR_FIELD:
                part.words = this->year(year);
                if (dotted) ++part.end;
                break;
            case UDAT_MONTH_FIELD:  // "tháng 11"
                while (u_isdigit(text.charAt(part.start)) == 0) ++part.start;
                while (u_isdigit(text.charAt(part.end - 1)) == 0) --part.end;
                part.words = number({.whole = std::to_string(month)});
                break;
            default:
                return std::nullopt;
        }
        parts.push_back(std::move(part));
    }
    std::ranges::sort(parts, std::greater(), &Part::start);
    for (const Part& part : parts) {
        text.replace(part.start, part.end - part.start, icu::UnicodeString::fromUTF8(part.words));
    }
    std::string words = plain(text);
    // "г." behind the year is a word cut short.
    for (const auto& [cut, whole] :
         {std::pair<std::string_view, std::string_view>{" г.", " года"}, {" р.", " року"}}) {
        if (words.ends_with(cut)) words.replace(words.size() - cut.size(), cut.size(), whole);
    }
    if (has_digit(icu::UnicodeString::fromUTF8(words))) return std::nullopt;
    return words;
}

std::string NumberSpeller::day(int day, Ordinal form) {
    const bool first = day == 1 && (language() == "fr" || language() == "it" || language() == "pt");
    if (icu_->ordinal_days && form == Ordinal::Plain) {
        form = language() == "de"                         ? Ordinal::Strong
               : language() == "ru" || language() == "pl" ? Ordinal::Genitive
                                                          : Ordinal::Plain;
    }
    if (icu_->ordinal_days || first) return ordinal(day, form);
    if (language() == "zh") return icu_->spell(day, icu_->rule({"numbering"}));
    return number({.whole = std::to_string(day)});
}

std::string NumberSpeller::month(int month) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::DateFormatSymbols symbols(icu_->locale, status);
    int count = 0;
    const icu::UnicodeString* const names =
        symbols.getMonths(count, icu::DateFormatSymbols::FORMAT, icu::DateFormatSymbols::WIDE);
    return U_SUCCESS(status) != 0 && month >= 1 && month <= count ? plain(names[month - 1])
                                                                  : std::string();
}

int NumberSpeller::find_month(std::string_view word) {
    auto& names = icu_->month_names;
    if (names.empty()) {
        UErrorCode status = U_ZERO_ERROR;
        const icu::DateFormatSymbols symbols(icu_->locale, status);
        for (const auto context :
             {icu::DateFormatSymbols::FORMAT, icu::DateFormatSymbols::STANDALONE}) {
            for (const auto width :
                 {icu::DateFormatSymbols::WIDE, icu::DateFormatSymbols::ABBREVIATED}) {
                int count = 0;
                const icu::UnicodeString* const found = symbols.getMonths(count, context, width);
                for (int i = 0; i < std::min(count, 12); ++i) {
                    std::string name = lower_case(plain(found[i]), language());
                    if (name.ends_with('.')) name.pop_back();
                    names.emplace_back(std::move(name), i + 1);
                }
            }
        }
        names.emplace_back("sept", language() == "en" ? 9 : 0);
    }
    if (word.ends_with('.')) word.remove_suffix(1);
    const std::string small = lower_case(word, language());
    const auto at = std::ranges::find(names, small, &std::pair<std::string, int>::first);
    return at == names.end() ? 0 : at->second;
}

}  // namespace titans::text
