#include "checkpoint/onnx.h"

#include <gtest/gtest.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using test::onnx_bytes;
using test::onnx_model;
using test::onnx_number;
using test::onnx_tensor;

std::string error_of(std::string_view file) {
    const auto parsed = parse_onnx(test::bytes_of(file));
    return parsed ? "" : parsed.error().message;
}

TEST(Onnx, GivesTheInitialisersByName) {
    const auto ramp = test::ramp("ramp", {2, 3}, 5);
    const auto one = test::ramp("one", {}, 7);
    const std::string file = onnx_model({ramp, one});
    const auto tensors = parse_onnx(test::bytes_of(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ(tensors->names(), (std::vector<std::string_view>{"one", "ramp"}));
    EXPECT_EQ(*to_f32(*tensors->tensor("ramp", {2, 3})), (std::vector<float>{5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(*to_f32(*tensors->tensor("one", {})), std::vector<float>{7});
}

TEST(Onnx, ReadsDimensionsOneByOneToo) {
    const std::string tensor = onnx_number(1, 1) + onnx_number(1, 2) + onnx_number(2, 1) +
                               onnx_bytes(8, "pair") + onnx_bytes(9, std::string(8, '\0'));
    const std::string file = onnx_bytes(7, onnx_bytes(5, tensor));
    const auto tensors = parse_onnx(test::bytes_of(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_TRUE(tensors->tensor("pair", {1, 2}));
}

TEST(Onnx, RefusesEveryCutOfAFile) {
    const std::string file = onnx_model({test::ramp("ramp", {2, 3}, 5)});
    for (std::size_t kept = 0; kept < file.size(); ++kept) {
        EXPECT_EQ(error_of(file.substr(0, kept)), "is no ONNX model, or a broken one") << kept;
    }
    EXPECT_EQ(error_of(file), "");
}

TEST(Onnx, RefusesTensorsThatDoNotHold) {
    const auto with = [](const std::string& tensor) {
        return error_of(onnx_bytes(7, onnx_bytes(5, onnx_bytes(8, "t") + tensor)));
    };
    const std::string eight = onnx_bytes(9, std::string(8, '\0'));
    EXPECT_EQ(with(onnx_number(1, 2) + onnx_number(2, 1) + eight), "");
    EXPECT_EQ(with(onnx_number(1, 3) + onnx_number(2, 1) + eight),
              "tensor t: its size is not that of its shape");
    EXPECT_EQ(with(onnx_number(1, 1) + onnx_number(2, 7) + eight),
              "tensor t: is not raw floating point");
    EXPECT_EQ(with(onnx_number(1, 2) + onnx_number(2, 1)), "tensor t: is not raw floating point");
    EXPECT_EQ(with(onnx_number(1, std::uint64_t{1} << 63) + eight),
              "is no ONNX model, or a broken one");
    EXPECT_EQ(with(onnx_bytes(1, std::string(9, '\1')) + onnx_number(2, 1) + eight),
              "is no ONNX model, or a broken one")
        << "nine dimensions";
    EXPECT_EQ(error_of(std::string(11, '\xff')), "is no ONNX model, or a broken one");
}

}  // namespace
}  // namespace titans::checkpoint
