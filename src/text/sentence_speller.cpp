#include "text/sentence_speller.h"

#include <array>

#include "text/letter_case.h"
#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestWord = 60;  // bytes, of what is looked up as one

struct VulgarFraction {
    char32_t sign;
    std::string_view written;
};
constexpr std::array kVulgarFractions{VulgarFraction{U'½', "1/2"}, VulgarFraction{U'⅓', "1/3"},
                                      VulgarFraction{U'⅔', "2/3"}, VulgarFraction{U'¼', "1/4"},
                                      VulgarFraction{U'¾', "3/4"}, VulgarFraction{U'⅕', "1/5"},
                                      VulgarFraction{U'⅛', "1/8"}, VulgarFraction{U'⅜', "3/8"},
                                      VulgarFraction{U'⅝', "5/8"}, VulgarFraction{U'⅞', "7/8"}};

}  // namespace

std::string filled(std::string_view pattern, std::string_view name, std::string_view value) {
    std::string text(pattern);
    if (const std::size_t at = text.find(name); at != std::string::npos) {
        text.replace(at, name.size(), value);
    }
    return text;
}

std::optional<int> small_value(std::string_view digits) {
    if (digits.empty() || digits.size() > 4) return std::nullopt;
    int value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return value;
}

SentenceSpeller::SentenceSpeller(std::string_view language)
    : numbers_(language), words_(find_spoken_words(numbers_.language())) {
    for (const Abbreviation& abbreviation : spoken_abbreviations()) {
        if (abbreviation.language == numbers_.language()) {
            abbreviations_.push_back(&abbreviation);
        }
    }
}

std::string SentenceSpeller::of(std::string_view text) {
    normalize(text);
    if (!numbers_.speaks()) return text_;
    at_ = 0;
    out_.clear();
    last_ = Said::Other;
    last_end_ = std::string::npos;
    while (at_ < text_.size()) step();
    return std::move(out_);
}

void SentenceSpeller::normalize(std::string_view text) {
    text_.clear();
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = next_code_point(text, at);
        const auto* const fraction = std::ranges::find(kVulgarFractions, c, &VulgarFraction::sign);
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

std::string_view SentenceSpeller::rest(std::size_t at) const {
    return at < text_.size() ? std::string_view(text_).substr(at) : std::string_view();
}

char SentenceSpeller::at(std::size_t position) const {
    return position < text_.size() ? text_[position] : '\0';
}

bool SentenceSpeller::digit_at(std::size_t position) const { return is_digit(at(position)); }

char32_t SentenceSpeller::code_point_at(std::size_t position) const {
    return position < text_.size() ? next_code_point(text_, position) : U'\0';
}

char32_t SentenceSpeller::before(std::size_t position) const {
    return position > 0 ? previous_code_point(text_, position) : U'\0';
}

bool SentenceSpeller::word_ends_at(std::size_t position) const {
    return !is_alphanumeric(code_point_at(position));
}

std::size_t SentenceSpeller::digits_end(std::size_t position) const {
    while (digit_at(position)) ++position;
    return position;
}

std::string_view SentenceSpeller::digits_from(std::size_t position) const {
    return rest(position).substr(0, digits_end(position) - position);
}

std::size_t SentenceSpeller::behind_space(std::size_t position) const {
    if (at(position) == ' ') return position + 1;
    return rest(position).starts_with("\u00A0") ? position + 2 : position;
}

std::size_t SentenceSpeller::behind_spaces(std::size_t position) const {
    for (std::size_t next = 0; (next = behind_space(position)) != position;) position = next;
    return position;
}

std::size_t SentenceSpeller::word_start(std::size_t position) const {
    while (position > 0 && is_space(before(position))) previous_code_point(text_, position);
    const std::size_t end = position;
    while (position > 0 && end - position < kLongestWord && is_letter(before(position)))
        previous_code_point(text_, position);
    return position;
}

std::string SentenceSpeller::word_before(std::size_t position) const {
    return lower_case(word_at(word_start(position)), numbers_.language());
}

std::string_view SentenceSpeller::word_at(std::size_t position) const {
    std::size_t end = position;
    while (end < text_.size() && end - position < kLongestWord && is_letter(code_point_at(end)))
        next_code_point(text_, end);
    return rest(position).substr(0, end - position);
}

void SentenceSpeller::say(std::string_view words, std::size_t end, Said said) {
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
    if (numbers_.spaces() && at_ < text_.size() && is_letter(code_point_at(at_)) && !out_.empty() &&
        !out_.ends_with(' ')) {
        out_ += ' ';
    }
}

void SentenceSpeller::say_between(std::string_view word, std::size_t end) {
    while (out_.ends_with(' ')) out_.pop_back();
    const std::string_view space = numbers_.spaces() ? " " : "";
    if (!out_.empty()) out_ += space;
    out_ += word;
    if (!word.empty()) out_ += space;
    at_ = behind_spaces(end);
    last_ = Said::Other;
}

void SentenceSpeller::copy() {
    const std::size_t start = at_;
    next_code_point(text_, at_);
    out_ += std::string_view(text_).substr(start, at_ - start);
}

bool SentenceSpeller::follows(Said said, std::size_t position) const {
    if (last_ != said || last_end_ > position) return false;
    const std::string_view between =
        trim(std::string_view(text_).substr(last_end_, position - last_end_));
    static constexpr std::array kBetween{"", ",", ".", "de", "del", "г."};
    return has(kBetween, between);
}

void SentenceSpeller::step() {
    const char c = at(at_);
    const char32_t previous = before(at_);
    const bool in_word = is_alphanumeric(previous);
    if (!in_word && (say_mail() || say_abbreviation() || say_month() || say_roman())) return;
    if ((!in_word || !is_letter(code_point_at(at_))) && say_currency_first()) return;
    if (is_digit(c)) {
        if (is_letter(previous) && numbers_.spaces() && last_end_ != at_) {
            say_number_in_word();
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

}  // namespace titans::text
