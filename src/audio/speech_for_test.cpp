#include "audio/speech_for_test.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>

#include "audio/decoder.h"
#include "audio/encode_for_test.h"

namespace titans::audio {

Audio make_speech(SampleRate rate, double seconds) {
    constexpr double kSyllable = 0.22;  // seconds
    std::vector<float> samples(static_cast<std::size_t>(seconds * rate.hz));
    double phase = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double time = static_cast<double>(i) / rate.hz;
        const int syllable = static_cast<int>(time / kSyllable);
        const double pitch = 120 + 25 * std::sin(1.7 * syllable) + 8 * std::sin(3 * time);
        phase += 2 * std::numbers::pi * pitch / rate.hz;
        if (syllable % 7 >= 5) continue;  // a pause between words
        const double within = std::fmod(time, kSyllable) / kSyllable;
        const double envelope = std::pow(std::sin(std::numbers::pi * within), 2);
        double sum = 0;
        for (int harmonic = 1; harmonic * pitch < std::min(7000.0, 0.45 * rate.hz); ++harmonic) {
            const double hz = harmonic * pitch;
            const double formant = 500 + 250 * std::sin(2.3 * syllable);
            const double strength = 1 / (1 + std::pow((hz - formant) / 400, 2)) +
                                    0.2 / (1 + std::pow((hz - 2200) / 600, 2));
            sum += strength * std::sin(harmonic * phase);
        }
        samples[i] = static_cast<float>(0.12 * envelope * sum);
    }
    return {rate, std::move(samples)};
}

Audio with_noise(const Audio& audio, double snr_db, unsigned seed) {
    std::vector<float> samples(audio.samples().begin(), audio.samples().end());
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0, rms(samples) * std::pow(10, -snr_db / 20));
    for (float& sample : samples) sample += static_cast<float>(noise(random));
    return {audio.rate(), std::move(samples)};
}

std::vector<Audio> recorded_sentences() {
    const std::filesystem::path folder("/usr/share/pocketsphinx/test/data/librivox");
    std::vector<std::filesystem::path> paths;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
        if (entry.path().extension() == ".wav") paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    std::vector<Audio> sentences;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        sentences.push_back(
            decode(std::as_bytes(std::span(bytes)), SampleRate{16'000}, {}, {}).value());
    }
    return sentences;
}

Audio concatenated(const std::vector<Audio>& parts) {
    std::vector<float> samples;
    for (const Audio& part : parts)
        samples.insert(samples.end(), part.samples().begin(), part.samples().end());
    return {parts.front().rate(), std::move(samples)};
}

Audio make_silence(SampleRate rate, double seconds) {
    return {rate, std::vector<float>(static_cast<std::size_t>(seconds * rate.hz))};
}

double snr_db(const Audio& reference, const Audio& audio) {
    const std::span<const float> wanted = reference.samples();
    const std::span<const float> got = audio.samples();
    double cross = 0;
    double power = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        cross += static_cast<double>(wanted[i]) * got[i];
        power += static_cast<double>(wanted[i]) * wanted[i];
    }
    const double gain = cross / power;
    double error = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) error += std::pow(got[i] - gain * wanted[i], 2);
    return 10 * std::log10(gain * gain * power / error);
}

}  // namespace titans::audio
