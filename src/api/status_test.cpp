#include "api/status.h"

#include <gtest/gtest.h>

namespace titans::api {
namespace {

TEST(Status, GivesEachKindOfErrorItsNumber) {
    EXPECT_EQ(status_of(ErrorKind::InvalidInput), 400);
    EXPECT_EQ(status_of(ErrorKind::NothingHeard), 422);
    EXPECT_EQ(status_of(ErrorKind::Conflict), 409);
    EXPECT_EQ(status_of(ErrorKind::Busy), 503);
}

TEST(Status, NeverSendsTheDetail) {
    const auto response = error_response({ErrorKind::Internal, "internal error", "/secret/path"});
    EXPECT_EQ(response->body(), R"({"error":"internal error","status":"error"})");
}

TEST(Status, TellsABusyClientWhenToComeBack) {
    EXPECT_EQ(error_response({ErrorKind::Busy, "busy"})->getHeader("retry-after"), "2");
}

TEST(Status, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(json_response({{"a", "x\xff"}})->body(), "{\"a\":\"x\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace titans::api
