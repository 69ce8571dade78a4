#include "models/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::models {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kGigabyte = 1'000'000'000;

RepositoryListing listing_of(
    const std::vector<std::pair<std::string, std::uint64_t>>& names_and_bytes) {
    RepositoryListing listing{.revision = std::string(40, 'a')};
    for (const auto& [name, bytes] : names_and_bytes)
        listing.files.push_back({.name = name, .bytes = bytes, .sha256 = std::string(64, 'b')});
    return listing;
}

std::vector<std::string> names(const Result<RepositoryChoice>& choice) {
    std::vector<std::string> all;
    if (choice) {
        for (const RepositoryFile& file : choice->files) all.push_back(file.name);
    } else {
        all.push_back(choice.error().message);
    }
    return all;
}

std::vector<std::string> read_names(std::string_view file_name) {
    const auto listing = parse_listing(std::format(
        R"({{"sha": "{}", "siblings": [{{"rfilename": "{}", "size": 1, "blobId": "{}"}}]}})",
        std::string(40, 'a'), file_name, std::string(40, 'b')));
    std::vector<std::string> all;
    if (!listing) return {listing.error().detail};
    for (const RepositoryFile& file : listing->files) all.push_back(file.name);
    return all;
}

TEST(CheckRepositoryNameTest, TakesWhatTheHubHas) {
    for (const char* name : {"microsoft/DialoGPT-medium", "Qwen/Qwen2.5-0.5B-Instruct-GGUF", "a/b",
                             "01-ai/Yi_6B", "_x/y_"})
        EXPECT_TRUE(check_repository_name(name)) << name;
}

TEST(CheckRepositoryNameTest, RefusesEverythingElse) {
    for (const std::string& name :
         {std::string(),         std::string("gpt2"),  std::string("/"),
          std::string("a/"),     std::string("/b"),    std::string("a/b/c"),
          std::string("../b"),   std::string("a/.."),  std::string("a/b..c"),
          std::string(".a/b"),   std::string("a/.b"),  std::string("-a/b"),
          std::string("a/-b"),   std::string("a/b?x"), std::string("a/b c"),
          std::string("a/b%2f"), std::string("a/b\n"), std::string("a/b\0c", 5),
          std::string("a\\b"),   std::string("ä/b"),   "a/" + std::string(97, 'b')}) {
        const auto checked = check_repository_name(name);
        ASSERT_FALSE(checked) << name;
        EXPECT_EQ(checked.error().kind, ErrorKind::InvalidInput);
        EXPECT_THAT(checked.error().message, HasSubstr("model_name"));
    }
}

