#include "hearing/whisper/vocabulary.h"

#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "foundation/temporary_folder_for_test.h"
#include "hearing/whisper/tiny_model_for_test.h"

namespace titans::hearing::whisper {
namespace {

Result<Vocabulary> read(const TinyModel& model = {}, int more = 0) {
    const TemporaryFolder folder;
    write_tiny_model(folder / "tiny.gguf", model);
    return Vocabulary::read(*engine::GgufFile::open(folder / "tiny.gguf"),
                            static_cast<int>(tiny_vocabulary().size()) + more);
}

Result<Vocabulary> with_tokens(const std::function<void(std::vector<std::string>&)>& change) {
    std::vector<std::string> tokens = tiny_vocabulary();
    change(tokens);
    return read({.change = [&](gguf_context* file) {
        std::vector<const char*> pointers;
        for (const std::string& token : tokens) pointers.push_back(token.c_str());
        gguf_set_arr_str(file, "tokenizer.tokens", pointers.data(), pointers.size());
    }});
}

TEST(WhisperVocabulary, KnowsTheTokensThatSteer) {
    const auto vocabulary = read();
    ASSERT_TRUE(vocabulary) << vocabulary.error().message;
    EXPECT_EQ(vocabulary->end(), 263);
    EXPECT_EQ(vocabulary->start(), 264);
    EXPECT_EQ(vocabulary->transcribe(), 268);
    EXPECT_EQ(vocabulary->start_of_previous(), 270);
    EXPECT_EQ(vocabulary->no_speech(), 271);
    EXPECT_EQ(vocabulary->no_timestamps(), 272);
    EXPECT_TRUE(vocabulary->is_multilingual());
    EXPECT_THAT(vocabulary->languages(),
                testing::ElementsAre(testing::Pair("ar", 266), testing::Pair("en", 265)));
}

TEST(WhisperVocabulary, WritesTextAndNothingForTheOthers) {
    const auto vocabulary = read();
    ASSERT_TRUE(vocabulary);
    const std::vector<int> tokens{264, 258, 32, 257, 263, 273};
    EXPECT_EQ(vocabulary->text(tokens), " theAhe");
    EXPECT_EQ(vocabulary->encode(" theA"), (std::vector<int>{258, 32}));
}

TEST(WhisperVocabulary, SuppressesCaptionsAndWhatSteers) {
    const auto vocabulary = read();
    ASSERT_TRUE(vocabulary);
    EXPECT_THAT(vocabulary->suppressed(),
                testing::IsSupersetOf({'(' - '!', 261, 264, 265, 271, 273}));
    for (const char allowed : {'-', '\'', '.', '!'})
        EXPECT_THAT(vocabulary->suppressed(), testing::Not(testing::Contains(allowed - '!')));
    EXPECT_THAT(vocabulary->suppressed(), testing::Not(testing::Contains(263)));
    EXPECT_THAT(vocabulary->suppressed_first(), testing::UnorderedElementsAre(220, 263));
    const auto told = read({.change = [](gguf_context* file) {
        const std::int32_t id = 7;
        gguf_set_arr_data(file, "whisper.suppress_tokens", GGUF_TYPE_INT32, &id, 1);
        gguf_set_arr_data(file, "whisper.begin_suppress_tokens", GGUF_TYPE_INT32, &id, 1);
    }});
    ASSERT_TRUE(told);
    EXPECT_THAT(told->suppressed(), testing::Contains(7));
    EXPECT_THAT(told->suppressed(), testing::Not(testing::Contains(261)));
    EXPECT_THAT(told->suppressed_first(), testing::ElementsAre(7));
}

TEST(WhisperVocabulary, IsRefusedIfItIsNoneOfWhispers) {
    EXPECT_FALSE(read({}, 1));
    EXPECT_FALSE(with_tokens([](auto& tokens) { tokens[268] = "<|other|>"; }));
    EXPECT_FALSE(with_tokens([](auto& tokens) { std::swap(tokens[263], tokens[264]); }));
    EXPECT_FALSE(with_tokens([](auto& tokens) { tokens[3] = "日"; }));
    EXPECT_FALSE(read({.change = [](gguf_context* file) {
        const std::int32_t id = 100'000;
        gguf_set_arr_data(file, "whisper.suppress_tokens", GGUF_TYPE_INT32, &id, 1);
    }}));
    EXPECT_TRUE(with_tokens([](auto& tokens) { tokens[271] = "<|nocaptions|>"; }));
}

}  // namespace
}  // namespace titans::hearing::whisper
