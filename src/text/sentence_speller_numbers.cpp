#include <array>

#include "text/letter_case.h"
#include "text/sentence_speller.h"
#include "text/utf8.h"

namespace titans::text {

FoundNumber SentenceSpeller::find_number(std::size_t position) const {
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

    FoundNumber found{.end = position + parts[0].digits.size(),
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

std::string SentenceSpeller::dotted(const std::vector<std::string>& parts) {
    const std::string point = words_.dot.empty() ? numbers_.point() : std::string(words_.dot);
    std::string said;
    for (const std::string& part : parts) {
        if (!said.empty()) said += " " + (point.empty() ? "" : point + " ");
        said += numbers_.number({.whole = part});
    }
    return said;
}

Ordinal SentenceSpeller::ordinal_form(std::size_t position) const {
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

bool SentenceSpeller::say_phone() {
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

bool SentenceSpeller::say_fraction() {
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
    static constexpr std::array kUsual{2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 32, 64, 100};
    const bool proper = *top > 0 && *top < *bottom && std::ranges::contains(kUsual, *bottom);
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

std::string SentenceSpeller::fraction_words(int top, int bottom) {
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

void SentenceSpeller::say_number(std::size_t start, bool negative) {
    FoundNumber found = find_number(start);
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

void SentenceSpeller::say_number_in_word() {
    const std::size_t end = digits_end(at_);
    if (at(end) != '.' || !digit_at(end + 1)) {
        say(numbers_.number({.whole = std::string(digits_from(at_))}), end);
        return;
    }
    const FoundNumber found = find_number(at_);
    say(found.parts.empty() ? numbers_.number(found.number) : dotted(found.parts), found.end);
}

bool SentenceSpeller::counts_in_chinese(std::size_t position) const {
    static constexpr std::u32string_view kNotCounted = U"月日号楼层点，。、";
    const char32_t next = code_point_at(position);
    return numbers_.language() == "zh" && is_letter(next) && next > 0x2E80 &&
           !kNotCounted.contains(next) && before(at_) != U'第' && before(at_) != U'周';
}

Agreement SentenceSpeller::agreement_at(std::size_t position) const {
    struct Endings {
        std::string_view language;
        std::array<std::string_view, 7> feminine;
        std::array<std::string_view, 3> not_feminine;
    };
    static constexpr std::array kEndings{
        Endings{
            "de", {"e", "ung", "heit", "keit", "ion", "tät", "schaft"}, {"ende", "auge", "name"}},
        Endings{"es", {"a", "as"}, {"día", "días", "problemas"}},
        Endings{"pt", {"a", "as"}, {"dia", "dias", "problemas"}},
        Endings{"it", {"a"}, {"problema"}}};
    const std::string& language = numbers_.language();
    const std::size_t next = behind_space(position);
    static constexpr std::array kNoNouns{"von", "und", "oder",  "bis", "zu",  "mal", "ist",
                                         "auf", "für", "gegen", "bei", "aus", "in",  "de",
                                         "y",   "o",   "e",     "a",   "di",  "su"};
    if (next == position || !is_letter(code_point_at(next)) || language == "ar" ||
        language == "he" || has(kNoNouns, word_at(next)))
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

bool SentenceSpeller::say_ordinal(const FoundNumber& found) {
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
        Suffix{"ru", "-й", Ordinal::Masculine},  Suffix{"ru", "-я", Ordinal::Feminine},
        Suffix{"ru", "-го", Ordinal::Genitive},  Suffix{"sv", ":a", Ordinal::Plain},
        Suffix{"sv", ":e", Ordinal::Plain}};
    const auto value = small_value(found.number.whole);
    if (!value) return false;
    const std::string& language = numbers_.language();
    for (const Suffix& suffix : kSuffixes) {
        if (suffix.language != language || !rest(found.end).starts_with(suffix.written) ||
            !word_ends_at(found.end + suffix.written.size()))
            continue;
        say(numbers_.ordinal(*value, suffix.form), found.end + suffix.written.size(), Said::Day);
        return true;
    }
    for (const auto& [sign, form] : {std::pair<std::string_view, Ordinal>{"º", Ordinal::Masculine},
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
        say(day ? numbers_.day(*value, day_form(at_)) : numbers_.ordinal(*value, ordinal_form(at_)),
            found.end + 1, day ? Said::Day : Said::Other);
        return true;
    }
    return false;
}

bool SentenceSpeller::say_range(const FoundNumber& found) {
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
                const FoundNumber one = find_number(at_ + 1);
                out_ += numbers_.spaces() ? " " : "，";
                say(numbers_.number(one.number), one.end);
            }
            return true;
        }
        if (word.empty()) return false;
    } else if (at(end) == ':' && digit_at(end + 1)) {
        // "3:1"
        next = end + 1;
        word = numbers_.language() == "de" ? "zu" : numbers_.language() == "en" ? "to" : "";
    } else if (numbers_.language() == "en" && at(end) == '\'' && digit_at(end + 1)) {
        next = end + 1;  // 5'7"
        word = "foot";
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
    if (word.empty() && numbers_.spaces()) out_ += ' ';
    return true;
}

}  // namespace titans::text
