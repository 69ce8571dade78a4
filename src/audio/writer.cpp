#include "audio/writer.h"

#include <algorithm>
#include <cmath>

#include "audio/encoder.h"
#include "audio/limiter.h"
#include "audio/loudness.h"
#include "audio/wav.h"

namespace titans::audio {
namespace {

constexpr double kMostGain = 30;  // dB
constexpr float kLoudest = 1000;  // no sound, but still a number when turned up

float ceiling(AudioFormat format) {
    switch (format) {
        case AudioFormat::Wav:
        case AudioFormat::Flac:
            return 32'766.0F / 32'768.0F;  // one step for the dither
        case AudioFormat::Mp3:
        case AudioFormat::Opus:
            return 0.891F;
    }
    std::unreachable();
}

Result<float> gain_to(double lufs, const Audio& audio, std::stop_token stop) {
    TITANS_TRY(const Loudness loudness, measure_loudness(audio, std::move(stop)));
    if (!loudness.measurable()) return 1.0F;
    const double db = std::clamp(lufs - loudness.integrated_lufs, -kMostGain, kMostGain);
    return static_cast<float>(std::pow(10, db / 20));
}

}  // namespace

std::optional<AudioFormat> parse_format(std::string_view word) {
    if (word == "wav") return AudioFormat::Wav;
    if (word == "mp3") return AudioFormat::Mp3;
    if (word == "opus") return AudioFormat::Opus;
    if (word == "flac") return AudioFormat::Flac;
    return std::nullopt;
}

std::string_view file_extension(AudioFormat format) {
    switch (format) {
        case AudioFormat::Wav:
            return "wav";
        case AudioFormat::Mp3:
            return "mp3";
        case AudioFormat::Opus:
            return "ogg";
        case AudioFormat::Flac:
            return "flac";
    }
    std::unreachable();
}

std::string_view media_type(AudioFormat format) {
    switch (format) {
        case AudioFormat::Wav:
            return "audio/wav";
        case AudioFormat::Mp3:
            return "audio/mpeg";
        case AudioFormat::Opus:
            return "audio/ogg";
        case AudioFormat::Flac:
            return "audio/flac";
    }
    std::unreachable();
}

Result<std::vector<std::byte>> write(const Audio& audio, const WriteOptions& options,
                                     std::stop_token stop) {
    std::vector<float> samples(audio.samples().begin(), audio.samples().end());
    for (float& sample : samples) {
        sample = std::isfinite(sample) ? std::clamp(sample, -kLoudest, kLoudest) : 0;
    }
    if (options.loudness_lufs) {
        TITANS_TRY(const float gain,
                   gain_to(*options.loudness_lufs, Audio(audio.rate(), samples), stop));
        for (float& sample : samples) sample *= gain;
    }
    limit_peaks(samples, audio.rate(), ceiling(options.format));
    const Audio limited(audio.rate(), std::move(samples));
    if (options.format == AudioFormat::Wav) return make_wav(limited);
    return encode(limited, options.format, std::move(stop));
}

}  // namespace titans::audio
