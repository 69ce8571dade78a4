#include "hearing/vad/energy_detector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace titans::hearing::vad {
namespace {

/// Steps of a tone of this root mean square. Returns the last probability.
float hear(EnergyDetector& detector, float level_db, int steps) {
    const float amplitude = std::numbers::sqrt2_v<float> * std::pow(10.0F, level_db / 20);
    std::array<float, kStep> samples;
    for (std::size_t i = 0; i < kStep; ++i) {
        samples[i] =
            amplitude * std::sin(2 * std::numbers::pi_v<float> * static_cast<float>(i) / 32);
    }
    float probability = 0;
    for (int i = 0; i < steps; ++i) probability = detector.step(samples);
    return probability;
}

TEST(EnergyDetector, HearsWhatIsLouderThanTheNoise) {
    EnergyDetector detector;
    EXPECT_LT(hear(detector, -50, 100), 0.35F);
    EXPECT_GT(hear(detector, -25, 30), 0.7F);
    EXPECT_LT(hear(detector, -50, 1), 0.35F);
}

TEST(EnergyDetector, HearsSpeechThatBeginsWithTheRecording) {
    EnergyDetector detector;
    EXPECT_GT(hear(detector, -25, 1), 0.9F);
}

TEST(EnergyDetector, LearnsASteadyNoise) {
    EnergyDetector detector;
    EXPECT_GT(hear(detector, -35, 1), 0.5F);
    EXPECT_LT(hear(detector, -35, 300), 0.35F) << "after ten seconds";
    EXPECT_GT(hear(detector, -20, 1), 0.5F);
    detector.reset();
    EXPECT_GT(hear(detector, -35, 1), 0.5F);
}

TEST(EnergyDetector, DoesNotHearTheFaintest) {
    EnergyDetector detector;
    EXPECT_LT(hear(detector, -200, 100), 0.01F);
    EXPECT_LT(hear(detector, -48, 1), 0.5F);
}

}  // namespace
}  // namespace titans::hearing::vad
