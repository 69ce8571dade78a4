// Whatever the bytes are: an error, or samples within the limits, the same at once and in pieces.

#include <cmath>
#include <cstdlib>

#include "audio/decoder.h"
#include "audio/kind.h"

using namespace titans;

namespace {

constexpr SampleRate kRate{16'000};
const audio::DecodeLimits kLimits{.duration = std::chrono::seconds(20),
                                  .decoded_bytes = std::uint64_t{64} << 20,
                                  .held_bytes = std::uint64_t{1} << 20,
                                  .time = std::chrono::seconds(5)};

void require(bool condition) {
    if (!condition) std::abort();
}

void check(std::span<const float> samples) {
    require(samples.size() <= std::size_t{21} * 16'000);
    for (const float sample : samples) require(sample >= -1 && sample <= 1);
}

Result<std::vector<float>> decode_in_pieces(std::span<const std::byte> bytes, std::size_t size) {
    audio::Decoder decoder(kRate, kLimits, {});
    std::vector<float> samples;
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), size));
        TITANS_TRY(const std::vector<float> part, decoder.feed(piece));
        samples.insert(samples.end(), part.begin(), part.end());
        bytes = bytes.subspan(piece.size());
    }
    TITANS_TRY(const std::vector<float> rest, decoder.finish());
    samples.insert(samples.end(), rest.begin(), rest.end());
    return samples;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    const Result<audio::Audio> whole = audio::decode(bytes, kRate, kLimits, {});
    if (whole) check(whole->samples());
    // A thread and many turns: only for some.
    if (size % 8 == 0) {
        const Result<std::vector<float>> pieces = decode_in_pieces(bytes, 1 + size / 5);
        if (pieces) check(*pieces);
        // In damaged Matroska the demuxer looks back for sound ones, as far as its buffer reaches.
        const bool searches = audio::find_audio_kind(bytes) == audio::AudioKind::Matroska;
        if (whole && pieces && !searches) {
            require(std::ranges::equal(whole->samples(), *pieces));
        }
    }
    return 0;
}
