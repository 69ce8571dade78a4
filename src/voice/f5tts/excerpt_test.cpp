#include "voice/f5tts/excerpt.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "voice/f5tts/clip.h"
#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

/// A recording of stretches of noise: seconds and level of each.
struct Stretch {
    double seconds;
    float level;
};

audio::Audio recording(std::initializer_list<Stretch> stretches) {
    std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same in every run
    std::uniform_real_distribution<float> noise(-1, 1);
    std::vector<float> samples;
    for (const Stretch& stretch : stretches) {
        const auto count = static_cast<std::size_t>(std::lrint(stretch.seconds * kRate.hz));
        for (std::size_t i = 0; i < count; ++i) samples.push_back(stretch.level * noise(random));
    }
    return {kRate, std::move(samples)};
}

double seconds(const Excerpt& excerpt) { return excerpt.audio.duration().count(); }

TEST(Excerpt, OfAShortRecordingIsAllOfItWithoutSilenceAtItsEnds) {
    const audio::Audio audio = recording({{0.5, 0}, {3, 0.3F}, {0.7, 0}});
    for (const Excerpt& excerpt : {reference_excerpt(audio), best_excerpt(audio)}) {
        EXPECT_FALSE(excerpt.is_part);
        EXPECT_EQ(excerpt.note, "");
        EXPECT_NEAR(seconds(excerpt), 3 + 1198.0 / 24'000, 0.011);
    }
}

TEST(Excerpt, OfTheReferenceEndsAtALongSilenceBeforeTwelveSeconds) {
    const Excerpt excerpt =
        reference_excerpt(recording({{4, 0.3F}, {1.5, 0}, {4, 0.3F}, {1.5, 0}, {6, 0.3F}}));
    EXPECT_TRUE(excerpt.is_part);
    EXPECT_NEAR(seconds(excerpt), 9.5 + 0.05, 0.02);
}

TEST(Excerpt, OfTheReferenceEndsAtAShortSilenceIfThereIsNoLongOne) {
    const Excerpt excerpt =
        reference_excerpt(recording({{7, 0.3F}, {0.3, 0}, {3, 0.3F}, {0.3, 0}, {9, 0.3F}}));
    EXPECT_TRUE(excerpt.is_part);
    EXPECT_NEAR(seconds(excerpt), 10.3 + 0.05, 0.02);
}

TEST(Excerpt, OfTheReferenceIsTwelveSecondsOfARecordingWithoutSilence) {
    const Excerpt excerpt = reference_excerpt(recording({{20, 0.3F}}));
    EXPECT_TRUE(excerpt.is_part);
    EXPECT_NEAR(seconds(excerpt), 12.05, 0.001);
}

TEST(Excerpt, IsThePartThatIsSpokenMostEvenly) {
    // Seconds 10.4 to 16.9 are the longest without noise and long pauses.
    const Excerpt excerpt = best_excerpt(recording({{3, 0.3F},
                                                    {0.8, 0.05F},
                                                    {2, 0.3F},
                                                    {0.8, 0.05F},
                                                    {3, 0.3F},
                                                    {0.8, 0.0005F},
                                                    {6.5, 0.3F},
                                                    {0.8, 0.0005F},
                                                    {3, 0.3F},
                                                    {0.8, 0.05F}}));
    EXPECT_TRUE(excerpt.is_part);
    EXPECT_NEAR(seconds(excerpt), 6.5, 0.4) << excerpt.note;
    EXPECT_TRUE(excerpt.note.starts_with("seconds 10.")) << excerpt.note;
}

TEST(Excerpt, IsTheReferencesWhereNobodyPauses) {
    EXPECT_NEAR(seconds(best_excerpt(recording({{30, 0.3F}}))), 12.05, 0.001);
}

TEST(Excerpt, OfSilenceIsNothing) {
    EXPECT_LT(seconds(reference_excerpt(recording({{2, 0}}))), 0.06);
    EXPECT_LT(seconds(best_excerpt(recording({{20, 0}}))), 12.06);
}

TEST(Clip, RoundsItsLengthAndIsSilentBeyondItsEnd) {
    const Clip clip(kRate, std::vector<std::int16_t>(24 * 10 + 12 + 1, 1000));  // 10.54 ms
    EXPECT_EQ(clip.milliseconds(), 11);
    const Clip cut = clip.cut(5, 100);
    ASSERT_EQ(cut.samples().size(), 24 * 6);
    EXPECT_EQ(cut.samples()[24 * 5 + 12], 1000);
    EXPECT_EQ(cut.samples()[24 * 5 + 13], 0);
    EXPECT_EQ(clip.rms(0, 5), 1000);
}

}  // namespace
}  // namespace titans::voice::f5tts
