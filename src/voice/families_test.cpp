#include "voice/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::voice {
namespace {

TEST(VoiceFamilies, AreTheSpecifiedOnesAndTheBuiltInOne) {
    std::vector<std::string_view> names;
    for (const VoiceFamily& family : families()) names.push_back(family.name);
    EXPECT_THAT(names, testing::ElementsAre("f5tts", "xtts", "zonos", "espeak-ng"));
}

TEST(VoiceFamilies, ThatAreNotBuiltSaySo) {
    for (const char* name : {"xtts", "zonos"}) {
        const VoiceFamily* family = find_family(name);
        ASSERT_NE(family, nullptr);
        EXPECT_NE(family->missing({}), "");
        EXPECT_FALSE(family->dependencies.empty());
        const auto loaded = family->load({}, {});
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    }
}

TEST(VoiceFamilies, EspeakNeedsItsLibrary) {
    const VoiceFamily* family = find_family("espeak-ng");
    ASSERT_NE(family, nullptr);
    EXPECT_FALSE(family->clones);
    EXPECT_NE(family->missing({}), "");
    EXPECT_FALSE(family->load({}, {}));
}

TEST(VoiceFamilies, KnowNoOtherName) { EXPECT_EQ(find_family("F5TTS"), nullptr); }

}  // namespace
}  // namespace titans::voice
