#include "models/local_voices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <vector>

#include "foundation/temporary_folder_for_test.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A converter that joins the two files, and counts.
constexpr const char* kConverter = R"(#!/bin/sh
[ "$1" = convert ] || exit 9
echo called >> "$(dirname "$0")/calls"
{ echo "$2"; cat "$3"/model_local.*; cat "$3/vocab.txt"; } > "$4"
)";

class LocalVoicesTest : public testing::Test {
protected:
    LocalVoicesTest() {
        write(folder_ / "models/mine/model.pt", "weights");
        write(folder_ / "models/mine/words.txt", "words");
        write_converter(kConverter);
    }

    void write_converter(std::string_view text) const {
        write(folder_ / "titans", text);
        fs::permissions(folder_ / "titans", fs::perms::owner_all);
    }
    static void write(const fs::path& file, std::string_view text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::trunc | std::ios::binary) << text;
    }
    static std::string read(const fs::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    auto calls() const { return std::ranges::count(read(folder_ / "calls"), '\n'); }

    Result<fs::path> get(std::string_view kind = "f5tts",
                         std::string_view model = "mine/model.pt") const {
        const LocalVoices voices(folder_ / "models", folder_ / "titans");
        return voices.get(folder_ / "models" / model, folder_ / "models/mine/words.txt", kind, {});
    }

    /// How many of the converted files' folder end so.
    std::ptrdiff_t count(std::string_view extension) const {
        return std::ranges::count_if(
            fs::directory_iterator(folder_ / "models/.converted"),
            [&](const auto& entry) { return entry.path().extension() == extension; });
    }

    const TemporaryFolder temporary_;
    const fs::path folder_ = temporary_.path();
};

TEST_F(LocalVoicesTest, ConvertsOnceAndKnowsTheFilesAgain) {
    const auto first = get();
    ASSERT_TRUE(first) << first.error().message << ' ' << first.error().detail;
    EXPECT_EQ(read(*first), "f5tts\nweightswords");
    EXPECT_EQ(first->parent_path(), folder_ / "models/.converted");
    EXPECT_EQ(get(), *first);
    EXPECT_EQ(calls(), 1);
    EXPECT_EQ(count(".gguf") + count(".json"), 2);
    EXPECT_EQ(count(".staging") + count(".lock") + count(".part"), 0);
    // Known by size and time alone: not even a file that cannot be read is in the way.
    fs::permissions(folder_ / "models/mine/model.pt", fs::perms::none);
    EXPECT_EQ(get(), *first);
}

TEST_F(LocalVoicesTest, ConvertsTheOtherKindAnew) {
    const auto v1 = get();
    const auto base = get("f5tts-base");
    ASSERT_TRUE(v1 && base);
    EXPECT_NE(*v1, *base);
    EXPECT_EQ(read(*base), "f5tts-base\nweightswords");
    EXPECT_EQ(get(), *v1);
    EXPECT_EQ(calls(), 2);
}

TEST_F(LocalVoicesTest, ConvertsWhatHasChangedAndForgetsWhatItWas) {
    const auto before = get();
    ASSERT_TRUE(before);
    write(folder_ / "models/mine/words.txt", "other words");
    const auto after = get();
    ASSERT_TRUE(after);
    EXPECT_NE(*before, *after);
    EXPECT_EQ(read(*after), "f5tts\nweightsother words");
    EXPECT_FALSE(fs::exists(*before));
    EXPECT_EQ(count(".gguf"), 1);
}

TEST_F(LocalVoicesTest, SharesAFileAmongEqualSources) {
    write(folder_ / "models/copy/model.pt", "weights");
    const auto first = get();
    EXPECT_EQ(get("f5tts", "copy/model.pt"), *first);
    EXPECT_EQ(calls(), 1);
    // The one that changes leaves the other its file.
    write(folder_ / "models/copy/model.pt", "others!");
    ASSERT_TRUE(get("f5tts", "copy/model.pt"));
    EXPECT_EQ(get(), *first);
    EXPECT_EQ(calls(), 2);
}

TEST_F(LocalVoicesTest, ConvertsOnceForManyAtOnce) {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back([&] { EXPECT_TRUE(get()); });
    clients.clear();
    EXPECT_EQ(calls(), 1);
}

TEST_F(LocalVoicesTest, ConvertsAnewWhenTheFileIsGone) {
    const auto first = get();
    ASSERT_TRUE(first);
    fs::remove(*first);
    EXPECT_EQ(get(), *first);
    EXPECT_TRUE(fs::exists(*first));
}

TEST_F(LocalVoicesTest, NamesTheFieldOfWhatTheConverterRefuses) {
    write_converter(
        "#!/bin/sh\necho half > \"$4\"\necho 'titans: vocab.txt: has 3 lines' >&2\nexit 1\n");
    auto refused = get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::InvalidInput);
    EXPECT_EQ(refused.error().message, "voice_cloning_settings.vocab_path: has 3 lines");
    write_converter("#!/bin/sh\necho 'titans: the checkpoint is not of F5-TTS ' >&2\nexit 1\n");
    refused = get();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message,
                HasSubstr("voice_cloning_settings.model_path: the checkpoint is not of F5-TTS"));
    write_converter("#!/bin/sh\necho '/secret/path crashed' >&2\nexit 7\n");
    refused = get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Internal);
    EXPECT_EQ(refused.error().message, "voice_cloning_settings.model_path: could not be converted");
    EXPECT_THAT(refused.error().detail, HasSubstr("status 7"));
    EXPECT_EQ(count(".gguf") + count(".json") + count(".staging") + count(".lock"), 0);
    // What is mended works.
    write_converter(kConverter);
    EXPECT_TRUE(get());
}

TEST_F(LocalVoicesTest, DoesNotHeedARecordThatMakesNoSense) {
    ASSERT_TRUE(get());
    fs::path record;
    for (const auto& entry : fs::directory_iterator(folder_ / "models/.converted")) {
        if (entry.path().extension() == ".json") record = entry.path();
    }
    for (const std::string_view text :
         {"", "[]", "{}", R"({"file": 7})", R"({"file": "../mine/model.pt"})"}) {
        write(record, text);
        const auto again = get();
        ASSERT_TRUE(again) << text;
        EXPECT_EQ(read(*again), "f5tts\nweightswords") << text;
    }
}

}  // namespace
}  // namespace titans::models
