#include "knowledge/style.h"

#include <gtest/gtest.h>

namespace titans::knowledge {
namespace {

std::string error(std::string_view bytes) {
    const auto style = read_style(bytes);
    if (style) return "";
    EXPECT_EQ(style.error().kind, ErrorKind::InvalidInput);
    return style.error().message;
}

TEST(Style, ReadsQuestionsAndResponses) {
    const auto style = read_style(
        "\xEF\xBB\xBF"
        R"([{"question": " Hi? ", "response": "Hello!\nYou."}, {"response": "好", "question": "吗", "note": 1}])");
    ASSERT_TRUE(style);
    ASSERT_EQ(style->size(), 2U);
    EXPECT_EQ((*style)[0].question, "Hi?");
    EXPECT_EQ((*style)[0].response, "Hello!\nYou.");
    EXPECT_EQ((*style)[1].response, "好");
    EXPECT_TRUE(read_style("[]")->empty());
}

TEST(Style, NamesTheEntryAndFieldThatIsWrong) {
    EXPECT_EQ(error(""), "style_tuning_file: is not valid JSON");
    EXPECT_EQ(error("[{"), "style_tuning_file: is not valid JSON");
    EXPECT_EQ(error("caf\xE9"), "style_tuning_file: must be JSON in UTF-8");
    EXPECT_EQ(error("{}"),
              R"(style_tuning_file: must be a list of {"question": ..., "response": ...})");
    EXPECT_EQ(error("[1]"), R"(style_tuning_file[0]: must be {"question": ..., "response": ...})");
    const std::string good = R"({"question": "q", "response": "r"},)";
    EXPECT_EQ(error("[" + good + R"({"question": "q"}])"),
              "style_tuning_file[1].response: is missing");
    EXPECT_EQ(error("[" + good + good + R"({"question": 5, "response": "r"}])"),
              "style_tuning_file[2].question: must be a text");
    EXPECT_EQ(error(R"([{"question": "q", "response": " \n "}])"),
              "style_tuning_file[0].response: is empty");
    EXPECT_EQ(error(R"([{"question": "q", "response": ")" + std::string(8001, 'x') + "\"}]"),
              "style_tuning_file[0].response: has more than 8000 bytes");
}

TEST(Style, BoundsHostileFiles) {
    EXPECT_EQ(error(std::string(100000, '[')), "style_tuning_file: is nested too deeply");
    EXPECT_EQ(error(std::string((4U << 20) + 1, ' ')), "style_tuning_file: has more than 4 MiB");
    std::string many = "[";
    for (int i = 0; i < 1000; ++i) many += R"({"question": "q", "response": "r"},)";
    EXPECT_EQ(error(many + R"({"question": "q", "response": "r"}])"),
              "style_tuning_file: has more than 1000 examples");
}

}  // namespace
}  // namespace titans::knowledge
