#include "voice/f5tts/f5_voice.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "audio/resample.h"
#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

constexpr std::uint32_t kFormat = 0x32'56'35'46;  // "F5V2"
constexpr double kShortestSeconds = 0.05;         // of more than half a window
constexpr float kSilence = 1e-4F;

struct Header {
    std::uint32_t format = kFormat;
    float gain = 1;
    double seconds = 0;
    std::uint64_t samples = 0;
    std::uint64_t text = 0;  // bytes
    std::uint64_t note = 0;  // bytes
};

std::size_t mel_size(std::size_t samples) { return (1 + samples / kHop) * kMels; }

Error damaged() {
    return {ErrorKind::InvalidInput, "what was learned of the voice is damaged", {}};
}

}  // namespace

Result<std::shared_ptr<const F5Voice>> F5Voice::learn(const VoiceSample& sample, float target_rms) {
    const audio::Audio& recording = sample.excerpt.audio;
    if (recording.duration().count() < kShortestSeconds) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_audio: there is hardly any sound in it");
    }
    if (sample.transcript.find_first_not_of(" \t\n") == std::string::npos) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_settings.reference_text: no words are known of the recording");
    }
    // As the reference: the loudness before, all else after resampling.
    double energy = 0;
    for (const float value : recording.samples()) energy += double{value} * value;
    const auto rms =
        static_cast<float>(std::sqrt(energy / static_cast<double>(recording.samples().size())));
    if (rms < kSilence)
        return fail(ErrorKind::InvalidInput, "voice_cloning_audio: there is no sound in it");
    const audio::Audio resampled = audio::resample(recording, kRate);
    std::vector<float> samples(resampled.samples().begin(), resampled.samples().end());
    // torchaudio rounds the length up.
    const auto given = static_cast<std::int64_t>(recording.samples().size());
    const int rate = recording.rate().hz;
    samples.resize(static_cast<std::size_t>((given * kRate.hz + rate - 1) / rate));
    const bool quiet = rms < target_rms;
    if (quiet)
        for (float& value : samples) value = value * target_rms / rms;

    std::shared_ptr<F5Voice> voice(new F5Voice);
    voice->text_ = end_reference_text(sample.transcript);
    voice->note_ = sample.excerpt.note;
    voice->samples_ = samples.size();
    voice->seconds_ = recording.duration().count();
    voice->gain_ = quiet ? rms / target_rms : 1;
    TITANS_TRY(voice->mel_, log_mel(samples));
    return voice;
}

std::vector<std::byte> F5Voice::bytes() const {
    const Header header{.gain = gain_,
                        .seconds = seconds_,
                        .samples = samples_,
                        .text = text_.size(),
                        .note = note_.size()};
    std::vector<std::byte> bytes;
    const auto put = [&bytes](const auto& values) {
        bytes.append_range(std::as_bytes(std::span(values)));
    };
    put(std::span(&header, 1));
    put(text_);
    put(note_);
    put(mel_);
    return bytes;
}

Result<std::shared_ptr<const F5Voice>> F5Voice::read(std::span<const std::byte> bytes) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 28;
    Header header;
    if (bytes.size() < sizeof header) return std::unexpected(damaged());
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes = bytes.subspan(sizeof header);
    if (header.format != kFormat || header.samples > kMost || header.text > kMost ||
        header.note > kMost || !(header.seconds > 0) ||
        bytes.size() != header.text + header.note + mel_size(header.samples) * sizeof(float)) {
        return std::unexpected(damaged());
    }
    std::shared_ptr<F5Voice> voice(new F5Voice);
    voice->text_.resize(header.text);
    voice->note_.resize(header.note);
    voice->mel_.resize(mel_size(header.samples));
    voice->samples_ = header.samples;
    voice->gain_ = header.gain;
    voice->seconds_ = header.seconds;
    const auto take = [&bytes](auto& values) {
        const std::size_t size = values.size() * sizeof(values[0]);
        std::memcpy(values.data(), bytes.data(), size);
        bytes = bytes.subspan(size);
    };
    take(voice->text_);
    take(voice->note_);
    take(voice->mel_);
    return voice;
}

}  // namespace titans::voice::f5tts
