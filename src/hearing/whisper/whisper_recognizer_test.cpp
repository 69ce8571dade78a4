#include "hearing/whisper/whisper_recognizer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "hearing/families.h"

namespace titans::hearing::whisper {
namespace {

std::filesystem::path write_file(const std::string& name, std::string_view content) {
    const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
}

TEST(WhisperRecognizer, SaysThatTheModelIsMissing) {
    const auto loaded = WhisperRecognizer::load("/nowhere/whisper.bin", {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::NotFound);
    EXPECT_EQ(loaded.error().message.find("nowhere"), std::string::npos) << "the path stays here";
}

TEST(WhisperRecognizer, RefusesOtherFiles) {
    for (const std::string_view content :
         {"", "GGUF", "lmgg", "lmgg only the magic number is right, and nothing else "}) {
        const auto loaded = WhisperRecognizer::load(write_file("no_whisper.bin", content), {});
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    }
}

TEST(WhisperRecognizer, RefusesAHeaderWithNothingBehindIt) {
    std::string content;
    for (const std::int32_t number : {0x67676D6C, 51865, 1500, 512, 8, 6, 448, 512, 8, 6, 80, 1}) {
        content.append(reinterpret_cast<const char*>(&number), sizeof(number));
    }
    EXPECT_FALSE(WhisperRecognizer::load(write_file("cut_whisper.bin", content), {}));
}

TEST(RecognizerFamilies, SayWhatIsMissing) {
    ASSERT_NE(find_family("whisper"), nullptr);
    EXPECT_EQ(find_family("whisper")->missing, "");
    ASSERT_NE(find_family("wav2vec"), nullptr);
    EXPECT_NE(find_family("wav2vec")->missing, "");
    const auto loaded = find_family("wav2vec")->load("model.gguf", 1);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    EXPECT_EQ(find_family("sphinx"), nullptr);
}

}  // namespace
}  // namespace titans::hearing::whisper
