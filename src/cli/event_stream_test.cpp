#include "cli/event_stream.h"

#include <gmock/gmock.h>

namespace titans::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

/// The events of `body`, given in pieces of `size` bytes.
std::vector<std::pair<std::string, std::string>> events(std::string_view body, std::size_t size) {
    std::vector<std::pair<std::string, std::string>> seen;
    EventStream stream([&](std::string_view name, std::string_view data) -> Result<void> {
        seen.emplace_back(name, data);
        return {};
    });
    for (std::size_t i = 0; i < body.size(); i += size) {
        EXPECT_TRUE(stream.add(body.substr(i, size)));
    }
    return seen;
}

TEST(EventStream, CutsEventsWhereverThePiecesEnd) {
    constexpr std::string_view body =
        "event: text\ndata: {\"text\":\"Hello\"}\n\nevent:done\r\ndata:{}\r\n\r\n";
    for (std::size_t size = 1; size <= body.size(); ++size) {
        EXPECT_THAT(events(body, size),
                    ElementsAre(Pair("text", "{\"text\":\"Hello\"}"), Pair("done", "{}")))
            << size;
    }
}

TEST(EventStream, JoinsTheLinesOfOneEvent) {
    EXPECT_THAT(events("data: one\ndata:  two\ndata\n\n", 5),
                ElementsAre(Pair("message", "one\n two\n")));
}

TEST(EventStream, LeavesOutCommentsAndEventsWithoutData) {
    EXPECT_THAT(events(": still here\n\nevent: empty\n\n\n\nid: 4\n\n", 3), IsEmpty());
}

TEST(EventStream, AnEventWithoutItsEndIsNotOne) { EXPECT_THAT(events("data: half", 4), IsEmpty()); }

TEST(EventStream, EndsWithTheSinksError) {
    EventStream stream([](std::string_view, std::string_view) -> Result<void> {
        return fail(ErrorKind::Upstream, "enough");
    });
    const auto added = stream.add("data: 1\n\ndata: 2\n\n");
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().message, "enough");
}

}  // namespace
}  // namespace titans::cli
