#include "text/spoken_form.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "text/letter_case.h"
#include "text/number_speller.h"
#include "text/spoken_words.h"
#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestWord = 60;  // bytes, of what is looked up as one

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char32_t c) { return u_isalpha(static_cast<UChar32>(c)) != 0; }
bool is_upper(char32_t c) { return u_isupper(static_cast<UChar32>(c)) != 0; }
bool is_alphanumeric(char32_t c) { return u_isalnum(static_cast<UChar32>(c)) != 0; }

template <typename Range>
bool has(const Range& range, std::string_view value) {
    return std::ranges::find(range, value) != std::ranges::end(range);
}

std::string filled(std::string_view pattern, std::string_view name, std::string_view value) {
    std::string text(pattern);
    if (const std::size_t at = text.find(name); at != std::string::npos) {
        text.replace(at, name.size(), value);
    }
    return text;
}

struct VulgarFraction {
    char32_t sign;
    std::string_view written;
};
constexpr std::array kVulgarFractions{VulgarFraction{U'½', "1/2"}, VulgarFraction{U'⅓', "1/3"},
                                      VulgarFraction{U'⅔', "2/3"}, VulgarFraction{U'¼', "1/4"},
                                      VulgarFraction{U'¾', "3/4"}, VulgarFraction{U'⅕', "1/5"},
                                      VulgarFraction{U'⅛', "1/8"}, VulgarFraction{U'⅜', "3/8"},
                                      VulgarFraction{U'⅝', "5/8"}, VulgarFraction{U'⅞', "7/8"}};

/// Where a number stands in the text, and how it is written.
struct Found {
    std::size_t end = 0;
    WrittenNumber number = {};
    /// "1.2.3": its parts; else empty.
    std::vector<std::string> parts = {};
    bool grouped = false;  // "1,000"
};

/// A whole number as an int, if it is small.
std::optional<int> small_value(std::string_view digits) {
    if (digits.empty() || digits.size() > 4) return std::nullopt;
    int value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return value;
}

}  // namespace

class SpokenForm::Words {
public:
    explicit Words(std::string_view language)
        : numbers_(language), words_(find_spoken_words(numbers_.language())) {
        for (const Abbreviation& abbreviation : spoken_abbreviations()) {
            if (abbreviation.language == numbers_.language()) {
                abbreviations_.push_back(&abbreviation);
            }
        }
    }

    std::string of(std::string_view text) {
        normalize(text);
        if (!numbers_.speaks()) return text_;
        at_ = 0;
        out_.clear();
        last_ = Said::Other;
        while (at_ < text_.size()) step();
        return std::move(out_);
    }

private:
    /// What was said last, for what stands right behind it.
    enum class Said : std::uint8_t { Other, Number, Day, Month, YearsFrom, OrdinalsFrom };

    /// text_: digits as ASCII, no-break spaces all alike, nothing invisible.
    void normalize(std::string_view text) {
        text_.clear();
        for (std::size_t at = 0; at < text.size();) {
            const char32_t c = next_code_point(text, at);
            const auto* const fraction =
                std::ranges::find(kVulgarFractions, c, &VulgarFraction::sign);
            if (c == 0xAD || c == 0x200B || c == 0x2060 || c == 0xFEFF) continue;
            if (const int digit = u_charDigitValue(static_cast<UChar32>(c));
                digit >= 0 && u_isdigit(static_cast<UChar32>(c)) != 0) {
                text_ += static_cast<char>('0' + digit);
            } else if (fraction != kVulgarFractions.end() && numbers_.speaks()) {
                if (!text_.empty() && is_digit(text_.back())) text_ += ' ';
                text_ += fraction->written;
            } else if (c == 0x2212) {
                text_ += '-';
            } else if (c == 0x66B) {
                text_ += numbers_.decimal_separator();
            } else if (c == 0x66C) {
                text_ += numbers_.grouping_separator();
            } else if (c == 0x202F || c == 0x2009) {
                append(text_, 0xA0);
            } else {
                append(text_, c);
            }
        }
    }

    std::string_view rest(std::size_t at) const {
        return at < text_.size() ? std::string_view(text_).substr(at) : std::string_view();
    }
    char at(std::size_t position) const { return position < text_.size() ? text_[position] : '\0'; }
    bool digit_at(std::size_t position) const { return is_digit(at(position)); }
    char32_t code_point_at(std::size_t position) const {
        return position < text_.size() ? next_code_point(text_, position) : U'\0';
    }
    char32_t before(std::size_t position) const {
        return position > 0 ? previous_code_point(text_, position) : U'\0';
    }
    bool word_ends_at(std::size_t position) const {
        return !is_alphanumeric(code_point_at(position));
    }

    std::size_t digits_end(std::size_t position) const {
        while (digit_at(position)) ++position;
        return position;
    }
    std::string_view digits_from(std::size_t position) const {
        return rest(position).substr(0, digits_end(position) - position);
    }
    /// Behind one space, if there is one.
    std::size_t behind_space(std::size_t position) const {
        if (at(position) == ' ') return position + 1;
        return rest(position).starts_with("\u00A0") ? position + 2 : position;
    }
    std::size_t behind_spaces(std::size_t position) const {
        for (std::size_t next = 0; (next = behind_space(position)) != position;) position = next;
        return position;
    }

    /// The word that ends before `position`, but for spaces, in small letters.
    std::string word_before(std::size_t position) const {
        while (position > 0 && is_space(before(position))) previous_code_point(text_, position);
        const std::size_t end = position;
        while (position > 0 && end - position < kLongestWord && is_letter(before(position)))
            previous_code_point(text_, position);
        return lower_case(std::string_view(text_).substr(position, end - position),
                          numbers_.language());
    }
    std::string_view word_at(std::size_t position) const {
        std::size_t end = position;
        while (end < text_.size() && end - position < kLongestWord && is_letter(code_point_at(end)))
            next_code_point(text_, end);
        return rest(position).substr(0, end - position);
    }

