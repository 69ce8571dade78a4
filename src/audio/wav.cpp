#include "audio/wav.h"

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <random>

namespace titans::audio {
namespace {

constexpr std::uint16_t kChannels = 1;
constexpr std::uint16_t kBytesPerSample = 2;

template <typename Number>
void append(std::vector<std::byte>& bytes, Number number) {
    static_assert(std::endian::native == std::endian::little, "WAV is little-endian");
    const auto raw = std::bit_cast<std::array<std::byte, sizeof(Number)>>(number);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
}

void append_text(std::vector<std::byte>& bytes, std::string_view text) {
    for (const char letter : text) bytes.push_back(static_cast<std::byte>(letter));
}

/// In [0, 1), the same on every standard library.
float uniform(std::minstd_rand& random) {
    return static_cast<float>(random() - std::minstd_rand::min()) /
           static_cast<float>(std::minstd_rand::max());
}

std::int16_t quantize(float sample, std::minstd_rand& random) {
    const float dither = uniform(random) - uniform(random);
    if (!std::isfinite(sample)) return 0;
    const float scaled = std::round(std::clamp(sample, -1.0F, 1.0F) * 32768.0F + dither);
    return static_cast<std::int16_t>(std::clamp(scaled, -32768.0F, 32767.0F));
}

}  // namespace

std::vector<std::byte> make_wav(const Audio& audio) {
    const std::span<const float> samples = audio.samples();
    assert(samples.size() < std::numeric_limits<std::uint32_t>::max() / 4);
    const auto rate = static_cast<std::uint32_t>(audio.rate().hz);
    const auto data_size = static_cast<std::uint32_t>(samples.size() * kBytesPerSample);

    std::vector<std::byte> bytes;
    bytes.reserve(44 + data_size);
    append_text(bytes, "RIFF");
    append(bytes, std::uint32_t{36} + data_size);
    append_text(bytes, "WAVEfmt ");
    append(bytes, std::uint32_t{16});
    append(bytes, std::uint16_t{1});  // PCM
    append(bytes, kChannels);
    append(bytes, rate);
    append(bytes, rate * kChannels * kBytesPerSample);
    append(bytes, static_cast<std::uint16_t>(kChannels * kBytesPerSample));
    append(bytes, static_cast<std::uint16_t>(kBytesPerSample * 8));
    append_text(bytes, "data");
    append(bytes, data_size);

    for (const std::int16_t sample : dither(samples)) append(bytes, sample);
    return bytes;
}

std::vector<std::int16_t> dither(std::span<const float> samples) {
    std::minstd_rand random;
    std::vector<std::int16_t> dithered;
    dithered.reserve(samples.size());
    for (const float sample : samples) dithered.push_back(quantize(sample, random));
    return dithered;
}

}  // namespace titans::audio
