#include "checkpoint/pytorch_file.h"

#include <gmock/gmock.h>

#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace code = test::pickle;

/// The bytes of the F32 numbers 0 to 23.
std::string ramp() { return test::ramp("", {24}, 0).bytes; }

std::string whole() { return code::storage("FloatStorage", "0", 24); }

std::string error_of(const std::string& bytes) {
    const auto file = parse_pytorch(test::bytes_of(bytes));
    return file ? "accepted" : file.error().message;
}

/// Reads `value`, which has the numbers 0 to 23 as its storage "0", in both forms of the file.
class PytorchFileTest : public testing::TestWithParam<bool> {
protected:
    static std::string save(const std::string& value,
                            const test::Storages& storages = {{"0", ramp()}}) {
        return GetParam() ? test::pytorch_archive(value, storages)
                          : test::pytorch_pickles(value, storages);
    }

    std::vector<float> read(const std::string& value, std::string_view name) {
        bytes_ = save(value);
        auto file = parse_pytorch(test::bytes_of(bytes_));
        EXPECT_TRUE(file) << file.error().message;
        if (!file) return {};
        file_ = *std::move(file);
        const auto tensor = file_.tensors.tensor(name);
        EXPECT_TRUE(tensor) << tensor.error().message;
        return tensor ? to_f32(*tensor).value_or(std::vector<float>()) : std::vector<float>();
    }

    /// Every storage that is in the file has to belong to a tensor.
    static std::string good() { return code::tensor(whole(), 0, {24}, {1}); }

    /// Why tensor "t" of `value` cannot be had, or that it can.
    static std::string error_of_tensor(const std::string& value) {
        const std::string bytes = save(code::dict({{"t", value}, {"good", good()}}));
        const auto file = parse_pytorch(test::bytes_of(bytes));
        if (!file) return file.error().message;
        const auto tensor = file->tensors.tensor("t");
        return tensor ? "read" : tensor.error().message;
    }

    std::string bytes_;
    PytorchFile file_;
};

INSTANTIATE_TEST_SUITE_P(BothForms, PytorchFileTest, testing::Bool());

TEST_P(PytorchFileTest, ReadsTensorsInPlace) {
    const std::string value = code::dict({{"w", code::tensor(whole(), 6, {2, 3}, {3, 1})}});
    EXPECT_THAT(read(value, "w"), ElementsAre(6, 7, 8, 9, 10, 11));
    const auto* const place =
        reinterpret_cast<const char*>(file_.tensors.tensor("w")->bytes.data());
    EXPECT_GT(place, bytes_.data());
    EXPECT_LT(place, bytes_.data() + bytes_.size());
    EXPECT_TRUE(file_.buffers.empty());
}

TEST_P(PytorchFileTest, PutsOthersInOrder) {
    const auto with = [&](std::int64_t offset, const Shape& shape, const Shape& strides) {
        return read(code::dict({{"w", code::tensor(whole(), offset, shape, strides)}}), "w");
    };
    EXPECT_THAT(with(0, {3, 2}, {1, 3}), ElementsAre(0, 3, 1, 4, 2, 5));
    EXPECT_THAT(with(7, {2, 2}, {6, 1}), ElementsAre(7, 8, 13, 14));
    EXPECT_THAT(with(3, {4}, {0}), ElementsAre(3, 3, 3, 3));
    EXPECT_THAT(with(23, {1, 1}, {999, 7}), ElementsAre(23));  // an axis of one has no stride
    EXPECT_THAT(with(5, {}, {}), ElementsAre(5));
    EXPECT_THAT(with(99, {0, 4}, {4, 1}), ElementsAre());
    EXPECT_THAT(with(0, {2, 3, 2}, {12, 2, 6}),
                ElementsAre(0, 6, 2, 8, 4, 10, 12, 18, 14, 20, 16, 22));
}

TEST_P(PytorchFileTest, NamesWhatLiesWithinByItsPath) {
    const std::string tensor = code::tensor(whole(), 0, {2}, {1});
    const std::string value =
        code::dict({{"model", code::dict({{"a.b", tensor}})},
                    {"layers", "(" + tensor + tensor + "l"},
                    {"dims", code::dict({{"n_mels", code::number(80)}, {"f", "F1.5\n"}})},
                    {"none", "N"}});
    EXPECT_THAT(read(value, "model.a.b"), ElementsAre(0, 1));
    EXPECT_THAT(file_.tensors.names(), ElementsAre("layers.0", "layers.1", "model.a.b"));
    EXPECT_THAT(file_.numbers, ElementsAre(testing::Pair("dims.n_mels", 80)));
}

