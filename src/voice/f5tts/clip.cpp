#include "voice/f5tts/clip.h"

#include <algorithm>
#include <cmath>

namespace titans::voice::f5tts {
namespace {

constexpr int kStepMs = 10;
constexpr double kFullScale = 32768;

double level_of(double db) { return std::pow(10, db / 20); }

}  // namespace

Clip::Clip(const audio::Audio& audio) : rate_(audio.rate()) {
    samples_.reserve(audio.samples().size());
    for (const float sample : audio.samples()) {
        samples_.push_back(static_cast<std::int16_t>(
            std::clamp(std::lrint(sample * static_cast<float>(kFullScale)), -32768L, 32767L)));
    }
}

int Clip::milliseconds() const {
    return static_cast<int>(
        std::nearbyint(1000.0 * static_cast<double>(samples_.size()) / rate_.hz));
}

std::size_t Clip::position(int ms) const {
    return static_cast<std::size_t>(std::clamp(ms, 0, milliseconds()) * (rate_.hz / 1000.0));
}

std::span<const std::int16_t> Clip::samples(int from, int to) const {
    const std::size_t begin = std::min(position(from), samples_.size());
    const std::size_t end = std::min(position(to), samples_.size());
    return std::span(samples_).subspan(begin, std::max(begin, end) - begin);
}

Clip Clip::cut(int from, int to) const {
    const auto there = samples(from, to);
    std::vector<std::int16_t> part(there.begin(), there.end());
    if (from < to) part.resize(position(to) - position(from));
    return {rate_, std::move(part)};
}

Clip Clip::reversed() const { return {rate_, {samples_.rbegin(), samples_.rend()}}; }

void Clip::append(const Clip& more) {
    samples_.insert(samples_.end(), more.samples_.begin(), more.samples_.end());
}

int Clip::rms(int from, int to) const {
    if (position(to) <= position(from)) return 0;
    double sum = 0;
    for (const std::int16_t sample : samples(from, to)) sum += static_cast<double>(sample) * sample;
    return static_cast<int>(std::sqrt(sum / static_cast<double>(position(to) - position(from))));
}

audio::Audio Clip::audio() const {
    std::vector<float> samples;
    samples.reserve(samples_.size());
    for (const std::int16_t sample : samples_)
        samples.push_back(static_cast<float>(sample) / static_cast<float>(kFullScale));
    return {rate_, std::move(samples)};
}

std::vector<Span> find_silence(const Clip& clip, int min_silence_ms, double threshold_db) {
    const int last = clip.milliseconds() - min_silence_ms;
    const double threshold = level_of(threshold_db) * kFullScale;
    std::vector<int> starts;
    const auto look_at = [&](int start) {
        if (clip.rms(start, start + min_silence_ms) <= threshold) starts.push_back(start);
    };
    for (int start = 0; start <= last; start += kStepMs) look_at(start);
    if (last > 0 && last % kStepMs != 0) look_at(last);

    std::vector<Span> silences;
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const bool goes_on = i > 0 && (starts[i] == starts[i - 1] + kStepMs ||
                                       starts[i] <= starts[i - 1] + min_silence_ms);
        if (!goes_on) silences.push_back({starts[i], 0});
        silences.back().end = starts[i] + min_silence_ms;
    }
    return silences;
}

std::vector<Span> split_at_silence(const Clip& clip, int min_silence_ms, double threshold_db,
                                   int keep_ms) {
    const int length = clip.milliseconds();
    const std::vector<Span> silences = find_silence(clip, min_silence_ms, threshold_db);
    std::vector<Span> parts;
    int end = 0;
    for (const Span& silence : silences) {
        if (silence.begin > 0 || end > 0) parts.push_back({end, silence.begin});
        end = silence.end;
    }
    if (end != length) parts.push_back({end, length});
    for (Span& part : parts) part = {part.begin - keep_ms, part.end + keep_ms};
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (parts[i].begin >= parts[i - 1].end) continue;
        parts[i - 1].end = (parts[i - 1].end + parts[i].begin) / 2;
        parts[i].begin = parts[i - 1].end;
    }
    for (Span& part : parts) part = {std::max(part.begin, 0), std::min(part.end, length)};
    return parts;
}

int leading_silence(const Clip& clip, double threshold_db) {
    const int length = clip.milliseconds();
    const double threshold = level_of(threshold_db) * kFullScale;
    int trim = 0;
    while (trim < length && clip.rms(trim, trim + kStepMs) < threshold) trim += kStepMs;
    return std::min(trim, length);
}

}  // namespace titans::voice::f5tts
