#include "hearing/utterance_segmenter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace titans::hearing {
namespace {

constexpr float kHysteresis = 0.15F;
constexpr float kLeastProbability = 0.01F;
constexpr float kSure = 0.95F;
constexpr std::int64_t kStep = vad::kStep;
constexpr std::int64_t kPadding = vad::kRate.hz / 2;  // a first or last consonant is no speech yet
constexpr std::int64_t kKept = vad::kRate.hz;  // of silence before it is forgotten all at once

// The quietest point is in the middle of the quietest 60 ms, looked for every 10 ms.
constexpr std::int64_t kQuietHop = vad::kRate.hz / 100;
constexpr std::int64_t kQuietWindow = 6 * kQuietHop;

std::int64_t in_samples(Seconds seconds) { return std::llround(seconds.count() * vad::kRate.hz); }

float peak_of(std::span<const float> samples) {
    float peak = 0;
    for (const float sample : samples) peak = std::max(peak, std::abs(sample));
    return peak;
}

}  // namespace

UtteranceSegmenter::UtteranceSegmenter(std::unique_ptr<vad::VoiceActivityDetector> detector,
                                       const SegmenterSettings& settings)
    : detector_(std::move(detector)),
      threshold_(settings.threshold),
      begin_probability_(settings.vad_threshold),
      end_probability_(std::max(settings.vad_threshold - kHysteresis, kLeastProbability)),
      silence_(in_samples(settings.silence)),
      max_time_(in_samples(std::max(settings.max_time, Seconds(1)))),
      min_duration_(in_samples(settings.min_duration)) {}

std::vector<Utterance> UtteranceSegmenter::push(std::span<const float> samples) {
    std::vector<Utterance> found;
    while (!samples.empty()) {
        // Step by step, so that a long piece needs no more memory than short ones.
        const std::int64_t pending = first_ + std::ssize(samples_) - stepped_;
        const auto taken = samples.first(std::min<std::size_t>(samples.size(), kStep - pending));
        samples = samples.subspan(taken.size());
        for (const float sample : taken) samples_.push_back(std::isfinite(sample) ? sample : 0.0F);
        if (pending + std::ssize(taken) < kStep) break;
        step(stretch(stepped_, stepped_ + kStep).first<vad::kStep>(), stepped_ + kStep, found);
    }
    return found;
}

std::vector<Utterance> UtteranceSegmenter::flush() {
    std::vector<Utterance> found;
    const std::int64_t total = first_ + std::ssize(samples_);
    if (total > stepped_) {
        std::array<float, vad::kStep> last{};
        std::ranges::copy(stretch(stepped_, total), last.begin());
        step(last, total, found);
    }
    if (in_utterance_) end(found);
    detector_->reset();
    samples_.clear();
    first_ = stepped_ = free_from_ = 0;
    return found;
}

/// `end`: of what there is of the step, all but the last one's padding.
void UtteranceSegmenter::step(std::span<const float, vad::kStep> samples, std::int64_t end,
                              std::vector<Utterance>& found) {
    const float probability = detector_->step(samples);
    const Speech now{stepped_, end, probability};
    stepped_ = end;
    if (!in_utterance_) {
        if (probability < begin_probability_) {
            if (stepped_ - first_ > kKept + kPadding) forget(stepped_ - kPadding);
            return;
        }
        begin(now.start);
    }
    if (probability >= end_probability_) {
        if (now.end - start_ > max_time_) split(now, found);
        speech_.push_back(now);
    } else if (now.end - speech_.back().end >= silence_) {
        this->end(found);
    }
}

void UtteranceSegmenter::begin(std::int64_t speech_start) {
    in_utterance_ = true;
    continues_ = false;
    loudest_ = 0;
    start_ = std::max({speech_start - kPadding, free_from_, first_});
}

/// Ends a piece of the utterance, which goes on at `now`.
void UtteranceSegmenter::split(const Speech& now, std::vector<Utterance>& found) {
    continues_ = true;
    if (const std::int64_t spoken = speech_.back().end; now.start - spoken >= 2 * kPadding) {
        emit(std::min(spoken + kPadding, start_ + max_time_), /*is_split=*/true, found);
        speech_.clear();
        start_ = now.start - kPadding;
        return;
    }
    const std::int64_t cut = quietest(start_ + (max_time_ * 3 / 4), start_ + max_time_);
    std::vector<Speech> rest;
    std::ranges::copy_if(speech_, std::back_inserter(rest),
                         [&](const Speech& step) { return step.end > cut; });
    std::erase_if(speech_, [&](const Speech& step) { return step.start >= cut; });
    speech_.back().end = std::min(speech_.back().end, cut);
    emit(cut, /*is_split=*/true, found);
    speech_ = std::move(rest);
    if (!speech_.empty()) speech_.front().start = std::max(speech_.front().start, cut);
    start_ = cut;
}

void UtteranceSegmenter::end(std::vector<Utterance>& found) {
    const std::int64_t spoken = speech_.back().end - speech_.front().start;
    if (continues_ || spoken >= min_duration_) {
        const std::int64_t padded = std::min(speech_.back().end + kPadding, start_ + max_time_);
        while (fades_out()) speech_.pop_back();
        emit(std::min(padded, stepped_), /*is_split=*/false, found);
    }
    in_utterance_ = false;
    speech_.clear();
    forget(std::max(free_from_, stepped_ - kPadding));
}

/// Whether the last step is only what the detector remembers of the one before: where noise follows
/// speech, the probability takes up to ten steps to fall.
bool UtteranceSegmenter::fades_out() const {
    if (speech_.size() < 2) return false;
    const Speech& last = speech_.back();
    const Speech& before = speech_[speech_.size() - 2];
    return last.probability < std::min(kSure, before.probability) && before.end == last.start;
}

void UtteranceSegmenter::emit(std::int64_t end, bool is_split, std::vector<Utterance>& found) {
    const auto samples = stretch(start_, end);
    const float peak = peak_of(samples);
    loudest_ = std::max(loudest_, peak);
    if (loudest_ >= threshold_) {
        found.push_back({.start = start_,
                         .samples = {samples.begin(), samples.end()},
                         .speech_start = speech_.front().start,
                         .speech_end = speech_.back().end,
                         .peak = peak,
                         .split = is_split});
    }
    free_from_ = end;
    forget(end);
}

/// The middle of the window of least energy between two positions.
std::int64_t UtteranceSegmenter::quietest(std::int64_t from, std::int64_t to) const {
    std::int64_t best = to;
    float least = INFINITY;
    for (std::int64_t start = from; start + kQuietWindow <= to; start += kQuietHop) {
        const auto window = stretch(start, start + kQuietWindow);
        const float energy = std::inner_product(window.begin(), window.end(), window.begin(), 0.0F);
        if (energy <= least) {  // of several, the last: no utterance is longer than it must be
            least = energy;
            best = start + (kQuietWindow / 2);
        }
    }
    return best;
}

std::span<const float> UtteranceSegmenter::stretch(std::int64_t from, std::int64_t to) const {
    return std::span(samples_).subspan(static_cast<std::size_t>(from - first_),
                                       static_cast<std::size_t>(to - from));
}

void UtteranceSegmenter::forget(std::int64_t before) {
    if (before <= first_) return;
    samples_.erase(samples_.begin(), samples_.begin() + (before - first_));
    first_ = before;
}

}  // namespace titans::hearing
