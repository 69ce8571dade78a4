#include "audio/resample.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audio/encode_for_test.h"

namespace titans::audio {
namespace {

/// Without the filter's run in and out.
std::span<const float> middle(const Audio& audio) {
    const std::size_t edge = audio.samples().size() / 8;
    return audio.samples().subspan(edge, audio.samples().size() - 2 * edge);
}

TEST(Resample, KeepsASineAndAddsNothing) {
    for (const int to : {16'000, 22'050, 24'000, 44'100, 48'000}) {
        for (const int from : {8'000, 16'000, 22'050, 44'100, 48'000, 96'000}) {
            const Audio sine = make_sine(SampleRate{from}, 1, 1000);
            const Audio result = resample(sine, SampleRate{to});
            EXPECT_EQ(result.rate().hz, to);
            EXPECT_NEAR(amplitude_at(middle(result), SampleRate{to}, 1000), 0.5, 1e-4)
                << from << " to " << to;
            EXPECT_LT(residual_db(middle(result), SampleRate{to}, 1000), -90)
                << from << " to " << to;
        }
    }
}

struct Rates {
    int from;
    int to;
};

void PrintTo(const Rates& rates, std::ostream* out) { *out << rates.from << " to " << rates.to; }

class ResampleSweep : public testing::TestWithParam<Rates> {
protected:
    static constexpr int kSteps = 40;
    static Audio tone(double hz) { return make_sine(SampleRate{GetParam().from}, 0.5, hz); }
    static double level_db(const Audio& result, const Audio& source) {
        return 20 * std::log10(rms(middle(result)) / rms(middle(source)));
    }
    static double lower_nyquist() { return std::min(GetParam().from, GetParam().to) / 2.0; }
};

INSTANTIATE_TEST_SUITE_P(All, ResampleSweep,
                         testing::Values(Rates{8'000, 16'000}, Rates{11'025, 16'000},
                                         Rates{22'050, 16'000}, Rates{24'000, 16'000},
                                         Rates{32'000, 16'000}, Rates{44'100, 16'000},
                                         Rates{48'000, 16'000}, Rates{96'000, 16'000},
                                         Rates{192'000, 16'000}, Rates{44'100, 24'000},
                                         Rates{16'000, 24'000}, Rates{22'050, 48'000}));

TEST_P(ResampleSweep, KeepsThePassBandFlatAndAddsNothing) {
    const SampleRate to{GetParam().to};
    for (int step = 1; step <= kSteps; ++step) {
        const double hz = lower_nyquist() * 0.9 * step / kSteps;
        const Audio source = tone(hz);
        const Audio result = resample(source, to);
        EXPECT_NEAR(level_db(result, source), 0, 0.01) << hz;
        // Whatever is not the tone: images, aliases, noise.
        EXPECT_LT(residual_db(middle(result), to, hz), -90) << hz;
    }
}

TEST_P(ResampleSweep, StopsWhatWouldAlias) {
    const double top = GetParam().from / 2.0;
    for (int step = 0; step < kSteps; ++step) {
        const double hz = lower_nyquist() + (top - lower_nyquist()) * step / kSteps;
        if (hz >= top) break;  // to a higher rate: there is no such tone
        const Audio source = tone(hz);
        EXPECT_LT(level_db(resample(source, SampleRate{GetParam().to}), source), -90) << hz;
    }
}

TEST(Resample, KeepsTheDurationToTheSample) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{44'101}}) {
        const Audio audio(SampleRate{44'100}, std::vector<float>(size, 0.25F));
        const auto due =
            static_cast<std::size_t>(std::lround(static_cast<double>(size) * 16'000 / 44'100));
        const Audio result = resample(audio, SampleRate{16'000});
        EXPECT_EQ(result.samples().size(), due) << size;
    }
}

TEST(Resample, DelaysNothing) {
    std::vector<float> samples(48'000);
    samples[24'000] = 1;
    const Audio result = resample(Audio(SampleRate{48'000}, samples), SampleRate{16'000});
    const auto peak = std::ranges::max_element(result.samples());
    EXPECT_EQ(peak - result.samples().begin(), 8'000);
}

}  // namespace
}  // namespace titans::audio
