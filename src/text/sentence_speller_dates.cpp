#include <array>

#include "text/letter_case.h"
#include "text/sentence_speller.h"
#include "text/utf8.h"

namespace titans::text {

bool SentenceSpeller::say_month() {
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

bool SentenceSpeller::is_century_year(std::string_view digits) const {
    const auto value = small_value(digits);
    return digits.size() == 4 && value && *value >= 1100 && *value <= 2099;
}

Ordinal SentenceSpeller::day_form(std::size_t position) const {
    if (numbers_.language() != "de") return Ordinal::Plain;
    const Ordinal form = ordinal_form(position);
    if (last_ == Said::OrdinalsFrom) return form;
    const std::string word = word_before(position);
    return form == Ordinal::Masculine && word != "der" && word != "die" && word != "das"
               ? Ordinal::Strong
               : form;
}

bool SentenceSpeller::say_date() {
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

std::string SentenceSpeller::half_of_day(std::size_t& position) const {
    if (numbers_.language() != "en") return {};
    const std::size_t start = behind_space(position);
    for (const std::string_view written :
         {"a.m.", "p.m.", "A.M.", "P.M.", "am", "pm", "AM", "PM"}) {
        if (!rest(start).starts_with(written) || !word_ends_at(start + written.size())) continue;
        position = start + written.size();
        return written.front() == 'a' || written.front() == 'A' ? " a.m." : " p.m.";
    }
    return {};
}

bool SentenceSpeller::say_time() {
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
    if (language == "hi" && rest(end).starts_with(" बजे")) end += std::string_view(" बजे").size();
    if (half.ends_with('.') && at(end) == '.') ++end;
    say(said, end);
    return true;
}

std::string SentenceSpeller::hour_words(int hour) {
    const WrittenNumber number{.whole = std::to_string(hour)};
    if (numbers_.language() == "en" && (hour == 0 || hour > 12)) {
        return hour == 0 || hour == 24 ? "midnight" : numbers_.number(number) + " hundred";
    }
    if (!words_.hour.empty()) return filled(words_.hour, "{}", spoken_hour(hour));
    return numbers_.measure(number, "hour").value_or(numbers_.number(number));
}

std::string SentenceSpeller::spoken_hour(int hour) {
    static constexpr std::array kFeminine{"es", "it", "pt"};
    return numbers_.number({.whole = std::to_string(hour)},
                           has(kFeminine, numbers_.language()) ? Agreement::Feminine
                           : numbers_.language() == "de"       ? Agreement::Masculine
                                                               : Agreement::Counting);
}

std::string SentenceSpeller::hour_and_minutes(int hour, int minutes) {
    std::string said(words_.hour_minutes.empty() ? "{} {}" : words_.hour_minutes);
    if (said.contains("{h}")) {
        said = filled(
            said, "{h}",
            numbers_.measure({.whole = std::to_string(hour)}, "hour").value_or(spoken_hour(hour)));
    } else {
        said = filled(said, "{}", spoken_hour(hour));
    }
    const bool oh = numbers_.language() == "en" && minutes < 10;
    return filled(said, "{}",
                  (oh ? "oh " : "") + numbers_.number({.whole = std::to_string(minutes)}));
}

bool SentenceSpeller::say_day(const FoundNumber& found) {
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

bool SentenceSpeller::say_year(const FoundNumber& found) {
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
        const bool until = (at(found.end) == '-' || rest(found.end).starts_with("–")) &&
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
    if (const auto word = year_word(end); word.end != 0) {
        end = word.end;
        if (language != "uk") said = numbers_.ordinal(*small_value(digits), word.form);
        said += " " + std::string(word.word);
        if (rest(end).empty() && text_.ends_with('.')) said += '.';
    }
    const std::size_t dash = at(end) == '-' ? 1 : rest(end).starts_with("–") ? 3 : 0;
    if (dash != 0 && digit_at(end + dash) && !words_.to.empty()) {
        say(said + " " + std::string(words_.to) + " ", end + dash, Said::YearsFrom);
        return true;
    }
    say(said, end);
    return true;
}

SentenceSpeller::YearWord SentenceSpeller::year_word(std::size_t position) const {
    struct Written {
        std::string_view language, before, written, word;
        Ordinal form;
    };
    static constexpr std::array kWritten{Written{"ru", "в", "г.", "году", Ordinal::Prepositional},
                                         Written{"ru", "", "г.", "года", Ordinal::Genitive},
                                         Written{"ru", "", "году", "году", Ordinal::Prepositional},
                                         Written{"ru", "", "года", "года", Ordinal::Genitive},
                                         Written{"ru", "", "год", "год", Ordinal::Masculine},
                                         Written{"uk", "", "р.", "року", Ordinal::Genitive},
                                         Written{"pl", "w", "r.", "roku", Ordinal::Prepositional},
                                         Written{"pl", "", "r.", "roku", Ordinal::Genitive},
                                         Written{"pl", "w", "roku", "roku", Ordinal::Prepositional},
                                         Written{"pl", "", "roku", "roku", Ordinal::Genitive},
                                         Written{"pl", "", "rok", "rok", Ordinal::Masculine}};
    const std::size_t start = behind_space(position);
    for (const Written& each : kWritten) {
        if (each.language != numbers_.language() || !rest(start).starts_with(each.written))
            continue;
        const std::size_t end = start + each.written.size();
        if (!each.written.ends_with('.') && !word_ends_at(end)) continue;
        if (!each.before.empty() && word_before(at_) != each.before) continue;
        return {.word = each.word, .end = end, .form = each.form};
    }
    return {};
}

}  // namespace titans::text
