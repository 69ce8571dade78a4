#include "models/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace titans::models {
namespace {

using std::chrono::milliseconds;

Result<ChildEnd> shell(const std::string& script, const ChildLimits& limits = {},
                       const std::stop_token& stop = {}) {
    return run_child({"sh", "-c", script}, limits, stop);
}

TEST(RunChild, ReturnsStatusAndLastLineOfStandardError) {
    const auto end = shell("echo out; echo first >&2; echo 'the reason' >&2; echo >&2; exit 3");
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(end->status, 3);
    EXPECT_EQ(end->last_line, "the reason");
}

TEST(RunChild, TakesALineWithoutItsEnd) {
    EXPECT_EQ(shell("printf 'one\\ntwo' >&2")->last_line, "two");
    EXPECT_EQ(shell("true")->last_line, "");
}

TEST(RunChild, BoundsAndCleansTheLine) {
    EXPECT_EQ(shell("printf '%02000d' 7 >&2")->last_line, std::string(500, '0'));
    EXPECT_EQ(shell("printf 'a\\033[31mb\\n' >&2")->last_line, "a [31mb");
}

TEST(RunChild, TellsWhichSignalEndedIt) { EXPECT_EQ(shell("kill -ABRT $$")->status, 128 + 6); }

TEST(RunChild, PassesWordsAsTheyAre) {
    const auto end =
        run_child({"sh", "-c", "printf '%s' \"$1\" >&2", "sh", "a b; $(exit 1) '*'"}, {}, {});
    EXPECT_EQ(end->last_line, "a b; $(exit 1) '*'");
}

TEST(RunChild, SaysThatTheProgramIsMissing) {
    const auto end = run_child({"/nowhere/program"}, {}, {});
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::NotFound);
}

TEST(RunChild, EndsAChildThatTakesTooLong) {
    const auto start = std::chrono::steady_clock::now();
    const auto end = shell("exec sleep 60", {.time = milliseconds(60)});
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::Timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(RunChild, EndsAChildThatTalksForEver) {
    const auto end = shell("exec yes >&2", {.time = milliseconds(60)});
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::Timeout);
}

TEST(RunChild, EndsAChildThatWritesTooMuch) {
    const auto output = std::filesystem::path(testing::TempDir()) / "written";
    const auto end = run_child({"sh", "-c", "exec yes > \"$1\"", "sh", output.string()},
                               {.output = output, .output_bytes = 1000}, {});
    std::filesystem::remove(output);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::TooLarge);
}

TEST(RunChild, EndsAChildWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const auto end = shell("exec sleep 60", {}, source.get_token());
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::models
