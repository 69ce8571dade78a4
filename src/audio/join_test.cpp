#include "audio/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::audio {
namespace {

TEST(Join, PutsAPauseBetweenSentencesAndNoneAround) {
    const std::vector<Audio> sentences{Audio(SampleRate{1000}, {1, 1}),
                                       Audio(SampleRate{1000}, {2}), Audio(SampleRate{1000}, {3})};
    const Audio joined = join(sentences, Milliseconds(2));
    EXPECT_THAT(joined.samples(), testing::ElementsAre(1, 1, 0, 0, 2, 0, 0, 3));
    EXPECT_EQ(joined.rate().hz, 1000);
}

TEST(Join, LeavesOneSentenceAsItIs) {
    const std::vector<Audio> sentences{Audio(SampleRate{1000}, {1, 2})};
    const Audio joined = join(sentences, Milliseconds(100));
    EXPECT_THAT(joined.samples(), testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace titans::audio
