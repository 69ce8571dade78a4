#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>

#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const test::Folder& folder) {
    const auto checkpoint = Checkpoint::open_folder(folder.path());
    return checkpoint ? "accepted" : checkpoint.error().message;
}

const std::vector<test::Array> kFirst{test::ramp("a", {2}, 1)};
const std::vector<test::Array> kSecond{test::ramp("b", {3}, 5)};

constexpr std::string_view kSafetensorsIndex = R"({"metadata": {"total_size": 20},
    "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})";

TEST(Checkpoint, TakesTheFirstFormThatIsThere) {
    const test::Folder folder;
    EXPECT_EQ(error_of(folder), "model.safetensors: is missing");
    folder.write("1.bin", test::pytorch_file(kFirst));
    folder.write("pytorch_model.bin.index.json", R"({"weight_map": {"a": "1.bin"}})");
    const auto names = [&] {
        const auto checkpoint = Checkpoint::open_folder(folder.path());
        EXPECT_TRUE(checkpoint) << checkpoint.error().message;
        std::string all;
        if (checkpoint) {
            for (const auto name : checkpoint->tensors().names()) all += name;
        }
        return all;
    };
    EXPECT_EQ(names(), "a");
    folder.write("pytorch_model.bin", test::pytorch_file(kSecond));
    EXPECT_EQ(names(), "b");
    folder.write("model-1.safetensors", test::safetensors_file(kFirst));
    folder.write("model-2.safetensors", test::safetensors_file(kSecond));
    folder.write("model.safetensors.index.json", kSafetensorsIndex);
    EXPECT_EQ(names(), "ab");
    folder.write("model.safetensors", test::safetensors_file({test::ramp("c", {1}, 0)}));
    EXPECT_EQ(names(), "c");
}

TEST(Checkpoint, KeepsItsTensorsWhereverItIsMoved) {
    const test::Folder folder;
    const std::string transposed = test::pickle::dict(
        {{"t",
          test::pickle::tensor(test::pickle::storage("FloatStorage", "0", 4), 0, {2, 2}, {1, 2})}});
    folder.write("pytorch_model.bin",
                 test::pytorch_archive(transposed, {{"0", test::ramp("", {4}, 0).bytes}}, true));
    auto opened = Checkpoint::open_folder(folder.path());
    ASSERT_TRUE(opened) << opened.error().message;
    const Checkpoint checkpoint = *std::move(opened);
    EXPECT_THAT(*to_f32(*checkpoint.tensors().tensor("t")), ElementsAre(0, 2, 1, 3));
}

TEST(Checkpoint, HashesAllItsFilesInTheOrderOfTheirNames) {
    const test::Folder folder;
    folder.write("model-1.safetensors", test::safetensors_file(kFirst));
    folder.write("model-2.safetensors", test::safetensors_file(kSecond));
    folder.write("model.safetensors.index.json", kSafetensorsIndex);
    const auto sharded = Checkpoint::open_folder(folder.path())->source_sha256();
    EXPECT_EQ(sharded.size(), 64);
    folder.write("model-2.safetensors", test::safetensors_file({test::ramp("b", {3}, 6)}));
    EXPECT_NE(Checkpoint::open_folder(folder.path())->source_sha256(), sharded);
    // Of one file it is what sha256sum says.
    folder.write("model.safetensors", test::safetensors_file("{}", ""));
    EXPECT_EQ(Checkpoint::open_folder(folder.path())->source_sha256(),
              "411a485216e432ece6b9af94fa32154cf79a2a56d4f81266baa50063f45092bd");
}

TEST(Checkpoint, RefusesShardsOutsideItsFolder) {
    const test::Folder folder;
    for (const std::string_view name : {"../x", "/etc/passwd", "a/b", "..", ".", "", "a\\\\b"}) {
        folder.write("model.safetensors.index.json",
                     std::format(R"({{"weight_map": {{"a": "{}"}}}})", name));
        EXPECT_EQ(error_of(folder), "model.safetensors.index.json: names a file outside its folder")
            << name;
    }
}

TEST(Checkpoint, RefusesIndexesThatDoNotHold) {
    const test::Folder folder;
    folder.write("1", test::safetensors_file(kFirst));
    folder.write("2", test::safetensors_file(kFirst));
    const auto with = [&](std::string_view json) {
        folder.write("model.safetensors.index.json", json);
        return error_of(folder);
    };
    EXPECT_THAT(with("nonsense"), HasSubstr("is not JSON"));
    EXPECT_THAT(with("[]"), HasSubstr("weight_map"));
    EXPECT_THAT(with(R"({"weight_map": {}})"), HasSubstr("weight_map"));
    EXPECT_THAT(with(R"({"weight_map": {"a": 7}})"), HasSubstr("outside"));
    EXPECT_THAT(with(R"({"weight_map": {"a": "3"}})"), HasSubstr("3: is missing"));
    EXPECT_THAT(with(R"({"weight_map": {"a": "1", "b": "1"}})"), HasSubstr("tensor b"));
    EXPECT_THAT(with(R"({"weight_map": {"a": "1", "b": "2"}})"), HasSubstr("twice"));
    EXPECT_EQ(with(R"({"weight_map": {"a": "1"}})"), "accepted");
}

TEST(Checkpoint, NamesTheFileThatIsBroken) {
    const test::Folder folder;
    folder.write("pytorch_model.bin", "nonsense");
    EXPECT_EQ(error_of(folder), "pytorch_model.bin: is no PyTorch file");
}

}  // namespace
}  // namespace titans::checkpoint
