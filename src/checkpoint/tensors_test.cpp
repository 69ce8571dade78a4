#include "checkpoint/tensors.h"

#include <gmock/gmock.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using test::bytes_of;
using test::raw;
using testing::ElementsAre;

TEST(Tensors, ReadsTheFloatTypesFromUnalignedBytes) {
    const std::string f32 = "x" + raw(1.5F) + raw(-2.0F);
    const std::string f64 = "x" + raw(1.5) + raw(-2.0);
    const std::string f16 = "x" + raw(std::uint16_t{0x3E00}) + raw(std::uint16_t{0xC000});
    const std::string bf16 = "x" + raw(std::uint16_t{0x3FC0}) + raw(std::uint16_t{0xC000});
    for (const auto& [dtype, bytes] : {std::pair(Dtype::F32, f32), std::pair(Dtype::F64, f64),
                                       std::pair(Dtype::F16, f16), std::pair(Dtype::BF16, bf16)}) {
        const TensorView view{
            .name = "t", .dtype = dtype, .shape = {2}, .bytes = bytes_of(bytes).subspan(1)};
        EXPECT_THAT(*to_f32(view), ElementsAre(1.5F, -2.0F));
    }
}

TEST(Tensors, RefusesToReadWholeNumbersAsFloats) {
    const TensorView view{.name = "t", .dtype = Dtype::I8, .shape = {1}, .bytes = bytes_of("x")};
    EXPECT_EQ(to_f32(view).error().kind, ErrorKind::Unsupported);
}

TEST(Tensors, CountsBytesWithoutOverflow) {
    EXPECT_EQ(byte_count({}, Dtype::F32), 4);
    EXPECT_EQ(byte_count({3, 5}, Dtype::F16), 30);
    EXPECT_EQ(byte_count({1LL << 32, 1LL << 32}, Dtype::I8), std::nullopt);
    EXPECT_EQ(byte_count({1LL << 62, 1}, Dtype::F32), std::nullopt);
    EXPECT_EQ(byte_count({-1}, Dtype::F32), std::nullopt);
}

TEST(Tensors, FindsATensorOnlyInTheShapeAskedFor) {
    const test::Array array = test::ramp("t", {2, 3}, 0);
    Tensors tensors;
    ASSERT_TRUE(tensors.add(array.view()));
    EXPECT_TRUE(tensors.tensor("t", {2, 3}));
    EXPECT_EQ(tensors.tensor("t", {3, 2}).error().message,
              "tensor t: its shape is [2, 3], not [3, 2]");
    EXPECT_EQ(tensors.tensor("u").error().message, "tensor u: is missing");
}

TEST(Tensors, RefusesANameTwiceAndASizeThatIsNotTheShapes) {
    const test::Array array = test::ramp("t", {2}, 0);
    Tensors tensors;
    ASSERT_TRUE(tensors.add(array.view()));
    EXPECT_FALSE(tensors.add(array.view()));
    EXPECT_FALSE(tensors.add_alias("t", "t"));
    EXPECT_FALSE(tensors.add(
        {.name = "u", .dtype = Dtype::F32, .shape = {3}, .bytes = bytes_of(array.bytes)}));
    EXPECT_EQ(tensors.size(), 1);
}

}  // namespace
}  // namespace titans::checkpoint
