#include "text/pinyin.h"

#include <gmock/gmock.h>

#include <fstream>

#include "foundation/temporary_folder_for_test.h"

namespace titans::text {
namespace {

using testing::ElementsAre;

class PinyinTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        auto opened = Pinyin::open({});
        ASSERT_TRUE(opened) << opened.error().detail;
        pinyin_ = new Pinyin(*std::move(opened));
    }
    static void TearDownTestSuite() {
        delete pinyin_;
        pinyin_ = nullptr;
    }
    static std::vector<std::string> read(std::string_view word) { return pinyin_->read(word); }

private:
    inline static Pinyin* pinyin_ = nullptr;
};

TEST_F(PinyinTest, ReadsACharacterAsItsWordDoes) {
    EXPECT_THAT(read("银行"), ElementsAre("yin2", "hang2"));
    EXPECT_THAT(read("行人"), ElementsAre("xing2", "ren2"));
    EXPECT_THAT(read("音乐"), ElementsAre("yin1", "yue4"));
    EXPECT_THAT(read("快乐"), ElementsAre("kuai4", "le4"));
    EXPECT_THAT(read("长大"), ElementsAre("zhang3", "da4"));
    EXPECT_THAT(read("长度"), ElementsAre("chang2", "du4"));
}

TEST_F(PinyinTest, WritesTheNeutralToneWithoutANumber) {
    EXPECT_THAT(read("觉得"), ElementsAre("jue2", "de"));
}

TEST_F(PinyinTest, WritesVForTheRoundedVowel) {
    EXPECT_THAT(read("旅"), ElementsAre("lv3"));
    EXPECT_THAT(read("侵略"), ElementsAre("qin1", "lve4"));
}

TEST_F(PinyinTest, RaisesThirdTonesBeforeOthers) {
    EXPECT_THAT(read("你好"), ElementsAre("ni2", "hao3"));
    EXPECT_THAT(read("小宝宝"), ElementsAre("xiao2", "bao2", "bao3"));
    EXPECT_THAT(read("老师"), ElementsAre("lao3", "shi1"));
}

TEST_F(PinyinTest, ChangesNotAndOneByWhatFollows) {
    EXPECT_THAT(read("不是"), ElementsAre("bu2", "shi4"));
    EXPECT_THAT(read("不来"), ElementsAre("bu4", "lai2"));
    EXPECT_THAT(read("一定"), ElementsAre("yi2", "ding4"));
    EXPECT_THAT(read("一起"), ElementsAre("yi4", "qi3"));
    EXPECT_THAT(read("统一"), ElementsAre("tong3", "yi1"));
}

TEST_F(PinyinTest, LeavesWhatHasNoReadingAsItIs) {
    EXPECT_THAT(read("，"), ElementsAre("，"));
    EXPECT_THAT(read("abか银"), ElementsAre("abか", "yin2"));
    EXPECT_THAT(read(""), ElementsAre());
}

TEST(Pinyin, RefusesFilesThatAreNotWhatTheyShouldBe) {
    const TemporaryFolder folder;
    const auto write = [&](const char* name, std::string_view text) {
        std::ofstream(folder.path() / name) << text;
        return folder.path() / name;
    };
    EXPECT_FALSE(Pinyin::open({.phrases = "/nowhere/phrases"}));
    EXPECT_FALSE(Pinyin::open({.characters = "/nowhere/characters"}));
    EXPECT_FALSE(Pinyin::open({.characters = write("empty", "{}")}));
    EXPECT_FALSE(Pinyin::open({.characters = write("cut", R"({"19968": "y)")}));
    EXPECT_FALSE(Pinyin::open({.characters = write("numbers", R"({"19968": 1})")}));
    EXPECT_FALSE(Pinyin::open({.phrases = write("deep", R"({"一": [[["yī"]]]})")}));
    EXPECT_FALSE(Pinyin::open({.phrases = write("flat", R"({"一": {"yī": []}})")}));
    const auto refused = Pinyin::open({.phrases = write("length", R"({"一一": [["yī"]]})")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Unsupported);
    EXPECT_FALSE(refused.error().message.contains("length"));
}

}  // namespace
}  // namespace titans::text
