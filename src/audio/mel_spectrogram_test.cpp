#include "audio/mel_spectrogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "audio/mel_filters.h"

namespace titans::audio {
namespace {

TEST(MelSpectrogram, WeighsTheWindowedSpectrum) {
    const MelOptions options{.fft_size = 60, .hop = 20, .mels = 7};
    std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same in every run
    std::normal_distribution<float> level;
    std::vector<float> samples(170);
    for (float& sample : samples) sample = level(random);
    const auto mel = MelSpectrogram::make(options);
    ASSERT_TRUE(mel);
    const std::vector<float> got = mel->bands(samples, 14);
    ASSERT_EQ(got.size(), 14 * 7);
    const std::vector<float> filters = mel_filters(MelScale::Slaney, 7, 60, options.rate);
    for (int frame = 0; frame < 14; ++frame) {
        std::vector<double> wanted(7);
        for (int bin = 0; bin <= 30; ++bin) {
            std::complex<double> sum;
            for (int i = 0; i < 60; ++i) {
                const int at = std::abs(frame * 20 - 30 + i);
                if (at >= 170) continue;
                const double hann = std::pow(std::sin(std::numbers::pi * i / 60), 2);
                sum += std::polar(hann * double{samples[static_cast<std::size_t>(at)]},
                                  -2 * std::numbers::pi * bin * i / 60);
            }
            for (std::size_t band = 0; band < 7; ++band)
                wanted[band] += std::norm(sum) * filters[band * 31 + static_cast<std::size_t>(bin)];
        }
        for (std::size_t band = 0; band < 7; ++band) {
            EXPECT_NEAR(got[static_cast<std::size_t>(frame) * 7 + band], wanted[band],
                        1e-5 + 1e-4 * wanted[band])
                << frame << ' ' << band;
        }
    }
}

}  // namespace
}  // namespace titans::audio