    /// Writes `words` in place of the text up to `end`.
    void say(std::string_view words, std::size_t end, Said said = Said::Other) {
        if (numbers_.spaces() && !out_.empty() && !words.empty()) {
            std::size_t last = out_.size();
            const char32_t c = previous_code_point(out_, last);
            std::size_t first = 0;
            if (is_alphanumeric(c) && is_alphanumeric(next_code_point(words, first))) out_ += ' ';
        }
        out_ += words;
        at_ = end;
        last_ = said;
        last_end_ = end;
        if (numbers_.spaces() && at_ < text_.size() && is_letter(code_point_at(at_)) &&
            !out_.empty() && !out_.ends_with(' ')) {
            out_ += ' ';
        }
    }
    /// A word with spaces around it.
    void say_between(std::string_view word, std::size_t end) {
        while (out_.ends_with(' ')) out_.pop_back();
        const std::string_view space = numbers_.spaces() ? " " : "";
        if (!out_.empty()) out_ += space;
        out_ += word;
        if (!word.empty()) out_ += space;
        at_ = behind_spaces(end);
        last_ = Said::Other;
    }

    void copy() {
        const std::size_t start = at_;
        next_code_point(text_, at_);
        out_ += std::string_view(text_).substr(start, at_ - start);
    }

    void step() {
        const char c = at(at_);
        const char32_t previous = before(at_);
        const bool in_word = is_alphanumeric(previous);
        if (!in_word && (say_mail() || say_abbreviation() || say_month())) return;
        if ((!in_word || !is_letter(code_point_at(at_))) && say_currency_first()) return;
        if (is_digit(c)) {
            if (is_letter(previous) && numbers_.spaces() && last_end_ != at_) {
                say(numbers_.number({.whole = std::string(digits_from(at_))}), digits_end(at_));
            } else if (!say_date() && !say_time() && !say_phone() && !say_fraction()) {
                say_number(at_, false);
            }
            return;
        }
        const bool opens = previous == 0 || is_space(previous) || previous == '(';
        if ((c == '-' || c == '+' || c == '(') && digit_at(at_ + 1) && opens) {
            if (c != '-' && say_phone()) return;
            if (c == '-') return say_number(at_ + 1, true);
        }
        if (!say_sign(c)) copy();
    }

