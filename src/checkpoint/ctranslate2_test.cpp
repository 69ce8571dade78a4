#include "checkpoint/ctranslate2.h"

#include <gmock/gmock.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using test::bytes_of;
using test::ctranslate2_file;
using test::raw;
using testing::ElementsAre;
using testing::HasSubstr;

std::string good_file() {
    return ctranslate2_file(
        "WhisperSpec",
        {test::ramp("a/weight", {2, 2}, 1),
         {.name = "heads", .dtype = Dtype::I16, .shape = {}, .bytes = raw(std::int16_t{8})}},
        {{"tied", "a/weight"}});
}

TEST(Ctranslate2, ReadsArraysAndAliases) {
    const std::string file = good_file();
    const auto model = parse_ctranslate2(bytes_of(file));
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->spec, "WhisperSpec");
    EXPECT_EQ(model->revision, 3);
    EXPECT_THAT(*to_f32(*model->tensors.tensor("a/weight", {2, 2})), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(*to_f32(*model->tensors.tensor("tied", {2, 2})), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(model->tensors.tensor("heads", {})->dtype, Dtype::I16);
}

TEST(Ctranslate2, RefusesEveryTruncation) {
    const std::string file = good_file();
    for (std::size_t length = 0; length < file.size(); ++length) {
        EXPECT_FALSE(parse_ctranslate2(bytes_of(file).first(length))) << length;
    }
    EXPECT_EQ(parse_ctranslate2(bytes_of(file + "x")).error().message,
              "goes on after its last field");
}

TEST(Ctranslate2, StaysInsideTheFileWhateverByteIsChanged) {
    const std::string file = good_file();
    int accepted = 0;
    for (std::size_t i = 0; i < file.size(); ++i) {
        for (const char value : {'\0', '\1', '\x7f', '\x80', '\xff'}) {
            std::string changed = file;
            changed[i] = value;
            const auto model = parse_ctranslate2(bytes_of(changed));
            if (!model) continue;
            ++accepted;
            const auto tensor = model->tensors.tensor("tied");
            if (tensor) {
                EXPECT_EQ(tensor->bytes.size(), byte_count(tensor->shape, tensor->dtype));
            }
        }
    }
    EXPECT_GT(accepted, 0);
}

TEST(Ctranslate2, RefusesCountsThatTheFileCannotHold) {
    const std::string start = good_file().substr(0, 22);  // up to the number of arrays
    ASSERT_TRUE(start.ends_with(raw(std::uint32_t{3})));
    const auto refusal = [&](const std::string& rest) {
        const std::string file = start + rest;
        return parse_ctranslate2(bytes_of(file)).error().message;
    };
    const std::string one = raw(std::uint32_t{1}) + raw(std::uint16_t{2}) + "a" + '\0';
    EXPECT_EQ(refusal(raw(~std::uint32_t{0})), "ends in the middle of a field");
    EXPECT_EQ(refusal(raw(std::uint32_t{0}) + raw(~std::uint32_t{0})),
              "ends in the middle of a field");
    EXPECT_EQ(refusal(one + "\xff"), "tensor a: has too many axes");
    EXPECT_EQ(refusal(one + "\1" + raw(std::uint32_t{1}) + "\x63"),
              "tensor a: its type is unknown");
    EXPECT_EQ(refusal(one + "\1" + raw(std::uint32_t{1}) + "\1" + raw(~std::uint32_t{0})),
              "ends in the middle of a field");
    std::string huge = one + "\4";
    for (int axis = 0; axis < 4; ++axis) huge += raw(~std::uint32_t{0});
    EXPECT_THAT(refusal(huge + "\1" + raw(std::uint32_t{1}) + "x"),
                HasSubstr("its size is not that of its shape"));
}

TEST(Ctranslate2, RefusesNamesWithoutAnEndAndNamesTwice) {
    const test::Array array = test::ramp("a", {1}, 0);
    EXPECT_FALSE(parse_ctranslate2(bytes_of(ctranslate2_file("S", {array, array}, {}))));
    EXPECT_FALSE(parse_ctranslate2(bytes_of(ctranslate2_file("S", {array}, {{"a", "a"}}))));
    EXPECT_FALSE(parse_ctranslate2(bytes_of(ctranslate2_file("S", {array}, {{"b", "missing"}}))));
    EXPECT_FALSE(
        parse_ctranslate2(bytes_of(ctranslate2_file(std::string_view("S\0S", 3), {array}, {}))));
    EXPECT_FALSE(parse_ctranslate2(bytes_of(raw(std::uint32_t{6}) + raw(std::uint16_t{0}))));
}

TEST(Ctranslate2, RefusesOtherVersions) {
    std::string file = good_file();
    file[0] = 5;
    EXPECT_EQ(parse_ctranslate2(bytes_of(file)).error().kind, ErrorKind::Unsupported);
}

}  // namespace
}  // namespace titans::checkpoint
