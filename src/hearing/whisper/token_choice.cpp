#include "hearing/whisper/token_choice.h"

#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <map>

namespace titans::hearing::whisper {

bool is_caption_mark(std::string_view token) {
    static constexpr std::array<std::string_view, 50> kMarks{
        "\"",  "#",   "(",  ")",   "*",   "+",  "/",   ":",   ";",  "<",  "=",   ">",  "@",
        "[",   "\\",  "]",  "^",   "_",   "`",  "{",   "|",   "}",  "~",  "「",  "」", "『",
        "』",  "<<",  ">>", "<<<", ">>>", "--", "---", "-(",  "-[", "('", "(\"", "((", "))",
        "(((", ")))", "[[", "]]",  "{{",  "}}", "♪♪",  "♪♪♪", "♩",  "♪",  "♫"};
    if (token == " -" || token == " '") return true;
    if (token.starts_with(' ')) token.remove_prefix(1);
    return !token.empty() && std::ranges::contains(kMarks, token);
}

ChosenToken choose_token(std::span<const float> logits, const std::vector<bool>& allowed,
                         double temperature, std::mt19937& random) {
    assert(logits.size() == allowed.size());
    std::size_t best = logits.size();
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (allowed[i] && (best == logits.size() || logits[i] > logits[best])) best = i;
    }
    assert(best < logits.size());

    double sum = 0;  // of the probabilities, relative to the best one's
    double tempered_sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (!allowed[i]) continue;
        const double distance = logits[i] - logits[best];
        sum += std::exp(distance);
        if (temperature > 0) tempered_sum += std::exp(distance / temperature);
    }
    std::size_t chosen = best;
    if (temperature > 0) {
        double rest = std::uniform_real_distribution<double>(0, tempered_sum)(random);
        for (std::size_t i = 0; i < logits.size(); ++i) {
            if (!allowed[i]) continue;
            rest -= std::exp((logits[i] - logits[best]) / temperature);
            if (rest > 0) continue;
            chosen = i;
            break;
        }
    }
    return {static_cast<int>(chosen), logits[chosen] - logits[best] - std::log(sum)};
}

bool goes_in_circles(std::span<const int> tokens) {
    constexpr std::size_t kLast = 32;
    constexpr double kLeastEntropy = 2.4;
    if (tokens.size() < kLast) return false;
    std::map<int, int> counts;
    for (const int token : tokens.last(kLast)) ++counts[token];
    double entropy = 0;
    for (const auto& [token, count] : counts) {
        const double share = static_cast<double>(count) / kLast;
        entropy -= share * std::log(share);
    }
    return entropy < kLeastEntropy;
}

}  // namespace titans::hearing::whisper
