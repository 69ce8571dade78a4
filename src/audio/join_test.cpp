#include "audio/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::audio {
namespace {

TEST(Join, PutsPartsOneAfterTheOther) {
    const std::vector<Audio> sentences{Audio(SampleRate{1000}, {1, 1}),
                                       Audio(SampleRate{1000}, {2}), Audio(SampleRate{1000}, {3})};
    const Audio joined = join(sentences);
    EXPECT_THAT(joined.samples(), testing::ElementsAre(1, 1, 2, 3));
    EXPECT_EQ(joined.rate().hz, 1000);
}

TEST(Join, PutsSilenceBefore) {
    const Audio later = after_silence(Audio(SampleRate{1000}, {1, 2}), Milliseconds(3));
    EXPECT_THAT(later.samples(), testing::ElementsAre(0, 0, 0, 1, 2));
    EXPECT_EQ(later.rate().hz, 1000);
}

}  // namespace
}  // namespace titans::audio