TEST(ParseListingTest, ReadsSizesAndHashes) {
    const auto listing = parse_listing(R"({"id": "a/b", "private": false,
        "sha": "0123456789012345678901234567890123456789",
        "siblings": [
            {"rfilename": "config.json", "size": 12, "blobId": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
            {"rfilename": "q/model.gguf", "size": 5000000000, "blobId": "cccccccccccccccccccccccccccccccccccccccc",
             "lfs": {"sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                     "size": 5000000000, "pointerSize": 135}}]})");
    ASSERT_TRUE(listing) << listing.error().detail;
    EXPECT_EQ(listing->revision, "0123456789012345678901234567890123456789");
    ASSERT_EQ(listing->files.size(), 2U);
    EXPECT_EQ(listing->files[0].name, "config.json");
    EXPECT_EQ(listing->files[0].bytes, 12U);
    EXPECT_EQ(listing->files[0].git_sha1, std::string(40, 'a'));
    EXPECT_EQ(listing->files[0].sha256, "");
    EXPECT_EQ(listing->files[1].bytes, 5000000000U);
    EXPECT_EQ(listing->files[1].sha256, std::string(64, 'b'));
    EXPECT_EQ(listing->files[1].git_sha1, "");
}

TEST(ParseListingTest, LeavesOutHostileNames) {
    EXPECT_THAT(read_names("a b/c-1.json"), ElementsAre("a b/c-1.json"));
    for (const std::string& name :
         {std::string("/etc/passwd"), std::string("../x.json"), std::string("a/../x.json"),
          std::string("a/.."), std::string("a//x.json"), std::string("a/"), std::string(""),
          std::string(".gitattributes"), std::string("a/.x"), std::string("a\\\\x.json"),
          std::string("x\\u0000.json"), std::string("x\\n.json"), std::string("x\\u001b[2J.json"),
          std::string("\\u202egnosj.x"), std::string(300, 'x')})
        EXPECT_THAT(read_names(name), ElementsAre()) << name;
}

TEST(ParseListingTest, LeavesOutFilesThatCannotBeChecked) {
    const auto listing = parse_listing(R"({"sha": "0123456789012345678901234567890123456789",
        "siblings": [{"rfilename": "a", "blobId": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
                     {"rfilename": "b", "size": 1},
                     {"rfilename": "c", "size": -1, "blobId": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
                     {"rfilename": "d", "size": 1, "blobId": "../../"},
                     {"rfilename": "e", "size": 1, "blobId": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                      "lfs": {"sha256": 7}},
                     {"rfilename": 7}, 7, null]})");
    ASSERT_TRUE(listing);
    EXPECT_TRUE(listing->files.empty());
}

TEST(ParseListingTest, RefusesWhatIsNoListing) {
    for (const std::string& json :
         {std::string(), std::string("[]"), std::string("{"), std::string("<html>"),
          std::string(R"({"siblings": []})"), std::string(R"({"sha": "main", "siblings": []})"),
          std::string(R"({"sha": "0123456789012345678901234567890123456789"})"),
          std::string(100'000, '[')}) {
        const auto listing = parse_listing(json);
        ASSERT_FALSE(listing) << json.substr(0, 60);
        EXPECT_EQ(listing.error().kind, ErrorKind::Upstream);
    }
}

TEST(IsWantedTest, MeansAWholeWordInAnyCase) {
    EXPECT_TRUE(is_wanted("mind-Q4_K_M.gguf", "Q4_K_M"));
    EXPECT_TRUE(is_wanted("mind.q4_k_m.gguf", "Q4_K_M"));
    EXPECT_TRUE(is_wanted("mind-Q4_K_M-00001-of-00002.gguf", "q4_k_m"));
    EXPECT_TRUE(is_wanted("Q4_K_M/mind.gguf", "Q4_K_M"));
    EXPECT_TRUE(is_wanted("Q4_K_M/mind.gguf", "mind.gguf"));
    EXPECT_FALSE(is_wanted("mind-Q4_K_M.gguf", "Q4_K"));
    EXPECT_FALSE(is_wanted("mind-IQ4_XS.gguf", "Q4_XS"));
    EXPECT_FALSE(is_wanted("mind-Q4_0.gguf", "Q4_0_4_4"));
    EXPECT_FALSE(is_wanted("mind-Q4_0_4_4.gguf", "Q4_0"));
    EXPECT_FALSE(is_wanted("mind-Q4_0.gguf", ""));
}

const RepositoryListing kQuantisations = listing_of({{"README.md", 1},
                                                     {"imatrix.gguf", 1},
                                                     {"mind-F16.gguf", 16 * kGigabyte},
                                                     {"mind-Q2_K.gguf", 3 * kGigabyte},
                                                     {"mind-Q4_K_M.gguf", 5 * kGigabyte},
                                                     {"mind-Q4_K_S.gguf", 4 * kGigabyte},
                                                     {"mind-Q8_0.gguf", 8 * kGigabyte},
                                                     {"mmproj-mind-Q8_0.gguf", 1}});

TEST(ChooseFilesTest, TakesTheLargestQuantisationThatFitsMemory) {
    const auto best = [](std::uint64_t memory) {
        return names(choose_files("a/b", kQuantisations, "", memory));
    };
    EXPECT_THAT(best(6 * kGigabyte), ElementsAre("mind-Q4_K_S.gguf"));
    EXPECT_THAT(best(8 * kGigabyte), ElementsAre("mind-Q4_K_M.gguf"));
    EXPECT_THAT(best(12 * kGigabyte), ElementsAre("mind-Q8_0.gguf"));
    EXPECT_THAT(best(1000 * kGigabyte), ElementsAre("mind-Q8_0.gguf"));
}

TEST(ChooseFilesTest, SaysWhatTheSmallestNeedsIfNoneFits) {
    const auto choice = choose_files("a/b", kQuantisations, "", 4 * kGigabyte);
    ASSERT_FALSE(choice);
    EXPECT_EQ(choice.error().kind, ErrorKind::Conflict);
    EXPECT_THAT(choice.error().message,
                AllOf(HasSubstr("3.0 GB"), HasSubstr("4.0 GB"), HasSubstr("mind-Q2_K.gguf")));
    EXPECT_THAT(names(choose_files("a/b", kQuantisations, "Q2_K", 4 * kGigabyte)),
                ElementsAre("mind-Q2_K.gguf"));
}

TEST(ChooseFilesTest, TakesUnquantisedWeightsOnlyIfThereIsNothingElse) {
    EXPECT_THAT(names(choose_files("a/b", listing_of({{"mind.f16.gguf", 2}, {"mind.bf16.gguf", 1}}),
                                   "", kGigabyte)),
                ElementsAre("mind.f16.gguf"));
}

TEST(ChooseFilesTest, TakesTheQuantisationThatIsNamed) {
    for (const char* wanted : {"q4_k_m", "Q4_K_M", "mind-Q4_K_M.gguf"})
        EXPECT_THAT(names(choose_files("a/b", kQuantisations, wanted, 0)),
                    ElementsAre("mind-Q4_K_M.gguf"));
    const auto none = choose_files("a/b", kQuantisations, "Q5_0", 1000 * kGigabyte);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::NotFound);
    EXPECT_THAT(none.error().message,
                AllOf(HasSubstr("file:"), HasSubstr("mind-Q2_K.gguf"), Not(HasSubstr("mmproj"))));
    const auto several = choose_files("a/b", kQuantisations, "mind", 1000 * kGigabyte);
    ASSERT_FALSE(several);
    EXPECT_EQ(several.error().kind, ErrorKind::InvalidInput);
}

TEST(ChooseFilesTest, KeepsPartsTogether) {
    const RepositoryListing split = listing_of({{"q4/mind-Q4_0-00002-of-00002.gguf", 3},
                                                {"q4/mind-Q4_0-00001-of-00002.gguf", 4},
                                                {"q8/mind-Q8_0-00001-of-00003.gguf", 1},
                                                {"q8/mind-Q8_0-00003-of-00003.gguf", 1},
                                                {"-00001-of-00001.gguf", 1}});
    for (const char* wanted : {"", "Q4_0", "mind-Q4_0-00002-of-00002.gguf"}) {
        const auto choice = choose_files("a/b", split, wanted, 100);
        EXPECT_THAT(names(choice), ElementsAre("q4/mind-Q4_0-00001-of-00002.gguf",
                                               "q4/mind-Q4_0-00002-of-00002.gguf"))
            << wanted;
        EXPECT_EQ(choice->gguf, "q4/mind-Q4_0-00001-of-00002.gguf");
    }
    // 7 bytes do not fit into 70 % of 9; what fits is the odd one out.
    EXPECT_THAT(names(choose_files("a/b", split, "", 10)).front(), HasSubstr("q4/"));
    EXPECT_THAT(names(choose_files("a/b", split, "", 9)).front(), "-00001-of-00001.gguf");
}

TEST(ChooseFilesTest, TakesWhatACheckpointNeeds) {
    const auto choice = choose_files("a/b",
                                     listing_of({{"README.md", 1},
                                                 {"added_tokens.json", 1},
                                                 {"chat_template.jinja", 1},
                                                 {"config.json", 1},
                                                 {"consolidated.safetensors", 1},
                                                 {"flax_model.msgpack", 1},
                                                 {"generation_config.json", 1},
                                                 {"merges.txt", 1},
                                                 {"model-00001-of-00002.safetensors", 1},
                                                 {"model-00002-of-00002.safetensors", 1},
                                                 {"model.safetensors.index.json", 1},
                                                 {"modeling_evil.py", 1},
                                                 {"onnx/model.safetensors", 1},
                                                 {"preprocessor_config.json", 1},
                                                 {"pytorch_model.bin", 1},
                                                 {"special_tokens_map.json", 1},
                                                 {"tf_model.h5", 1},
                                                 {"tokenizer.json", 1},
                                                 {"tokenizer.model", 1},
                                                 {"tokenizer_config.json", 1},
                                                 {"tokenizer_evil.py", 1},
                                                 {"vocab.h5", 1},
                                                 {"vocab.json", 1}}),
                                     "", kGigabyte);
    EXPECT_THAT(names(choice),
                ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                            "added_tokens.json", "chat_template.jinja", "config.json",
                            "generation_config.json", "merges.txt", "model.safetensors.index.json",
                            "preprocessor_config.json", "special_tokens_map.json", "tokenizer.json",
                            "tokenizer.model", "tokenizer_config.json", "vocab.json"));
    EXPECT_EQ(choice->gguf, "");
}

TEST(ChooseFilesTest, TakesPickledWeightsOnlyWithoutSafetensors) {
    EXPECT_THAT(names(choose_files("a/b",
                                   listing_of({{"config.json", 1},
                                               {"pytorch_model-00001-of-00001.bin", 1},
                                               {"pytorch_model.bin.index.json", 1},
                                               {"training_args.bin", 1}}),
                                   "", 1)),
                ElementsAre("pytorch_model-00001-of-00001.bin", "config.json",
                            "pytorch_model.bin.index.json"));
}

TEST(ChooseFilesTest, RefusesARepositoryWithoutAModel) {
    const auto choice = choose_files("a/b", listing_of({{"config.json", 1}}), "", kGigabyte);
    ASSERT_FALSE(choice);
    EXPECT_EQ(choice.error().kind, ErrorKind::NotFound);
    const auto named = choose_files("a/b", listing_of({{"model.safetensors", 1}}), "Q4_0", 1);
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().kind, ErrorKind::InvalidInput);
}

TEST(ChooseFilesTest, RefusesWhatIsBeyondAllBounds) {
    std::vector<std::pair<std::string, std::uint64_t>> many;
    for (int i = 0; i < 1001; ++i) many.emplace_back(std::format("model-{}.safetensors", i), 1);
    EXPECT_EQ(choose_files("a/b", listing_of(many), "", 1).error().kind, ErrorKind::Upstream);
    EXPECT_EQ(choose_files("a/b", listing_of({{"x-Q4_0.gguf", std::uint64_t{1} << 60}}), "Q4_0", 1)
                  .error()
                  .kind,
              ErrorKind::Upstream);
}

}  // namespace
}  // namespace titans::models
