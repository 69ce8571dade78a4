#include "models/expected_files.h"

#include <gtest/gtest.h>

#include <array>
#include <format>
#include <fstream>
#include <optional>

#include "foundation/temporary_folder_for_test.h"

namespace titans::models {
namespace {

class ExpectedFilesTest : public testing::Test {
protected:
    ExpectedFiles read(std::string_view text) {
        std::ofstream(folder_.path() / "catalogue.json", std::ios::trunc) << text;
        return ExpectedFiles(folder_.path());
    }

    const TemporaryFolder folder_;
    const std::array<PackageMember, 1> parts_{PackageMember{"package", "1.0", "words.txt"}};
    const std::array<ModelFile, 2> files_{
        ModelFile{"weights.gguf", 7, "aa", HubFile{"someone/plain", "abc", "weights.gguf"}},
        ModelFile{"words.txt", 5, "", HubFile{"someone/plain", "abc", "words.txt"}, parts_, "bb"}};
    const CatalogueModel model_{"plain", ModelTask::Mind, "plain", "small", true,
                                "MIT",   "a model",       files_,  "",      "weights.gguf"};
};

TEST_F(ExpectedFilesTest, AreTheCataloguesWhereNobodySaysOtherwise) {
    const auto files = ExpectedFiles(folder_.path()).of(model_);
    ASSERT_EQ(files.size(), 2);
    EXPECT_EQ(files[0].bytes, 7);
    EXPECT_EQ(files[1].hash(), "bb");
    EXPECT_EQ(files[1].hub.revision, "abc");
}

TEST_F(ExpectedFilesTest, AreThoseThatAPersonNames) {
    const ExpectedFiles expected = read(std::format(
        R"({{"plain": {{"words.txt": {{"bytes": 9, "sha256": "{}"}}}}, "other": {{}}}})",
        std::string(64, 'C')));
    const auto files = expected.of(model_);
    ASSERT_EQ(files.size(), 2);
    EXPECT_EQ(files[0].hash(), "aa");
    EXPECT_EQ(files[1].bytes, 9);
    EXPECT_EQ(files[1].hash(), std::string(64, 'c'));
    EXPECT_EQ(files[1].hub.revision, "main");
    EXPECT_TRUE(files[1].parts.empty());
}

TEST_F(ExpectedFilesTest, HeedNothingOfWhatMakesNoSense) {
    const std::string good =
        std::format(R"({{"weights.gguf": {{"bytes": 1, "sha256": "{}"}}}})", std::string(64, 'a'));
    for (const std::string& text :
         {std::string("[]"), std::string("{"), std::string(R"({"plain": 7})"),
          std::string(R"({"plain": {"weights.gguf": "x"}})"),
          std::string(R"({"plain": {"weights.gguf": {"bytes": -1, "sha256": ""}}})"),
          std::string(R"({"plain": {"weights.gguf": {"bytes": 1, "sha256": "ab"}}})"),
          std::format(R"({{"plain": {}, "zebra": 7}})", good)}) {
        EXPECT_EQ(read(text).of(model_)[0].bytes, 7) << text;
    }
    EXPECT_EQ(read(std::format(R"({{"plain": {}}})", good)).of(model_)[0].bytes, 1);
}

}  // namespace
}  // namespace titans::models
