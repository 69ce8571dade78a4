#include "net/event_stream.h"

#include <gtest/gtest.h>

#include <vector>

namespace titans::net {
namespace {

using Events = std::vector<std::string>;

/// The events of `bytes` that come in pieces of `size`.
Events read(std::string_view bytes, std::size_t size) {
    Events events;
    EventStream stream(1000, [&](std::string_view data) -> Result<void> {
        events.emplace_back(data);
        return {};
    });
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
        EXPECT_TRUE(stream.add(bytes.substr(0, size)));
    EXPECT_TRUE(stream.finish());
    return events;
}

TEST(EventStream, ReadsEventsWhereverTheyAreCut) {
    for (const std::string_view end : {"\n", "\r\n", "\r"}) {
        std::string bytes = "\xEF\xBB\xBF";
        for (const std::string_view line : {"data: one",
                                            "",
                                            ": a comment",
                                            "",
                                            "event: named",
                                            "id: 7",
                                            "data:two",
                                            "data:  three",
                                            "",
                                            "",
                                            "retry: 5",
                                            "",
                                            "data",
                                            "data",
                                            "",
                                            "datum: no",
                                            "",
                                            "data: gr\xC3\xBC\xC3\x9F",
                                            "",
                                            "data: the last"}) {
            bytes += line;
            bytes += end;
        }
        for (std::size_t size = 1; size <= bytes.size(); ++size)
            ASSERT_EQ(read(bytes, size),
                      (Events{"one", "two\n three", "\n", "gr\xC3\xBC\xC3\x9F", "the last"}))
                << size;
    }
}

TEST(EventStream, CountsAnEventWithoutAnyLineEnd) {
    EXPECT_EQ(read("data: [DONE]", 100), Events{"[DONE]"});
    EXPECT_EQ(read("", 1), Events{});
}

TEST(EventStream, BoundsAnEvent) {
    const auto ignore = [](std::string_view) -> Result<void> { return {}; };
    EventStream line(100, ignore);
    EXPECT_TRUE(line.add(std::string(100, 'x')));
    const auto too_large = line.add("x");
    ASSERT_FALSE(too_large);
    EXPECT_EQ(too_large.error().kind, ErrorKind::TooLarge);

    EventStream lines(100, ignore);
    Result<void> added;
    for (int i = 0; i < 30 && added; ++i) added = lines.add("data: 1234\n");
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().kind, ErrorKind::TooLarge);

    EventStream many(100, ignore);
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(many.add("data: 1234\n\n"));
}

TEST(EventStream, PassesTheErrorOfTheSinkOn) {
    int calls = 0;
    EventStream stream(100, [&](std::string_view) -> Result<void> {
        ++calls;
        return fail(ErrorKind::Conflict, "enough");
    });
    const auto added = stream.add("data: 1\n\ndata: 2\n\n");
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().message, "enough");
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace titans::net