TEST_P(PytorchFileTest, SaysOnlyWhenAskedWhatItDoesNotRead) {
    const std::string good = code::tensor(whole(), 0, {2}, {1});
    const std::string bad =
        code::call(code::global("os", "system"), code::tuple({code::text("x")}));
    const std::string value =
        code::dict({{"w", good},
                    {"optimizer", bad},
                    {"of bad storage", code::tensor(bad, 0, {2}, {1})},
                    {"half", code::call(code::global("torch._utils", "_rebuild_qtensor"), ")")}});
    EXPECT_THAT(read(value, "w"), ElementsAre(0, 1));
    EXPECT_EQ(file_.tensors.tensor("optimizer").error().message,
              "tensor optimizer: is made by os.system, which is not read");
    EXPECT_EQ(file_.tensors.tensor("optimizer").error().kind, ErrorKind::Unsupported);
    EXPECT_THAT(file_.tensors.tensor("of bad storage").error().message,
                HasSubstr("torch._utils._rebuild_tensor_v2"));
    EXPECT_THAT(file_.tensors.names(), ElementsAre("w"));
}

TEST_P(PytorchFileTest, ShowsNoMoreOfANameThanIsPlain) {
    const std::string message =
        error_of_tensor(code::call(code::global("a\x1b[31m" + std::string(1000, 'm'), "n"), ")"));
    EXPECT_THAT(message, HasSubstr("a?[31mmm"));
    EXPECT_LT(message.size(), 150);
}

