#include "hearing/whisper/token_rules.h"

#include <cassert>
#include <cmath>
#include <limits>

namespace titans::hearing::whisper {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
/// A text begins within a second of its window: 50 steps of 20 ms.
constexpr int kLatestBegin = 50;

void forbid(std::span<float> logits, int first, int last) {
    const auto count = static_cast<int>(logits.size());
    for (int id = std::clamp(first, 0, count); id < std::min(last, count); ++id)
        logits[static_cast<std::size_t>(id)] = kNever;
}

/// Whether the timestamps together are likelier than any single token of text.
bool time_is_likelier(std::span<const float> text, std::span<const float> times) {
    const float best_text = std::ranges::max(text);
    const float best_time = std::ranges::max(times);
    if (best_time == kNever) return false;
    double sum = 0;
    for (const float logit : times) sum += std::exp(double{logit} - best_time);
    return best_time + std::log(sum) > best_text;
}

}  // namespace

void TokenRules::apply(std::span<float> logits, std::span<const int> written) const {
    assert(std::cmp_equal(logits.size(), vocabulary_.size()));
    if (written.empty()) {
        for (const int id : vocabulary_.suppressed_first())
            logits[static_cast<std::size_t>(id)] = kNever;
    }
    for (const int id : vocabulary_.suppressed()) logits[static_cast<std::size_t>(id)] = kNever;
    forbid(logits, vocabulary_.no_timestamps(), vocabulary_.first_timestamp());
    if (timestamps_ == Timestamps::Yes) {
        apply_timestamps(logits, written);
    } else {
        forbid(logits, vocabulary_.first_timestamp(), vocabulary_.size());
    }
}

void TokenRules::apply_timestamps(std::span<float> logits, std::span<const int> written) const {
    const int first = vocabulary_.first_timestamp();
    const auto is_time = [&](std::size_t from_end) {
        return written.size() >= from_end && written[written.size() - from_end] >= first;
    };
    const bool after_time = is_time(1);
    const bool after_pair = after_time && (written.size() < 2 || is_time(2));
    // They come in pairs, the end of one stretch and the beginning of the next, but for the first
    // and one before the end.
    if (after_pair) forbid(logits, first, vocabulary_.size());
    if (after_time && !after_pair) forbid(logits, 0, vocabulary_.end());
    // They never go back, and a stretch has some length.
    for (auto token = written.rbegin(); token != written.rend(); ++token) {
        if (*token < first) continue;
        forbid(logits, first, after_time && !after_pair ? *token : *token + 1);
        break;
    }
    if (written.empty()) {
        forbid(logits, 0, first);
        forbid(logits, first + kLatestBegin + 1, vocabulary_.size());
    }
    const auto texts = static_cast<std::size_t>(first);
    if (texts < logits.size() && time_is_likelier(logits.first(texts), logits.subspan(texts)))
        forbid(logits, 0, first);
}

}  // namespace titans::hearing::whisper
