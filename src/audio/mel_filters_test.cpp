#include "audio/mel_filters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace titans::audio {
namespace {

constexpr int kBins = 201;

TEST(MelFilters, AreThoseOfWhisper) {
    // librosa.filters.mel(sr=16000, n_fft=400, n_mels=80), which Whisper was trained with, begins
    // 0, 0.02486259, 0.
    const std::vector<float> filters = mel_filters(MelScale::Slaney, 80, 400, SampleRate{16000});
    ASSERT_EQ(filters.size(), 80 * kBins);
    EXPECT_EQ(filters[0], 0);
    EXPECT_NEAR(filters[1], 0.02486259F, 1e-8);
    EXPECT_EQ(filters[2], 0);
}

TEST(MelFilters, AreTrianglesWhosePeaksRise) {
    const std::vector<float> filters = mel_filters(MelScale::Slaney, 80, 400, SampleRate{16000});
    std::ptrdiff_t last_peak = 0;
    for (int mel = 0; mel < 80; ++mel) {
        const auto begin = filters.begin() + (mel * kBins);
        const auto peak = std::max_element(begin, begin + kBins);
        EXPECT_TRUE(std::is_sorted(begin, peak + 1));
        EXPECT_TRUE(std::is_sorted(peak, begin + kBins, std::greater()));
        EXPECT_GE(peak - begin, last_peak);
        last_peak = peak - begin;
    }
}

TEST(MelFilters, HaveEqualAreas) {
    // Fine bins, so that the sum approaches the area: 1 for each triangle (Slaney's normalisation).
    constexpr int kFftSize = 1 << 16;
    const std::vector<float> filters =
        mel_filters(MelScale::Slaney, 40, kFftSize, SampleRate{16000});
    const std::size_t bins = (kFftSize / 2) + 1;
    for (int mel = 0; mel < 40; ++mel) {
        const auto begin = filters.begin() + static_cast<std::ptrdiff_t>(mel * bins);
        const double area = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(bins), 0.0) *
                            16000 / kFftSize;
        EXPECT_NEAR(area, 1, 1e-3) << mel;
    }
}

TEST(MelFilters, OfHtkAreOneHighAtEvenStepsOfItsScale) {
    constexpr int kBins = 4097;
    const std::vector<float> filters = mel_filters(MelScale::Htk, 10, 8192, SampleRate{24000});
    const double step = 2595 * std::log10(1 + 12000.0 / 700) / 11;
    for (int mel = 0; mel < 10; ++mel) {
        const auto row = filters.begin() + static_cast<std::ptrdiff_t>(mel) * kBins;
        const auto top = std::max_element(row, row + kBins);
        EXPECT_NEAR(*top, 1, 0.03) << mel;
        const double hz = static_cast<double>(top - row) * 24000 / 8192;
        EXPECT_NEAR(2595 * std::log10(1 + hz / 700), (mel + 1) * step, 0.02 * step) << mel;
    }
}

}  // namespace
}  // namespace titans::audio
