#include "hearing/ctc/ctc_windows.h"

#include <gtest/gtest.h>

namespace titans::hearing::ctc {
namespace {

TEST(CtcWindows, AreOneForAShortRecording) {
    EXPECT_TRUE(plan_windows(0, 100, 10).empty());
    for (const std::int64_t frames : {1, 99, 100}) {
        const auto windows = plan_windows(frames, 100, 10);
        ASSERT_EQ(windows.size(), 1U);
        EXPECT_EQ(windows[0].count, frames);
        EXPECT_EQ(windows[0].keep_first, 0);
        EXPECT_EQ(windows[0].keep_end, frames);
    }
}

TEST(CtcWindows, KeepEveryFrameOnceWithContextAroundIt) {
    for (const std::int64_t context : {0, 1, 10, 49}) {
        for (std::int64_t frames = 101; frames < 700; frames += 7) {
            const auto windows = plan_windows(frames, 100, context);
            std::int64_t kept = 0;
            for (const Window& window : windows) {
                EXPECT_LE(window.count, 100);
                EXPECT_EQ(window.count, windows[0].count) << "one graph for all";
                EXPECT_GE(window.first, 0);
                EXPECT_LE(window.first + window.count, frames);
                EXPECT_EQ(window.keep_first, kept);
                EXPECT_GT(window.keep_end, window.keep_first);
                EXPECT_TRUE(window.first == 0 || window.keep_first - window.first >= context);
                EXPECT_TRUE(window.first + window.count == frames ||
                            window.first + window.count - window.keep_end >= context);
                kept = window.keep_end;
            }
            EXPECT_EQ(kept, frames);
            EXPECT_LE(std::ssize(windows), (frames - 2 * context - 1) / (100 - 2 * context) + 1);
        }
    }
}

}  // namespace
}  // namespace titans::hearing::ctc
