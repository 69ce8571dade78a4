#include "voice/f5tts/excerpt.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <format>
#include <optional>

#include "voice/f5tts/clip.h"

namespace titans::voice::f5tts {
namespace {

constexpr int kLongestMs = 12'000;
constexpr int kEnoughMs = 6'000;
constexpr double kEdgeDb = -42;
// 50 ms of silence, which pydub makes at this rate of its own.
constexpr int kTailRate = 11'025;
constexpr int kTailSamples = 551;

// Of the part that is best: long enough to know the voice, and short, because every second of it
// is computed again with each sentence.
constexpr int kBestShortestMs = 5'000;
constexpr int kBestLongestMs = 8'000;
constexpr int kPauseMs = 150;

/// How many samples the tail has once audioop.ratecv() has brought it to `rate`.
std::size_t tail_samples(SampleRate rate) {
    std::size_t made = 0;
    std::int64_t due = -rate.hz;
    for (int i = 0; i < kTailSamples; ++i) {
        for (due += rate.hz; due >= 0; due -= kTailRate) ++made;
    }
    return made;
}

/// Without silence at its ends, and with a little behind.
Clip trimmed(const Clip& clip) {
    Clip inner = clip.cut(leading_silence(clip, kEdgeDb), clip.milliseconds());
    if (const int tail = leading_silence(inner.reversed(), kEdgeDb); tail > 0)
        inner = inner.cut(0, inner.milliseconds() - tail);
    inner.append({clip.rate(), std::vector<std::int16_t>(tail_samples(clip.rate()))});
    return inner;
}

struct Joined {
    Clip clip;
    bool all = true;  // no part was left out
};

Joined join_until_long(const Clip& clip, const std::vector<Span>& parts) {
    Joined joined{.clip = {clip.rate(), {}}};
    for (const Span& part : parts) {
        const Clip next = clip.cut(part.begin, part.end);
        Clip longer = joined.clip;
        longer.append(next);
        if (joined.clip.milliseconds() > kEnoughMs && longer.milliseconds() > kLongestMs) {
            joined.all = false;
            break;
        }
        joined.clip = std::move(longer);
    }
    return joined;
}

/// How good [begin, end) of `clip` is to learn from: more is better.
double worth(const Clip& clip, const Span& part) {
    constexpr int kFrameMs = 20;
    std::vector<double> levels;
    for (int at = part.begin; at + kFrameMs <= part.end; at += kFrameMs)
        levels.push_back(20 * std::log10(std::max(clip.rms(at, at + kFrameMs), 1)));
    std::ranges::sort(levels);
    const auto share = [&](double of) {
        return levels[static_cast<std::size_t>(of * static_cast<double>(levels.size() - 1))];
    };
    const double noise = share(0.05);
    const double speech = share(0.8);
    const auto spoken = std::ranges::count_if(
        levels, [&](double level) { return level > speech - 20 && level > noise + 6; });
    const double fill = static_cast<double>(spoken) / static_cast<double>(levels.size());
    const auto samples = clip.samples(part.begin, part.end);
    const auto clipped = std::ranges::count_if(
        samples, [](std::int16_t sample) { return std::abs(int{sample}) >= 32'700; });
    // A decibel of distance to the noise is worth a hundredth of speech instead of pause.
    return (100 * fill) + std::min(speech - noise, 50.0) -
           (10'000.0 * static_cast<double>(clipped) / static_cast<double>(samples.size()));
}

/// From pause to pause, of the wanted length.
std::optional<Span> find_best(const Clip& clip) {
    const auto loudest = *std::ranges::max_element(
        clip.samples(), {}, [](std::int16_t sample) { return std::abs(int{sample}); });
    const double peak_db = 20 * std::log10(std::max(std::abs(int{loudest}), 1) / 32768.0);
    const std::vector<Span> silences =
        find_silence(clip, kPauseMs, std::clamp(peak_db - 35, -60.0, -30.0));
    std::vector<int> cuts{0};
    for (const Span& silence : silences) cuts.push_back((silence.begin + silence.end) / 2);
    cuts.push_back(clip.milliseconds());
    std::optional<Span> best;
    double most = 0;
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        for (std::size_t k = i + 1; k < cuts.size(); ++k) {
            const Span part{cuts[i], cuts[k]};
            const int length = part.end - part.begin;
            if (length < kBestShortestMs) continue;
            if (length > kBestLongestMs) break;
            const double value = worth(clip, part);
            if (!best || value > most) {
                best = part;
                most = value;
            }
        }
    }
    return best;
}

}  // namespace

Excerpt reference_excerpt(const audio::Audio& recording) {
    const Clip clip(recording);
    Joined joined = join_until_long(clip, split_at_silence(clip, 1000, -50, 1000));
    bool is_part = !joined.all;
    if (joined.clip.milliseconds() > kLongestMs) {
        joined = join_until_long(clip, split_at_silence(clip, 100, -40, 1000));
        is_part = !joined.all;
    }
    if (joined.clip.milliseconds() > kLongestMs) {
        joined.clip = joined.clip.cut(0, kLongestMs);
        is_part = true;
    }
    Excerpt excerpt{.audio = trimmed(joined.clip).audio(), .is_part = is_part, .note = {}};
    if (is_part) {
        excerpt.note = std::format("the first {:.1f} of {:.1f} seconds",
                                   excerpt.audio.duration().count(), recording.duration().count());
    }
    return excerpt;
}

Excerpt best_excerpt(const audio::Audio& recording) {
    const Clip clip(recording);
    const Clip whole = trimmed(clip);
    if (whole.milliseconds() <= kLongestMs) return {.audio = whole.audio(), .note = {}};
    const std::optional<Span> best = find_best(clip);
    if (!best) return reference_excerpt(recording);  // nobody pauses in it
    return {.audio = trimmed(clip.cut(best->begin, best->end)).audio(),
            .is_part = true,
            .note = std::format("seconds {:.1f} to {:.1f} of {:.1f}", best->begin / 1000.0,
                                best->end / 1000.0, recording.duration().count())};
}

}  // namespace titans::voice::f5tts
