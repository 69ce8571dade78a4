#include "hearing/whisper/decoding.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "hearing/whisper/compression_ratio.h"
#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
/// A logit so far below the best one adds nothing to a sum of exponentials in F32.
constexpr float kNothing = -25;
/// A text that is compressed better than this repeats itself (arXiv:2212.04356, section 4.5).
constexpr double kMostCompression = 2.4;
/// Every so many tokens it is looked at while it is written, so that circles end early.
constexpr std::size_t kLook = 32;

struct Choice {
    int id = 0;
    double log_probability = 0;
};

/// The logarithm of the sum of the exponentials, divided by `temperature` before.
double log_sum(std::span<const float> logits, float most, float temperature = 1) {
    double sum = 0;
    for (const float logit : logits) {
        const float distance = (logit - most) / temperature;
        if (distance > kNothing) sum += std::exp(distance);
    }
    return std::log(sum);
}

Choice choose(std::span<const float> logits, double temperature, std::mt19937& random) {
    const auto best = std::ranges::max_element(logits);
    const float most = *best;
    auto chosen = best;
    if (temperature > 0) {
        const auto divisor = static_cast<float>(temperature);
        double rest = std::uniform_real_distribution<double>(
            0, std::exp(log_sum(logits, most, divisor)))(random);
        for (auto logit = logits.begin(); logit != logits.end(); ++logit) {
            const float distance = (*logit - most) / divisor;
            if (distance <= kNothing) continue;
            rest -= std::exp(distance);
            if (rest > 0) continue;
            chosen = logit;
            break;
        }
    }
    return {static_cast<int>(chosen - logits.begin()),
            double{*chosen} - most - log_sum(logits, most)};
}

/// The `count` likeliest of `logits`, the best first.
std::vector<Choice> best_choices(std::span<const float> logits, std::size_t count) {
    std::vector<int> ids(logits.size());
    std::iota(ids.begin(), ids.end(), 0);
    const auto last = ids.begin() + static_cast<std::ptrdiff_t>(std::min(count, ids.size()));
    const auto logit = [&](int id) { return logits[static_cast<std::size_t>(id)]; };
    std::ranges::partial_sort(ids, last, std::greater(), logit);
    const double sum = log_sum(logits, logit(ids.front()));
    std::vector<Choice> choices;
    for (auto id = ids.begin(); id != last && logit(*id) != kNever; ++id)
        choices.push_back({*id, double{logit(*id)} - logit(ids.front()) - sum});
    return choices;
}

void look_for_circles(Written& text, const Vocabulary& vocabulary) {
    const std::string written = text::to_utf8(vocabulary.text(text.tokens));
    text.in_circles = compression_ratio(text::trim(written)) > kMostCompression;
}

void take(Written& text, const Choice& choice, const Vocabulary& vocabulary) {
    text.sum += choice.log_probability;
    if (choice.id != vocabulary.end()) {
        text.tokens.push_back(choice.id);
        text.log_probabilities.push_back(static_cast<float>(choice.log_probability));
        if (text.tokens.size() % kLook != 0) return;
    }
    look_for_circles(text, vocabulary);
}

/// Probability of a token, as the reference ranks hypotheses: the end's is in the sum, not in the
/// count.
double rank(const Written& text) {
    return text.sum / static_cast<double>(std::max<std::size_t>(text.tokens.size(), 1));
}

bool worse(const Written& a, const Written& b) {
    if (a.in_circles != b.in_circles) return a.in_circles;
    return rank(a) < rank(b);
}

}  // namespace

Result<Written> write_tokens(TokenReader& reader, const TokenRules& rules,
                             const Beginning& beginning, const Sampling& sampling,
                             std::mt19937& random, const std::stop_token& stop) {
    const Vocabulary& vocabulary = rules.vocabulary();
    const int end = vocabulary.end();
    const auto width = static_cast<std::size_t>(vocabulary.size());
    const auto count = static_cast<std::size_t>(sampling.hypotheses);
    assert(count > 0 && beginning.logits.size() == width);
    std::vector<Written> texts(count);
    std::vector<bool> ended(count);
    std::vector<int> last(count, end);
    std::vector<float> logits;
    for (std::size_t i = 0; i < count; ++i)
        logits.insert(logits.end(), beginning.logits.begin(), beginning.logits.end());
    TITANS_TRY_VOID(reader.fork(sampling.hypotheses, beginning.position));
    for (int written = 0;; ++written) {
        for (std::size_t i = 0; i < count; ++i) {
            if (ended[i]) continue;
            const auto row = std::span(logits).subspan(i * width, width);
            rules.apply(row, texts[i].tokens);
            const Choice choice = choose(row, sampling.temperature, random);
            take(texts[i], choice, vocabulary);
            last[i] = choice.id;
            ended[i] = choice.id == end || texts[i].in_circles;
        }
        if (std::ranges::all_of(ended, std::identity()) || written + 1 >= beginning.most) break;
        TITANS_TRY(const auto next, reader.read_each(last, beginning.position + written, stop));
        logits.assign(next.begin(), next.end());
    }
    for (std::size_t i = 0; i < count; ++i)
        if (!ended[i]) look_for_circles(texts[i], vocabulary);
    return *std::ranges::max_element(texts, worse);
}

Result<Written> write_beams(TokenReader& reader, const TokenRules& rules,
                            const Beginning& beginning, int beams, const std::stop_token& stop) {
    const Vocabulary& vocabulary = rules.vocabulary();
    const int end = vocabulary.end();
    const auto width = static_cast<std::size_t>(vocabulary.size());
    const auto count = static_cast<std::size_t>(beams);
    assert(count > 0 && beginning.logits.size() == width);
    std::vector<Written> texts(1);
    std::vector<Written> finished;
    std::vector<float> logits = beginning.logits;
    TITANS_TRY_VOID(reader.fork(beams, beginning.position));
    for (int written = 0;; ++written) {
        struct Candidate {
            std::size_t source;
            Choice choice;
            double sum;
        };
        std::vector<Candidate> candidates;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const auto row = std::span(logits).subspan(i * width, width);
            rules.apply(row, texts[i].tokens);
            for (const Choice& choice : best_choices(row, count + 1))
                candidates.push_back({i, choice, texts[i].sum + choice.log_probability});
        }
        std::ranges::stable_sort(candidates, std::greater(), &Candidate::sum);
        std::vector<Written> next;
        std::vector<int> sources;
        std::vector<int> last;
        for (const Candidate& candidate : candidates) {
            Written text = texts[candidate.source];
            take(text, candidate.choice, vocabulary);
            if (candidate.choice.id == end) {
                if (finished.size() < count) finished.push_back(std::move(text));
                continue;
            }
            next.push_back(std::move(text));
            sources.push_back(static_cast<int>(candidate.source));
            last.push_back(candidate.choice.id);
            if (next.size() == count) break;
        }
        texts = std::move(next);
        if (finished.size() >= count || std::ranges::all_of(texts, &Written::in_circles) ||
            written + 1 >= beginning.most) {
            break;
        }
        while (last.size() < count) {  // so that there are always as many
            sources.push_back(sources.front());
            last.push_back(last.front());
        }
        reader.reorder(sources, beginning.position + written);
        TITANS_TRY(const auto answer, reader.read_each(last, beginning.position + written, stop));
        logits.assign(answer.begin(), answer.end());
    }
    for (Written& text : texts) {
        if (finished.size() >= count) break;
        look_for_circles(text, vocabulary);
        finished.push_back(std::move(text));
    }
    return *std::ranges::max_element(finished, worse);
}

}  // namespace titans::hearing::whisper