    bool say_mail() {
        const auto belongs = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' ||
                   c == '_' || c == '-' || c == '+';
        };
        std::size_t end = at_;
        while (belongs(at(end)) && end - at_ < kLongestWord) ++end;
        if (end == at_ || at(end) != '@' || words_.at.empty()) return false;
        const std::size_t host = ++end;
        while (belongs(at(end)) && end - host < 3 * kLongestWord) ++end;
        while (end > host && (at(end - 1) == '.' || at(end - 1) == '-')) --end;
        const std::string_view address = rest(at_).substr(0, end - at_);
        if (!address.substr(host - at_).contains('.')) return false;
        std::string said;
        const auto add = [&said](std::string_view word) {
            if (!said.empty() && !said.ends_with(' ')) said += ' ';
            said += word;
            said += ' ';
        };
        for (std::size_t i = 0; i < address.size();) {
            const char c = address[i];
            if (is_digit(c)) {
                std::size_t last = i;
                while (last < address.size() && is_digit(address[last])) ++last;
                add(numbers_.number({.whole = std::string(address.substr(i, last - i))}));
                i = last;
                continue;
            }
            if (c == '@') {
                add(words_.at);
            } else if (c == '.') {
                add(words_.dot);
            } else {
                said += c == '_' || c == '+' ? ' ' : c;
            }
            ++i;
        }
        say(trim(said), end);
        return true;
    }

    bool say_abbreviation() {
        for (const Abbreviation* const abbreviation : abbreviations_) {
            const std::string_view written = abbreviation->written;
            if (!rest(at_).starts_with(written)) continue;
            const std::size_t end = at_ + written.size();
            if (!word_ends_at(end) && !(abbreviation->behind == Behind::Number && digit_at(end)))
                continue;
            const std::size_t next = behind_space(end);
            if (abbreviation->behind == Behind::Name &&
                (next == end || !is_upper(code_point_at(next))))
                continue;
            if (abbreviation->behind == Behind::Number && !digit_at(next)) continue;
            std::string spoken(abbreviation->spoken);
            const bool last = rest(end).find_first_not_of(" \n\"')") == std::string_view::npos;
            if (last && written.ends_with('.')) spoken += '.';
            say(spoken, end);
            return true;
        }
        return false;
    }

    /// Only a separator, or "of" in languages that say so, is between `position` and what was said
    /// last.
    bool follows(Said said, std::size_t position) const {
        if (last_ != said || last_end_ > position) return false;
        const std::string_view between =
            trim(std::string_view(text_).substr(last_end_, position - last_end_));
        static constexpr std::array kBetween{"", ",", ".", "de", "del", "г."};
        return has(kBetween, between);
    }

    /// A month beside its day or year: "Nov" -> "November".
    bool say_month() {
        const std::string_view word = word_at(at_);
        if (word.size() < 3) return false;
        const int month = numbers_.find_month(word);
        if (month == 0) return false;
        std::size_t end = at_ + word.size();
        const bool dotted = at(end) == '.';
        std::size_t next = behind_space(dotted ? end + 1 : end);
        for (const std::string_view of : {"de ", "del "}) {
            if (rest(next).starts_with(of)) next += of.size();
        }
        const std::size_t count = digits_end(next) - next;
        const bool day_first = follows(Said::Day, at_);
        const bool month_first =
            is_upper(code_point_at(at_)) && next > end &&
            (count == 4 || ((count == 1 || count == 2) && numbers_.language() == "en"));
        if (!day_first && !month_first) return false;
        const std::string name = numbers_.month(month);
        const bool whole =
            lower_case(word, numbers_.language()) == lower_case(name, numbers_.language());
        if (dotted && !whole && (count > 0 || !rest(next).empty())) ++end;
        std::string said = whole || name.empty() ? std::string(word) : name;
        if (day_first && numbers_.language() == "en" && !out_.ends_with("of ")) said = "of " + said;
        say(said, end, Said::Month);
        return true;
    }

    bool is_century_year(std::string_view digits) const {
        const auto value = small_value(digits);
        return digits.size() == 4 && value && *value >= 1100 && *value <= 2099;
    }

    /// The number at `position`, in the language's way of writing; digits must be there.
    Found find_number(std::size_t position) const {
        const std::string& decimal = numbers_.decimal_separator();
        const std::string& grouping = numbers_.grouping_separator();
        struct Part {
            std::string_view separator;
            std::string_view digits;
        };
        std::vector<Part> parts{{.separator = {}, .digits = digits_from(position)}};
        for (std::size_t end = digits_end(position); parts.size() < 12;) {
            std::string_view separator;
            for (const std::string_view each : {".", ",", "'", "’", "\u00A0", " "}) {
                if (rest(end).starts_with(each)) separator = each;
            }
            if (separator == " " && grouping != "\u00A0" && grouping != "\u202F") break;
            if (separator.empty() || !digit_at(end + separator.size())) break;
            const std::string_view digits = digits_from(end + separator.size());
            const bool group_only = separator != "." && separator != ",";
            if (group_only && digits.size() != 3) break;
            parts.push_back({.separator = separator, .digits = digits});
            end += separator.size() + digits.size();
        }

        Found found{.end = position + parts[0].digits.size(),
                    .number = {.whole = std::string(parts[0].digits)}};
        // Thousands: three digits each (in India two, but for the last three).
        std::size_t groups = 1;
        const auto is_group_separator = [&](std::string_view separator) {
            return separator == grouping || (separator != "." && separator != ",");
        };
        while (groups < parts.size() && is_group_separator(parts[groups].separator) &&
               (groups == 1 || parts[groups].separator == parts[1].separator))
            ++groups;
        bool thousands = groups > 1 && parts[0].digits.size() <= 3 &&
                         !parts[0].digits.starts_with('0') && parts[groups - 1].digits.size() == 3;
        const std::size_t inner = groups > 2 ? parts[1].digits.size() : 3;
        thousands = thousands && (inner == 3 || (inner == 2 && parts[0].digits.size() <= 2));
        for (std::size_t i = 1; i + 1 < groups; ++i) {
            thousands = thousands && parts[i].digits.size() == inner;
        }
        std::size_t used = 1;
        if (thousands) {
            for (; used < groups; ++used) found.number.whole += parts[used].digits;
            found.grouped = true;
        } else if (groups > 1 &&
                   (parts.size() > 2 || parts[1].digits.size() == 3 ||
                    is_group_separator(parts[1].separator)) &&
                   parts[1].separator != "." && !(parts.size() == 2 && parts[1].separator == ",")) {
            return found;
        }
        if (used < parts.size()) {
            const std::size_t left = parts.size() - used;
            const std::string_view separator = parts[used].separator;
            if (left == 1 && (separator == decimal || (!thousands && separator != decimal))) {
                if (separator != "." && separator != ",") {
                    // A space and three digits more that make no group.
                } else {
                    found.number.fraction = parts[used].digits;
                    ++used;
                }
            } else if (!thousands && separator == ".") {
                while (used < parts.size() && parts[used].separator == ".") ++used;
                for (std::size_t i = 0; i < used; ++i) found.parts.emplace_back(parts[i].digits);
            }
        }
        for (std::size_t i = 1; i < used; ++i) {
            found.end += parts[i].separator.size() + parts[i].digits.size();
        }
        return found;
    }

    std::string dotted(const std::vector<std::string>& parts) {
        const std::string point = words_.dot.empty() ? numbers_.point() : std::string(words_.dot);
        std::string said;
        for (const std::string& part : parts) {
            if (!said.empty()) said += " " + (point.empty() ? "" : point + " ");
            said += numbers_.number({.whole = part});
        }
        return said;
    }

    Ordinal ordinal_form(std::size_t position) const {
        if (numbers_.language() != "de") return Ordinal::Plain;
        static constexpr std::array kOblique{"am",    "vom",    "zum",    "dem",   "den",   "des",
                                             "im",    "beim",   "zur",    "ab",    "bis",   "seit",
                                             "ihrem", "seinem", "meinem", "jedem", "diesem"};
        static constexpr std::array kStrong{"ein", "sein", "mein", "ihr", "kein", "unser", "dein"};
        if (last_ == Said::OrdinalsFrom && last_end_ == position) return range_form_;
        const std::string word = word_before(position);
        if (has(kOblique, word)) return Ordinal::Oblique;
        return has(kStrong, word) ? Ordinal::Strong : Ordinal::Masculine;
    }
    /// A day stands without article more often than other ordinals.
    Ordinal day_form(std::size_t position) const {
        if (numbers_.language() != "de") return Ordinal::Plain;
        const Ordinal form = ordinal_form(position);
        if (last_ == Said::OrdinalsFrom) return form;
        const std::string word = word_before(position);
        return form == Ordinal::Masculine && word != "der" && word != "die" && word != "das"
                   ? Ordinal::Strong
                   : form;
    }

    bool say_date() {
        const std::string_view first = digits_from(at_);
        const char separator = at(at_ + first.size());
        if (first.size() > 4 || (separator != '-' && separator != '.' && separator != '/'))
            return false;
        const std::size_t second_at = at_ + first.size() + 1;
        const std::string_view second = digits_from(second_at);
        if (second.empty() || second.size() > 2) return false;
        const std::size_t second_end = second_at + second.size();
        if (at(second_end) != separator) return false;
        const std::string_view third = digits_from(second_end + 1);
        std::size_t end = second_end + 1 + third.size();
        if (third.empty()) {
            // "23.11." without a year.
            if (separator != '.' || numbers_.language() != "de" || first.size() > 2) return false;
            const int day = *small_value(first);
            const int month = *small_value(second);
            const auto date = numbers_.date(2000, month, day, day_form(at_));
            if (!date) return false;
            say(numbers_.day(day, day_form(at_)) + " " + numbers_.month(month), end, Said::Month);
            return true;
        }
        if (!word_ends_at(end) && at(end) != 'T') return false;
        if (at(end) == separator && digit_at(end + 1)) return false;
        int year = 0;
        int month = 0;
        int day = 0;
        if (first.size() == 4 && third.size() <= 2) {
            year = *small_value(first);
            month = *small_value(second);
            day = *small_value(third);
        } else if (first.size() <= 2 &&
                   (third.size() == 4 || (third.size() == 2 && separator != '-'))) {
            year = *small_value(third);
            if (third.size() == 2) year += year < 70 ? 2000 : 1900;
            day = *small_value(first);
            month = *small_value(second);
            if (separator != '.' && (month > 12 || (numbers_.month_first() && day <= 12)))
                std::swap(day, month);
        } else {
            return false;
        }
        if (year < 1000) return false;
        const auto date = numbers_.date(year, month, day, day_form(at_));
        if (!date) return false;
        const bool with_time = at(end) == 'T' && digit_at(end + 1);
        say(*date, end, Said::Other);
        if (with_time) {
            last_end_ = ++at_;
            out_ += numbers_.spaces() && !out_.ends_with(' ') ? " " : "";
        }
        return true;
    }

    /// "am", "p.m." at `position`: how it is said; `position` moves behind it.
    std::string half_of_day(std::size_t& position) const {
        if (numbers_.language() != "en") return {};
        const std::size_t start = behind_space(position);
        for (const std::string_view written :
             {"a.m.", "p.m.", "A.M.", "P.M.", "am", "pm", "AM", "PM"}) {
            if (!rest(start).starts_with(written) || !word_ends_at(start + written.size()))
                continue;
            position = start + written.size();
            return written.front() == 'a' || written.front() == 'A' ? " a.m." : " p.m.";
        }
        return {};
    }

    bool say_time() {
        const std::string_view hours = digits_from(at_);
        const auto hour = small_value(hours);
        if (hours.size() > 2 || !hour || *hour > 24) return false;
        std::size_t end = at_ + hours.size();
        const std::string& language = numbers_.language();
        std::size_t separator_end = end + 1;
        bool certain = at(end) == ':';
        const bool french = (language == "fr" || language == "pt") &&
                            (at(end) == 'h' || rest(behind_space(end)).starts_with("h "));
        if (french) {
            separator_end = behind_space(end) + 1;
            if (digit_at(behind_space(separator_end))) separator_end = behind_space(separator_end);
            certain = true;
        }
        const std::string_view minutes_text = digits_from(separator_end);
        const auto minutes = small_value(minutes_text);
        if (french && minutes_text.empty() && word_ends_at(separator_end)) {
            say(hour_words(*hour), separator_end);
            return true;
        }
        if (minutes_text.size() != 2 || !minutes || *minutes > 59) return false;
        end = separator_end + 2;
        if (!certain) {
            if (at(separator_end - 1) != '.') return false;
            certain = language == "de" && rest(end).starts_with(" Uhr");
            if (!certain) return false;
        }
        std::optional<int> seconds;
        if (at(end) == ':') {
            if (digits_end(end + 1) != end + 3) return false;
            seconds = small_value(digits_from(end + 1));
            end += 3;
        }
        std::string said;
        std::size_t behind = end;
        const std::string half = half_of_day(behind);
        if (*minutes == 0 && !half.empty()) {
            said = numbers_.number({.whole = std::to_string(*hour)});
        } else if (*minutes == 0 && !seconds) {
            said = hour_words(*hour);
        } else {
            said = hour_and_minutes(*hour, *minutes);
        }
        if (seconds && *seconds > 0) {
            said += numbers_.spaces() ? " " : "";
            said += numbers_.measure({.whole = std::to_string(*seconds)}, "second").value_or("");
        }
        said += half;
        end = behind;
        for (const std::string_view own : {" Uhr", " uur", "点", "時"}) {
            if (rest(end).starts_with(own) && said.contains(trim(own))) end += own.size();
        }
        if (half.ends_with('.') && at(end) == '.') ++end;
        say(said, end);
        return true;
    }

    std::string hour_words(int hour) {
        const WrittenNumber number{.whole = std::to_string(hour)};
        if (numbers_.language() == "en" && (hour == 0 || hour > 12)) {
            return hour == 0 || hour == 24 ? "midnight" : numbers_.number(number) + " hundred";
        }
        if (!words_.hour.empty()) return filled(words_.hour, "{}", spoken_hour(hour));
        return numbers_.measure(number, "hour").value_or(numbers_.number(number));
    }
    std::string spoken_hour(int hour) {
        static constexpr std::array kFeminine{"es", "it", "pt"};
        return numbers_.number({.whole = std::to_string(hour)},
                               has(kFeminine, numbers_.language()) ? Agreement::Feminine
                               : numbers_.language() == "de"       ? Agreement::Masculine
                                                                   : Agreement::Counting);
    }
    std::string hour_and_minutes(int hour, int minutes) {
        std::string said(words_.hour_minutes.empty() ? "{} {}" : words_.hour_minutes);
        if (said.contains("{h}")) {
            said = filled(said, "{h}",
                          numbers_.measure({.whole = std::to_string(hour)}, "hour")
                              .value_or(spoken_hour(hour)));
        } else {
            said = filled(said, "{}", spoken_hour(hour));
        }
        const bool oh = numbers_.language() == "en" && minutes < 10;
        return filled(said, "{}",
                      (oh ? "oh " : "") + numbers_.number({.whole = std::to_string(minutes)}));
    }

    /// A telephone number, digit by digit.
    bool say_phone() {
        std::size_t end = at_;
        const bool plus = at(end) == '+';
        if (plus) ++end;
        std::vector<std::string_view> groups;
        std::size_t digits = 0;
        bool hyphens = true;
        for (std::size_t next = end; groups.size() < 8;) {
            bool bracket = false;
            if (at(next) == '(' && digit_at(next + 1)) {
                bracket = true;
                ++next;
            }
            const std::string_view group = digits_from(next);
            if (group.empty()) break;
            next += group.size();
            if (bracket) {
                if (at(next) != ')') break;
                ++next;
            }
            groups.push_back(group);
            digits += group.size();
            end = next;
            const std::size_t separator =
                at(next) == '-' || at(next) == '/' ? 1 : behind_space(next) - next;
            if (!digit_at(next + separator) && at(next + separator) != '(') break;
            hyphens = hyphens && at(next) == '-';
            next += separator;
        }
        if (digits < 7 || digits > 15 || groups.empty() || !word_ends_at(end)) return false;
        if ((at(end) == '.' || at(end) == ',') && digit_at(end + 1)) return false;
        const auto sizes = [&](std::initializer_list<std::size_t> expected) {
            return std::ranges::equal(groups, expected, {},
                                      [](std::string_view group) { return group.size(); });
        };
        const bool american = hyphens && (sizes({3, 3, 4}) || sizes({3, 4}) || sizes({1, 3, 3, 4}));
        const bool national = groups[0].starts_with('0') && groups[0].size() > 1;
        if (!plus && !national && !american && !(groups.size() == 1 && digits >= 10)) return false;
        std::string said;
        if (plus) said = std::string(words_.plus.empty() ? "+" : words_.plus) + " ";
        for (std::size_t i = 0; i < groups.size(); ++i) {
            if (i > 0) said += numbers_.spaces() ? ", " : "，";
            said += numbers_.digits(groups[i]);
        }
        say(said, end);
        return true;
    }

    bool say_fraction() {
        const std::string_view above = digits_from(at_);
        const std::size_t below_at = at_ + above.size() + 1;
        if (at(below_at - 1) != '/') return false;
        const std::string_view below = digits_from(below_at);
        const std::size_t end = below_at + below.size();
        const auto top = small_value(above);
        const auto bottom = small_value(below);
        if (!top || !bottom || !word_ends_at(end) || at(end) == '/' ||
            ((at(end) == '.' || at(end) == ',') && digit_at(end + 1)))
            return false;
        std::string said;
        const bool proper = *top > 0 && *top < *bottom && *bottom >= 2 && *bottom <= 100;
        if (proper) said = fraction_words(*top, *bottom);
        if (said.empty()) {
            // "24/7"
            const std::string over = proper && !words_.divided.empty()
                                         ? " " + std::string(words_.divided) + " "
                                         : std::string(" ");
            said = numbers_.number({.whole = std::string(above)}) + over +
                   numbers_.number({.whole = std::string(below)});
        } else if (follows(Said::Number, at_) && behind_space(last_end_) == at_ &&
                   !words_.both.empty()) {
            if (numbers_.language() == "en" && *top == 1) said = "a" + said.substr(3);
            say_between(words_.both, at_);
            say(said, end);
            return true;
        }
        say(said, end);
        return true;
    }

    /// Nothing in languages whose fractions are not known.
    std::string fraction_words(int top, int bottom) {
        struct Names {
            std::string_view language, half, halves, third, thirds, quarter, quarters, plural;
        };
        static constexpr std::array kNames{
            Names{"en", "half", "halves", "third", "thirds", "quarter", "quarters", "s"},
            Names{"de", "halb", "halbe", "Drittel", "Drittel", "Viertel", "Viertel", ""},
            Names{"fr", "demi", "demis", "tiers", "tiers", "quart", "quarts", "s"},
            Names{"es", "medio", "medios", "tercio", "tercios", "cuarto", "cuartos", "s"},
            Names{"it", "mezzo", "mezzi", "terzo", "terzi", "quarto", "quarti", ""},
            Names{"pt", "meio", "meios", "terço", "terços", "quarto", "quartos", "s"},
            Names{"nl", "half", "halve", "derde", "derde", "kwart", "kwart", ""}};
        const auto* const names = std::ranges::find(kNames, numbers_.language(), &Names::language);
        if (numbers_.language() == "zh" || numbers_.language() == "ja") {
            return numbers_.number({.whole = std::to_string(bottom)}) +
                   (numbers_.language() == "zh" ? "分之" : "分の") +
                   numbers_.number({.whole = std::to_string(top)});
        }
        if (names == kNames.end()) return {};
        std::string part;
        if (bottom <= 4) {
            const std::array single{names->half, names->third, names->quarter};
            const std::array several{names->halves, names->thirds, names->quarters};
            part = (top == 1 ? single : several)[static_cast<std::size_t>(bottom - 2)];
        } else {
            part = numbers_.ordinal(bottom);
            if (names->language == "de") part = capitalized(part + "l", "de");
            if (names->language == "it" && top > 1 && part.ends_with('o')) part.back() = 'i';
            if (top > 1) part += names->plural;
        }
        return numbers_.number({.whole = std::to_string(top)}, Agreement::Masculine) + " " + part;
    }

    /// The number at `start`, with what belongs to it.
    void say_number(std::size_t start, bool negative) {
        Found found = find_number(start);
        found.number.negative = negative;
        const std::string whole = found.number.whole;
        const bool simple = !negative && !found.grouped && found.number.fraction.empty();
        if (!found.parts.empty()) {
            say(dotted(found.parts), found.end);
            return;
        }
        if (simple && (say_ordinal(found) || say_day(found) || say_year(found))) return;
        if (say_magnitude_or_unit(found) || say_money_behind(found)) return;
        if (simple && whole.size() <= 2) {
            std::size_t end = found.end;
            if (const std::string half = half_of_day(end); !half.empty()) {
                if (at(end) == '.') ++end;
                say(numbers_.number(found.number) + half, end);
                return;
            }
        }
        if (say_range(found)) return;
        if (simple && whole == "2" && counts_in_chinese(found.end)) {
            say("两", found.end, Said::Number);
            return;
        }
        say(numbers_.number(found.number, agreement_at(found.end)), found.end, Said::Number);
    }

    /// Whether a two before `position` counts things, and is another word than the numeral.
    bool counts_in_chinese(std::size_t position) const {
        static constexpr std::u32string_view kNotCounted = U"月日号楼层点，。、";
        const char32_t next = code_point_at(position);
        return numbers_.language() == "zh" && is_letter(next) && next > 0x2E80 &&
               !kNotCounted.contains(next) && before(at_) != U'第' && before(at_) != U'周';
    }

    /// With the noun behind `position`, as far as its ending tells; counting without one.
    Agreement agreement_at(std::size_t position) const {
        struct Endings {
            std::string_view language;
            std::array<std::string_view, 7> feminine;
            std::array<std::string_view, 3> not_feminine;
        };
        static constexpr std::array kEndings{
            Endings{"de",
                    {"e", "ung", "heit", "keit", "ion", "tät", "schaft"},
                    {"ende", "auge", "name"}},
            Endings{"es", {"a", "as"}, {"día", "días", "problemas"}},
            Endings{"pt", {"a", "as"}, {"dia", "dias", "problemas"}},
            Endings{"it", {"a"}, {"problema"}}};
        const std::string& language = numbers_.language();
        const std::size_t next = behind_space(position);
        if (next == position || !is_letter(code_point_at(next)) || language == "ar" ||
            language == "he")
            return Agreement::Counting;
        const auto* const endings = std::ranges::find(kEndings, language, &Endings::language);
        if (endings == kEndings.end()) return Agreement::Masculine;
        const std::string noun = lower_case(word_at(next), language);
        const auto ends = [&noun](std::string_view ending) {
            return !ending.empty() && noun.ends_with(ending);
        };
        return std::ranges::any_of(endings->feminine, ends) &&
                       std::ranges::none_of(endings->not_feminine, ends)
                   ? Agreement::Feminine
                   : Agreement::Masculine;
    }

    bool say_ordinal(const Found& found) {
        struct Suffix {
            std::string_view language, written;
            Ordinal form;
        };
        static constexpr std::array kSuffixes{
            Suffix{"en", "st", Ordinal::Plain},      Suffix{"en", "nd", Ordinal::Plain},
            Suffix{"en", "rd", Ordinal::Plain},      Suffix{"en", "th", Ordinal::Plain},
            Suffix{"fr", "er", Ordinal::Masculine},  Suffix{"fr", "re", Ordinal::Feminine},
            Suffix{"fr", "ère", Ordinal::Feminine},  Suffix{"fr", "ème", Ordinal::Masculine},
            Suffix{"fr", "eme", Ordinal::Masculine}, Suffix{"fr", "nd", Ordinal::Masculine},
            Suffix{"fr", "e", Ordinal::Masculine},   Suffix{"nl", "ste", Ordinal::Plain},
            Suffix{"nl", "de", Ordinal::Plain},      Suffix{"nl", "e", Ordinal::Plain},
            Suffix{"sv", ":a", Ordinal::Plain},      Suffix{"sv", ":e", Ordinal::Plain}};
        const auto value = small_value(found.number.whole);
        if (!value) return false;
        const std::string& language = numbers_.language();
        for (const Suffix& suffix : kSuffixes) {
            if (suffix.language != language || !rest(found.end).starts_with(suffix.written) ||
                !word_ends_at(found.end + suffix.written.size()))
                continue;
            say(numbers_.ordinal(*value, suffix.form), found.end + suffix.written.size(),
                Said::Day);
            return true;
        }
        for (const auto& [sign, form] :
             {std::pair<std::string_view, Ordinal>{"º", Ordinal::Masculine},
              {"ª", Ordinal::Feminine},
              {".º", Ordinal::Masculine},
              {".ª", Ordinal::Feminine},
              {"°", Ordinal::Masculine}}) {
            static constexpr std::array kRomance{"ca", "es", "it", "pt", "gl"};
            if (!has(kRomance, language) || !rest(found.end).starts_with(sign) ||
                !word_ends_at(found.end + sign.size()) || sign == "°")
                continue;
            say(numbers_.ordinal(*value, form), found.end + sign.size());
            return true;
        }
        if (language == "en" && rest(found.end).starts_with("s") && word_ends_at(found.end + 1) &&
            *value % 10 == 0 && *value >= 20) {
            // "the 1990s", "the 80s"
            std::string said = is_century_year(found.number.whole) ? numbers_.year(*value)
                                                                   : numbers_.number(found.number);
            if (said.ends_with('y')) said.replace(said.size() - 1, 1, "ie");
            say(said + "s", found.end + 1);
            return true;
        }
        if (language == "de" && rest(found.end).starts_with("er") && word_ends_at(found.end + 2)) {
            say((is_century_year(found.number.whole) ? numbers_.year(*value)
                                                     : numbers_.number(found.number)) +
                    "er",
                found.end + 2);
            return true;
        }
        static constexpr std::array kDotted{"cs", "da", "de", "et", "fi", "hr", "hu", "is", "lv",
                                            "nb", "nn", "no", "pl", "sk", "sl", "sr", "bs", "tr"};
        if (found.number.whole.size() <= 2 && *value > 0 && at(found.end) == '.' &&
            has(kDotted, language)) {
            const std::size_t next = behind_space(found.end + 1);
            const std::size_t dash = at(next) == '-' ? 1 : rest(next).starts_with("–") ? 3 : 0;
            if (dash != 0 && digit_at(next + dash) && !words_.to.empty()) {
                // "3.-5. Mai"
                const Ordinal form = ordinal_form(at_);
                say(numbers_.ordinal(*value, form), next);
                say_between(words_.to, next + dash);
                range_form_ = form;
                last_ = Said::OrdinalsFrom;
                last_end_ = at_;
                return true;
            }
            if (next == found.end + 1 || !is_letter(code_point_at(next))) return false;
            const bool day = *value <= 31 && numbers_.find_month(word_at(next)) != 0;
            say(day ? numbers_.day(*value, day_form(at_))
                    : numbers_.ordinal(*value, ordinal_form(at_)),
                found.end + 1, day ? Said::Day : Said::Other);
            return true;
        }
        return false;
    }

    bool say_day(const Found& found) {
        const auto value = small_value(found.number.whole);
        if (found.number.whole.size() > 2 || !value || *value < 1 || *value > 31) return false;
        bool day = follows(Said::Month, at_) && numbers_.language() == "en" &&
                   word_ends_at(found.end) && at(found.end) != ':';
        std::size_t next = behind_space(found.end);
        for (const std::string_view of : {"de ", "d'", "di ", "of "}) {
            if (rest(next).starts_with(of)) next += of.size();
        }
        day = day || (next > found.end && numbers_.find_month(word_at(next)) != 0 &&
                      word_at(next).size() >= 3);
        if (!day) return false;
        say(numbers_.day(*value, day_form(at_)), found.end, Said::Day);
        return true;
    }

    bool say_year(const Found& found) {
        const std::string& digits = found.number.whole;
        const std::string& language = numbers_.language();
        if (rest(found.end).starts_with("年") && digits.size() == 4 &&
            (language == "zh" || language == "ja")) {
            say(numbers_.year(*small_value(digits)), found.end);
            return true;
        }
        if (!is_century_year(digits)) return false;
        const bool dated = follows(Said::Month, at_) || follows(Said::Day, at_);
        const bool range = last_ == Said::YearsFrom && last_end_ == at_;
        bool year = dated || range;
        if (!year && numbers_.has_own_years()) {
            const char32_t next = code_point_at(found.end);
            const std::string word = word_before(at_);
            const bool until =
                (at(found.end) == '-' || rest(found.end).starts_with("–")) &&
                is_century_year(digits_from(found.end + (at(found.end) == '-' ? 1 : 3)));
            year = (!word.empty() && words_.before_years.contains(" " + word + " ")) || until ||
                   next == 0 ||
                   (u_ispunct(static_cast<UChar32>(next)) != 0 && next != '%' && next != '-' &&
                    next != '/' && next != '#' && next != '&');
            const std::size_t behind = behind_space(found.end);
            year = year && !find_unit(found.end) && !find_currency(behind);
        }
        year = year || year_word(found.end).end != 0;
        if (!year) return false;
        std::size_t end = found.end;
        std::string said = numbers_.year(*small_value(digits));
        if (const auto cut = year_word(end); cut.end != 0) {
            end = cut.end;
            said += " " + std::string(cut.word) + (rest(end).empty() ? "." : "");
        }
        const std::size_t dash = at(end) == '-' ? 1 : rest(end).starts_with("–") ? 3 : 0;
        if (dash != 0 && digit_at(end + dash) && !words_.to.empty()) {
            say(said + " " + std::string(words_.to) + " ", end + dash, Said::YearsFrom);
            return true;
        }
        say(said, end);
        return true;
    }

    struct YearWord {
        std::string_view word = {};
        std::size_t end = 0;
    };
    /// "г." for "года" behind a year.
    YearWord year_word(std::size_t position) const {
        struct Cut {
            std::string_view language, written, word;
        };
        static constexpr std::array kCut{Cut{"ru", "г.", "года"}, Cut{"uk", "р.", "року"},
                                         Cut{"pl", "r.", "roku"}};
        const std::size_t start = behind_space(position);
        for (const Cut& cut : kCut) {
            if (cut.language == numbers_.language() && rest(start).starts_with(cut.written))
                return {.word = cut.word, .end = start + cut.written.size()};
        }
        return {};
    }

    const WrittenUnit* find_unit(std::size_t position) const {
        const std::size_t start = behind_space(position);
        for (const WrittenUnit& unit : written_units()) {
            if (!rest(start).starts_with(unit.written)) continue;
            const std::size_t end = start + unit.written.size();
            const bool sign = !is_letter(next_after(unit.written));
            if (!sign && (!word_ends_at(end) || at(end) == '\'' || rest(end).starts_with("’")))
                continue;
            // "5 s" is a time, but "the 5 s" of a text is as likely to be something else.
            if (start != position && unit.written == "s" && numbers_.language() == "en") continue;
            return &unit;
        }
        return nullptr;
    }
    static char32_t next_after(std::string_view text) {
        std::size_t end = text.size();
        return previous_code_point(text, end);
    }

    bool say_magnitude_or_unit(const Found& found) {
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

    static WrittenNumber scaled(WrittenNumber number, std::size_t zeros) {
        number.fraction.resize(std::max(number.fraction.size(), zeros), '0');
        number.whole += number.fraction.substr(0, zeros);
        number.fraction.erase(0, zeros);
        number.whole.erase(0,
                           std::min(number.whole.find_first_not_of('0'), number.whole.size() - 1));
        return number;
    }

    const WrittenCurrency* find_currency(std::size_t position) const {
        for (const WrittenCurrency& currency : written_currencies()) {
            if (!rest(position).starts_with(currency.written)) continue;
            if (is_letter(next_after(currency.written)) &&
                is_letter(code_point_at(position + currency.written.size())))
                continue;
            return &currency;
        }
        return nullptr;
    }

    bool say_currency_first() {
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
        Found found = find_number(number_at);
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

    bool say_money_behind(const Found& found) {
        const std::size_t start = behind_space(found.end);
        const WrittenCurrency* const currency = find_currency(start);
        if (currency == nullptr) return false;
        const std::string said = money_words(found.number, currency->code);
        if (said.empty()) return false;
        say(said, start + currency->written.size());
        return true;
    }

    /// Without the country, which nobody says of dollars and pounds.
    std::string short_name(std::string name) const {
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

    std::string money_words(WrittenNumber number, std::string_view code) {
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
                const std::string_view name = code == "GBP" ? (count == 1 ? "penny" : "pence")
                                                            : (count == 1 ? "cent" : "cents");
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

    /// "3-5", "3 x 4".
    bool say_range(const Found& found) {
        const std::size_t end = found.end;
        std::size_t next = end;
        std::string_view word;
        for (const std::string_view dash : {"-", "–", "—"}) {
            if (rest(end).starts_with(dash) && digit_at(end + dash.size())) {
                next = end + dash.size();
                word = words_.to;
            } else if (dash == "–" && rest(end).starts_with(" – ") && digit_at(end + 5)) {
                next = end + 5;
                word = words_.to;
            }
        }
        if (next != end) {
            // More than two numbers are no range.
            const std::size_t second_end = find_number(next).end;
            if (at(second_end) == '-' && digit_at(second_end + 1)) {
                say(numbers_.number(found.number), end);
                while (at(at_) == '-' && digit_at(at_ + 1)) {
                    const Found one = find_number(at_ + 1);
                    out_ += numbers_.spaces() ? " " : "，";
                    say(numbers_.number(one.number), one.end);
                }
                return true;
            }
            if (word.empty()) return false;
        } else {
            const std::size_t sign = behind_space(end);
            for (const std::string_view times : {"x", "X", "×", "*", "·"}) {
                if (!rest(sign).starts_with(times)) continue;
                const std::size_t factor = behind_space(sign + times.size());
                if (!digit_at(factor)) continue;
                next = factor;
                word = words_.times;
            }
            if (word.empty()) return false;
        }
        say(numbers_.number(found.number), end, Said::Other);
        say_between(trim(word), next);
        return true;
    }

    /// The number, letter or closing bracket before and behind `position`, spaces left out.
    bool between_terms(std::size_t position, std::size_t length) const {
        std::size_t start = position;
        while (start > 0 && is_space(before(start))) previous_code_point(text_, start);
        const char32_t left = before(start);
        const char32_t right = code_point_at(behind_spaces(position + length));
        return (is_alphanumeric(left) || left == ')') &&
               (is_alphanumeric(right) || right == '(' || right == '-');
    }

    /// A dash right behind what was said and before another number: "9:00-17:00", "5% – 10%".
    bool is_range_sign(std::size_t length) const {
        const bool spaced = last_end_ + 1 == at_ && length > 1;
        if (out_.empty() || (last_end_ != at_ && !spaced)) return false;
        std::size_t next = spaced ? behind_space(at_ + length) : at_ + length;
        if (const WrittenCurrency* const currency = find_currency(next)) {
            next += currency->written.size();
        }
        return digit_at(next);
    }

    bool say_sign(char c) {
        const auto replaced = [this](std::string_view word, std::size_t length) {
            if (word.empty()) return false;
            say_between(word, at_ + length);
            return true;
        };
        const bool spaced = is_space(before(at_)) && behind_space(at_ + 1) != at_ + 1;
        const bool digits_around =
            digit_at(behind_spaces(at_ + 1)) && (spaced || is_alphanumeric(before(at_)));
        switch (c) {
            case '%':  // as in Turkish
                if (digit_at(at_ + 1) && !is_digit(static_cast<char>(before(at_)))) {
                    const Found found = find_number(at_ + 1);
                    const auto said = numbers_.measure(found.number, "percent");
                    if (!said || !found.parts.empty()) return false;
                    say(*said, found.end);
                    return true;
                }
                return false;
            case '&':
                return between_terms(at_, 1) && replaced(words_.both, 1);
            case '+':
                if (digit_at(at_ + 1) && !is_alphanumeric(before(at_)))
                    return replaced(words_.plus, 1);
                return between_terms(at_, 1) && (spaced || digits_around) &&
                       replaced(words_.plus, 1);
            case '=':
                return between_terms(at_, 1) && replaced(words_.equals, 1);
            case '-':
                if (is_range_sign(1)) return replaced(words_.to, 1);
                return spaced && between_terms(at_, 1) && digit_at(at_ + 2) && at_ >= 2 &&
                       is_digit(text_[at_ - 2]) && replaced(numbers_.minus(), 1);
            case '#':
                if (digit_at(at_ + 1) && replaced(words_.number, 1)) return true;
                if (is_alphanumeric(code_point_at(at_ + 1)) && !is_alphanumeric(before(at_))) {
                    ++at_;
                    return true;
                }
                return false;
            case '@':
                return is_letter(code_point_at(at_ + 1)) && !is_alphanumeric(before(at_)) &&
                       replaced(words_.at, 1);
            case '/': {
                const bool long_words = word_at(at_ + 1).size() > 1 && word_before(at_).size() > 1;
                if (!is_letter(before(at_)) || !long_words) return false;
                if (words_.either.empty()) return false;
                const bool said = word_at(at_ + 1) == words_.either;  // "and/or"
                say_between(said ? "" : words_.either, at_ + 1);
                return true;
            }
            default:
                break;
        }
        if (rest(at_).starts_with("–") && is_range_sign(3)) return replaced(words_.to, 3);
        for (const std::string_view sign : {"×", "÷"}) {
            if (rest(at_).starts_with(sign) && between_terms(at_, sign.size())) {
                return replaced(sign == "×" ? words_.times : words_.divided, sign.size());
            }
        }
        return false;
    }

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

SpokenForm::SpokenForm(std::string_view language) : words_(std::make_unique<Words>(language)) {}
SpokenForm::~SpokenForm() = default;

std::string SpokenForm::of(std::string_view text) { return words_->of(text); }

}  // namespace titans::text