TEST_P(PytorchFileTest, RefusesTensorsOutsideTheirStorage) {
    const auto with = [&](std::int64_t offset, const Shape& shape, const Shape& strides) {
        return error_of_tensor(code::tensor(whole(), offset, shape, strides));
    };
    EXPECT_EQ(with(0, {24}, {1}), "read");
    EXPECT_THAT(with(1, {24}, {1}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(0, {25}, {1}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(0, {2, 2}, {23, 1}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(INT64_MAX, {1}, {1}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(0, {2}, {INT64_MAX}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(0, {3, 3}, {INT64_MAX, INT64_MAX}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(0, {INT64_MAX, INT64_MAX}, {0, 0}), HasSubstr("outside its storage"));
    EXPECT_THAT(with(24, {}, {}), HasSubstr("outside its storage"));
}

TEST_P(PytorchFileTest, RefusesTensorsFarLargerThanTheFile) {
    EXPECT_THAT(error_of_tensor(code::tensor(whole(), 0, {1 << 30}, {0})),
                HasSubstr("larger than its storage"));
    // Many of them that are small enough each.
    std::vector<std::pair<std::string, std::string>> entries;
    for (int i = 0; i < 20; ++i) {
        entries.emplace_back(std::to_string(i), code::tensor(whole(), 0, {1 << 20}, {0}));
    }
    EXPECT_THAT(error_of(save(code::dict(entries))), HasSubstr("larger than its storage"));
}

// The second half of CVE-2026-24747.
TEST_P(PytorchFileTest, RefusesStoragesOfAnotherSizeThanTheySay) {
    for (const std::int64_t count : {23, 25, 0}) {
        EXPECT_THAT(
            error_of_tensor(code::tensor(code::storage("FloatStorage", "0", count), 0, {1}, {1})),
            HasSubstr("another size"));
    }
    EXPECT_THAT(error_of_tensor(code::tensor(code::storage("FloatStorage", "1", 24), 0, {1}, {1})),
                testing::AnyOf(HasSubstr("no file archive/data/1"), HasSubstr("is missing")));
    EXPECT_THAT(
        error_of_tensor(code::tensor(code::storage("FloatStorage", "../data.pkl", 1), 0, {1}, {1})),
        testing::AnyOf(HasSubstr("no file"), HasSubstr("is missing")));
}

TEST_P(PytorchFileTest, RefusesValuesThatNestTooDeepOrInOneAnother) {
    std::string deep = "]";
    for (int i = 0; i < 100'000; ++i) deep += "\x85";
    EXPECT_THAT(error_of(save(code::tuple({good(), deep}))), HasSubstr("too deep"));
    EXPECT_THAT(error_of(save(code::tuple({good(), std::string("]q\0h\0a", 6)}))),
                HasSubstr("too deep"));
    // Ten lists, each of which holds the one before ten times: ten thousand million values.
    std::string bomb = "(" + std::string(10, 'N') + "l";
    for (int i = 0; i < 9; ++i) bomb = "(" + bomb + std::string(9, '2') + "l";
    EXPECT_THAT(error_of(save(code::tuple({good(), bomb}))), HasSubstr("too many"));
}

TEST_P(PytorchFileTest, RefusesOneNameForTwoTensors) {
    const std::string tensor = code::tensor(whole(), 0, {2}, {1});
    EXPECT_THAT(error_of(save(code::dict({{"a.b", tensor}, {"a", code::dict({{"b", tensor}})}}))),
                HasSubstr("twice"));
}

TEST(PytorchFile, ReadsDeflatedArchives) {
    const std::string bytes = test::pytorch_archive(
        code::dict({{"w", code::tensor(whole(), 0, {24}, {1})}}), {{"0", ramp()}}, true);
    const auto file = parse_pytorch(test::bytes_of(bytes));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(to_f32(*file->tensors.tensor("w"))->at(23), 23);
}

TEST(PytorchFile, ReadsEveryType) {
    for (const auto& [name, dtype] :
         {std::pair{"DoubleStorage", Dtype::F64}, std::pair{"FloatStorage", Dtype::F32},
          std::pair{"HalfStorage", Dtype::F16}, std::pair{"BFloat16Storage", Dtype::BF16},
          std::pair{"LongStorage", Dtype::I64}, std::pair{"IntStorage", Dtype::I32},
          std::pair{"ShortStorage", Dtype::I16}, std::pair{"CharStorage", Dtype::I8},
          std::pair{"ByteStorage", Dtype::U8}, std::pair{"BoolStorage", Dtype::Bool},
          std::pair{"UntypedStorage", Dtype::U8}}) {
        const std::string storage(size_of(dtype) * 3, '\0');
        const std::string bytes = test::pytorch_archive(
            code::dict({{"t", code::tensor(code::storage(name, "0", 3), 0, {3}, {1})}}),
            {{"0", storage}});
        const auto file = parse_pytorch(test::bytes_of(bytes));
        ASSERT_TRUE(file) << name << file.error().message;
        EXPECT_EQ(file->tensors.tensor("t")->dtype, dtype);
    }
    const std::string bytes = test::pytorch_archive(
        code::dict({{"t", code::tensor(code::storage("QInt8Storage", "0", 3), 0, {3}, {1})}}),
        {{"0", "abc"}});
    EXPECT_EQ(parse_pytorch(test::bytes_of(bytes))->tensors.tensor("t").error().message,
              "tensor t: is of a type that is not read");
}

TEST(PytorchFile, RefusesArchivesThatAreNoModels) {
    const std::string pickle = code::program("}");
    EXPECT_THAT(error_of("nonsense"), HasSubstr("no PyTorch file"));
    EXPECT_THAT(error_of(""), HasSubstr("no PyTorch file"));
    EXPECT_THAT(error_of(test::zip({{"data.pkl", pickle}})), HasSubstr("no data.pkl"));
    EXPECT_THAT(error_of(test::zip({{"a/b/data.pkl", pickle}})), HasSubstr("no data.pkl"));
    EXPECT_THAT(error_of(test::zip({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}})),
                HasSubstr("two models"));
    EXPECT_THAT(error_of(test::zip({{"a/data.pkl", pickle}, {"a/byteorder", "big"}})),
                HasSubstr("little-endian"));
    EXPECT_THAT(error_of(test::zip({{"a/data.pkl", "broken"}})), HasSubstr("its pickle"));
    EXPECT_EQ(error_of(test::zip({{"a/data.pkl", pickle}})), "accepted");
}

TEST(PytorchFile, RefusesOldFilesThatAreCutOffOrGoOn) {
    const std::string value = code::dict({{"w", code::tensor(whole(), 0, {24}, {1})}});
    const std::string good = test::pytorch_pickles(value, {{"0", ramp()}});
    EXPECT_EQ(error_of(good), "accepted");
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_NE(error_of(good.substr(0, length)), "accepted") << length;
    EXPECT_THAT(error_of(good + "x"), HasSubstr("shorter than the file"));
    EXPECT_THAT(error_of(test::pytorch_pickles(value, {{"0", ramp()}, {"1", ""}})),
                HasSubstr("unknown type"));
    EXPECT_THAT(error_of(test::pytorch_pickles(value, {{"0", ramp()}, {"0", ramp()}})),
                HasSubstr("twice"));
    std::string count = good;
    count.replace(good.size() - ramp().size() - 8, 8, test::raw(~std::uint64_t{0}));
    EXPECT_THAT(error_of(count), HasSubstr("cut off"));
}

}  // namespace
}  // namespace titans::checkpoint
