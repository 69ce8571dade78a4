#include <array>

#include "text/letter_case.h"
#include "text/sentence_speller.h"
#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestName = 60;  // bytes, of who has an address

}  // namespace

bool SentenceSpeller::say_mail() {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' ||
               c == '_' || c == '-' || c == '+';
    };
    std::size_t end = at_;
    while (belongs(at(end)) && end - at_ < kLongestName) ++end;
    if (end == at_ || at(end) != '@' || words_.at.empty()) return false;
    const std::size_t host = ++end;
    while (belongs(at(end)) && end - host < 3 * kLongestName) ++end;
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

bool SentenceSpeller::say_abbreviation() {
    for (const Abbreviation* const abbreviation : abbreviations_) {
        const std::string_view written = abbreviation->written;
        if (!rest(at_).starts_with(written)) continue;
        const std::size_t end = at_ + written.size();
        if (!word_ends_at(end) && !(abbreviation->behind == Behind::Number && digit_at(end)))
            continue;
        const std::size_t next = behind_space(end);
        if (abbreviation->behind == Behind::Name && (next == end || !is_upper(code_point_at(next))))
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

bool SentenceSpeller::between_terms(std::size_t position, std::size_t length) const {
    std::size_t start = position;
    while (start > 0 && is_space(before(start))) previous_code_point(text_, start);
    const char32_t left = before(start);
    const char32_t right = code_point_at(behind_spaces(position + length));
    return (is_alphanumeric(left) || left == ')') &&
           (is_alphanumeric(right) || right == '(' || right == '-');
}

bool SentenceSpeller::is_range_sign(std::size_t length) const {
    const bool spaced = last_end_ + 1 == at_ && length > 1;
    if (out_.empty() || (last_end_ != at_ && !spaced)) return false;
    std::size_t next = spaced ? behind_space(at_ + length) : at_ + length;
    if (const WrittenCurrency* const currency = find_currency(next)) {
        next += currency->written.size();
    }
    return digit_at(next);
}

bool SentenceSpeller::say_sign(char c) {
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
                const FoundNumber found = find_number(at_ + 1);
                const auto said = numbers_.measure(found.number, "percent");
                if (!said || !found.parts.empty()) return false;
                say(*said, found.end);
                return true;
            }
            return false;
        case '&':
            return (between_terms(at_, 1) || before(at_ > 0 ? at_ - 1 : 0) == '.') &&
                   replaced(words_.both, 1);
        case '+':
            if (last_end_ == at_ && !out_.empty() && !is_alphanumeric(code_point_at(at_ + 1))) {
                say(words_.plus.empty() ? "+" : " " + std::string(words_.plus), at_ + 1);  // "50+"
                return true;
            }
            if (digit_at(at_ + 1) && !is_alphanumeric(before(at_))) return replaced(words_.plus, 1);
            return between_terms(at_, 1) && (spaced || digits_around) && replaced(words_.plus, 1);
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
            if (last_end_ == at_ && !out_.empty()) return say_per();
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

}  // namespace titans::text
