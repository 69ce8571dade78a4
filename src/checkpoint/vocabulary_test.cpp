#include "checkpoint/vocabulary.h"

#include <gmock/gmock.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;

TEST(Vocabulary, ReadsLinesAndKeepsEmptyTokens) {
    const test::Folder folder;
    folder.write("a.txt", "one\n\nthree\n");
    folder.write("b.txt", "one\ntwo");
    EXPECT_THAT(*read_vocabulary(folder / "a.txt"), ElementsAre("one", "", "three"));
    EXPECT_THAT(*read_vocabulary(folder / "b.txt"), ElementsAre("one", "two"));
}

TEST(Vocabulary, ReadsAJsonList) {
    const test::Folder folder;
    folder.write("a.json", R"(["one", "", "Ġthree"])");
    EXPECT_THAT(*read_vocabulary(folder / "a.json"), ElementsAre("one", "", "Ġthree"));
}

TEST(Vocabulary, RefusesJsonThatIsNoListOfStrings) {
    const test::Folder folder;
    for (const auto* const text : {R"({"a": "b"})", R"(["a", 1])", R"([["a"]])", R"("a")", "["}) {
        folder.write("a.json", text);
        EXPECT_EQ(read_vocabulary(folder / "a.json").error().kind, ErrorKind::InvalidInput) << text;
    }
    EXPECT_EQ(read_vocabulary(folder / "none.txt").error().kind, ErrorKind::NotFound);
}

}  // namespace
}  // namespace titans::checkpoint
