#include "hearing/whisper/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::hearing::whisper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kStart = 100;

TEST(WhisperContext, IsNothingAtFirst) {
    EXPECT_THAT(Context({}, 6).tokens(kStart), IsEmpty());
    EXPECT_THAT(Context({1, 2}, 6).tokens(kStart), ElementsAre(kStart, 1, 2));
}

TEST(WhisperContext, IsTheEndOfWhatWasWritten) {
    Context context({}, 6);
    context.add(std::vector{1, 2}, 0);
    EXPECT_THAT(context.tokens(kStart), ElementsAre(kStart, 1, 2));
    context.add(std::vector{3, 4, 5, 6}, 0.4);
    EXPECT_THAT(context.tokens(kStart), ElementsAre(kStart, 2, 3, 4, 5, 6));
}

TEST(WhisperContext, KeepsTheExpectedWords) {
    Context context({1, 2}, 6);
    context.add(std::vector{3, 4, 5, 6}, 0);
    EXPECT_THAT(context.tokens(kStart), ElementsAre(kStart, 1, 2, 4, 5, 6));
    Context full({1, 2, 3, 4, 5, 6, 7}, 6);
    full.add(std::vector{8}, 0);
    EXPECT_THAT(full.tokens(kStart), ElementsAre(kStart, 3, 4, 5, 6, 7));
}

TEST(WhisperContext, BeginsAnewBehindATextOfAHighTemperature) {
    Context context({1}, 6);
    context.add(std::vector{2}, 0);
    context.add(std::vector{3}, 0.6);
    EXPECT_THAT(context.tokens(kStart), ElementsAre(kStart, 1));
    context.add(std::vector{4}, 0);
    EXPECT_THAT(context.tokens(kStart), ElementsAre(kStart, 1, 4));
}

}  // namespace
}  // namespace titans::hearing::whisper
