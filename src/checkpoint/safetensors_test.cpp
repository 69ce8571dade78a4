#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using test::bytes_of;
using test::safetensors_file;
using testing::ElementsAre;
using testing::HasSubstr;

std::string good_file() {
    return safetensors_file({test::ramp("first", {2, 3}, 1), test::ramp("none", {0, 5}, 1),
                             test::ramp("second", {}, 9)});
}

/// The message with which a file of this header and 8 bytes of data is refused.
std::string refusal(std::string_view header) {
    const std::string file = safetensors_file(header, "12345678");
    const auto tensors = parse_safetensors(bytes_of(file));
    return tensors ? "accepted" : tensors.error().message;
}

TEST(Safetensors, ReadsShapesTypesAndValues) {
    const std::string file = good_file();
    const auto tensors = parse_safetensors(bytes_of(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ(tensors->size(), 3);
    EXPECT_THAT(*to_f32(*tensors->tensor("first", {2, 3})), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(*to_f32(*tensors->tensor("second", {})), ElementsAre(9));
    EXPECT_TRUE(to_f32(*tensors->tensor("none", {0, 5}))->empty());
}

TEST(Safetensors, ReadsOverMetadata) {
    EXPECT_EQ(
        refusal(
            R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
        "accepted");
}

TEST(Safetensors, RefusesEveryTruncation) {
    const std::string file = good_file();
    for (std::size_t length = 0; length < file.size(); ++length) {
        EXPECT_FALSE(parse_safetensors(bytes_of(file).first(length))) << length;
    }
    EXPECT_FALSE(parse_safetensors(bytes_of(file + "x")));
}

TEST(Safetensors, StaysInsideTheFileWhateverByteIsChanged) {
    const std::string file = good_file();
    int accepted = 0;
    for (std::size_t i = 0; i < file.size(); ++i) {
        for (const char value : {'\0', '\x7f', '\xff', '0', '9', '"', '[', '}'}) {
            std::string changed = file;
            changed[i] = value;
            const auto tensors = parse_safetensors(bytes_of(changed));
            if (!tensors) continue;
            ++accepted;
            const auto tensor = tensors->tensor("first");
            if (tensor) {
                EXPECT_EQ(tensor->bytes.size(), byte_count(tensor->shape, tensor->dtype));
            }
        }
    }
    EXPECT_GT(accepted, 0);  // changed values are no fault
}

TEST(Safetensors, RefusesHeadersLongerThanTheFile) {
    std::string file = good_file();
    for (const std::uint64_t length :
         {std::uint64_t{file.size()}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        file.replace(0, 8, test::raw(length));
        EXPECT_EQ(parse_safetensors(bytes_of(file)).error().message,
                  "its header is longer than the file");
    }
}

TEST(Safetensors, RefusesHeadersThatAreNoObjectOfTensors) {
    EXPECT_EQ(refusal("nonsense"), "is not JSON");
    EXPECT_EQ(refusal("[]"), "its header is not an object");
    EXPECT_EQ(refusal(R"({"a":5})"), "tensor a: its entry is not an object");
    EXPECT_EQ(refusal(R"({"a":{"shape":[[[2]]]}})"), "the JSON nests too deep");
    EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                          "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
              "the JSON names a key twice");
}

TEST(Safetensors, RefusesTypesItDoesNotKnow) {
    EXPECT_EQ(refusal(R"({"a":{"dtype":"F128","shape":[2],"data_offsets":[0,8]}})"),
              "tensor a: dtype is unknown");
    EXPECT_EQ(refusal(R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})"),
              "tensor a: dtype is not a string");
    EXPECT_EQ(refusal(R"({"a":{"shape":[2],"data_offsets":[0,8]}})"),
              "tensor a: dtype is not a string");
}

TEST(Safetensors, RefusesShapesThatAreNotTheSizeOfTheirBytes) {
    const auto shape = [](std::string_view sizes) {
        return refusal(
            std::format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":[0,8]}}}})", sizes));
    };
    EXPECT_EQ(shape("[2]"), "accepted");
    for (const auto* const sizes : {"[3]", "[1]", "[0]", "[4294967296,4294967296]",
                                    "[4611686018427387906]", "[9223372036854775807,2]"}) {
        EXPECT_THAT(shape(sizes), HasSubstr("its size is not that of its shape")) << sizes;
    }
    for (const auto* const sizes :
         {"[-2]", "[2.0]", "[\"2\"]", "[18446744073709551615]", "[null]"}) {
        EXPECT_THAT(shape(sizes), HasSubstr("a dimension that is no size")) << sizes;
    }
    for (const auto* const sizes : {"2", "{}", "[1,1,1,1,1,1,1,1,2]"}) {
        EXPECT_THAT(shape(sizes), HasSubstr("shape is not a list")) << sizes;
    }
}

TEST(Safetensors, RefusesOffsetsOutsideTheFile) {
    const auto offsets = [](std::string_view pair) {
        return refusal(
            std::format(R"({{"a":{{"dtype":"U8","shape":[8],"data_offsets":{}}}}})", pair));
    };
    EXPECT_EQ(offsets("[0,8]"), "accepted");
    for (const auto* const pair :
         {"[0,9]", "[8,0]", "[1,18446744073709551615]", "[18446744073709551615,0]"}) {
        EXPECT_EQ(offsets(pair), "tensor a: data_offsets lie outside the file") << pair;
    }
    for (const auto* const pair : {"[0]", "[0,8,8]", "[-8,0]", "[0.0,8.0]", "8", "[0,\"8\"]"}) {
        EXPECT_EQ(offsets(pair), "tensor a: data_offsets are not two offsets") << pair;
    }
}

TEST(Safetensors, RefusesTensorsThatOverlapOrLeaveGaps) {
    const auto two = [](std::string_view first, std::string_view second) {
        return refusal(std::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},
                                        "b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
                                   first, second));
    };
    EXPECT_EQ(two("[4,8]", "[0,4]"), "accepted");
    EXPECT_EQ(two("[0,4]", "[2,6]"), "tensor b: overlaps another");
    EXPECT_EQ(two("[0,4]", "[0,4]"), "tensor b: overlaps another");
    EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})"),
              "tensor a: follows a gap");
    EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})"),
              "has bytes after its last tensor");
}

TEST(Safetensors, OpensAFileAndNamesItWhenItIsWrong) {
    const test::Folder folder;
    folder.write("good.safetensors", good_file());
    folder.write("empty.safetensors", "");
    auto file = SafetensorsFile::open(folder / "good.safetensors");
    ASSERT_TRUE(file);
    const SafetensorsFile moved = *std::move(file);
    EXPECT_THAT(*to_f32(*moved.tensor("second")), ElementsAre(9));
    EXPECT_EQ(SafetensorsFile::open(folder / "empty.safetensors").error().message,
              "empty.safetensors: is too short for safetensors");
    EXPECT_EQ(SafetensorsFile::open(folder / "none").error().kind, ErrorKind::NotFound);
    EXPECT_EQ(SafetensorsFile::open("/dev/zero").error().kind, ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace titans::checkpoint
