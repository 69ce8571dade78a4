#include "checkpoint/model_file.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>
#include <gmock/gmock.h>

#include <map>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

class ModelFileTest : public testing::Test {
protected:
    /// Writes `file` and opens it again.
    void write(ModelFile& file) {
        std::FILE* const out = std::fopen((folder_ / "out").c_str(), "wb");
        ASSERT_TRUE(file.write(out));
        (void)std::fclose(out);
        bytes_ = test::read(folder_ / "out");
        ggml_context* shapes = nullptr;
        header_.reset(
            gguf_init_from_file((folder_ / "out").c_str(), {.no_alloc = true, .ctx = &shapes}));
        shapes_.reset(shapes);
        ASSERT_TRUE(header_);
    }

    const ggml_tensor* shape(const char* name) { return ggml_get_tensor(shapes_.get(), name); }

    /// Where the values of a tensor begin in the file.
    std::size_t place(const char* name) {
        return gguf_get_data_offset(header_.get()) +
               gguf_get_tensor_offset(header_.get(), gguf_find_tensor(header_.get(), name));
    }

    std::vector<float> floats(const char* name) {
        std::vector<float> values(ggml_nelements(shape(name)));
        std::memcpy(values.data(), bytes_.data() + place(name), values.size() * sizeof(float));
        return values;
    }

    test::Folder folder_;
    std::string bytes_;
    gguf_context_ptr header_;
    ggml_context_ptr shapes_;
};

test::Array halves(std::string name, Shape shape) {
    test::Array array{.name = std::move(name), .dtype = Dtype::F16, .shape = std::move(shape)};
    for (std::int64_t i = 0; i < test::count(array.shape); ++i)
        array.bytes += test::raw(ggml_fp32_to_fp16(static_cast<float>(i)));
    return array;
}

TEST_F(ModelFileTest, SaysWhatItIs) {
    ModelFile file("whisper");
    file.set("a.number", std::uint32_t{7});
    file.set("a.fraction", 1e-5F);
    file.set("a.truth", true);
    file.set("a.word", std::string("gelu"));
    const std::vector<std::int32_t> numbers{1, -2};
    file.set("a.numbers", numbers);
    const std::vector<std::string> words{"Ġa", ""};
    ASSERT_TRUE(file.set("a.words", words));
    write(file);
    const auto key = [&](const char* name) { return gguf_find_key(header_.get(), name); };
    gguf_context* const header = header_.get();
    EXPECT_STREQ(gguf_get_val_str(header, key("general.architecture")), "whisper");
    EXPECT_EQ(gguf_get_val_u32(header, key("general.alignment")), 64);
    EXPECT_EQ(gguf_get_val_u32(header, key("titans.format")), 1);
    EXPECT_EQ(gguf_get_val_u32(header, key("titans.converter")), ModelFile::kConverterVersion);
    EXPECT_EQ(gguf_get_val_u32(header, key("a.number")), 7);
    EXPECT_EQ(gguf_get_val_f32(header, key("a.fraction")), 1e-5F);
    EXPECT_TRUE(gguf_get_val_bool(header, key("a.truth")));
    EXPECT_STREQ(gguf_get_val_str(header, key("a.word")), "gelu");
    EXPECT_EQ(gguf_get_arr_type(header, key("a.numbers")), GGUF_TYPE_INT32);
    EXPECT_EQ(static_cast<const std::int32_t*>(gguf_get_arr_data(header, key("a.numbers")))[1], -2);
    EXPECT_EQ(gguf_get_arr_n(header, key("a.words")), 2);
    EXPECT_STREQ(gguf_get_arr_str(header, key("a.words"), 0), "Ġa");
}

TEST_F(ModelFileTest, KeepsMatricesAsTheyAreAndVectorsInF32) {
    const test::Array matrix = halves("source.m", {3, 5});
    const test::Array vector = halves("source.v", {5});
    test::Array brain = halves("source.b", {2, 1, 3});
    brain.dtype = Dtype::BF16;
    const test::Array scalar = test::ramp("source.s", {}, 4);
    test::Array doubles{.name = "source.d", .dtype = Dtype::F64, .shape = {2, 2}};
    for (const double value : {0.5, 1.0, 1.5, 2.0}) doubles.bytes += test::raw(value);
    ModelFile file("x");
    ASSERT_TRUE(file.add("m", matrix.view()));
    ASSERT_TRUE(file.add("v", vector.view()));
    ASSERT_TRUE(file.add("b", brain.view()));
    ASSERT_TRUE(file.add("s", scalar.view()));
    ASSERT_TRUE(file.add("d", doubles.view()));
    ASSERT_TRUE(file.add("c", {1, 2}, {8, 9}));
    write(file);
    EXPECT_EQ(shape("m")->type, GGML_TYPE_F16);
    EXPECT_THAT(shape("m")->ne, ElementsAre(5, 3, 1, 1));
    EXPECT_EQ(bytes_.substr(place("m"), 30), matrix.bytes);
    EXPECT_EQ(shape("b")->type, GGML_TYPE_BF16);
    EXPECT_EQ(bytes_.substr(place("b"), 12), brain.bytes);
    EXPECT_EQ(shape("v")->type, GGML_TYPE_F32);
    EXPECT_THAT(floats("v"), ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(floats("s"), ElementsAre(4));
    EXPECT_THAT(floats("d"), ElementsAre(0.5, 1, 1.5, 2));
    EXPECT_THAT(floats("c"), ElementsAre(8, 9));
}

TEST_F(ModelFileTest, BeginsEachTensorAtAMultipleOf64Bytes) {
    const test::Array array = halves("a", {1, 3});
    ModelFile file("x");
    for (const std::string name : {"a", "b", "c"}) ASSERT_TRUE(file.add(name, array.view()));
    write(file);
    for (const char* const name : {"a", "b", "c"}) EXPECT_EQ(place(name) % 64, 0) << name;
    EXPECT_NE(place("a"), place("b"));
    EXPECT_EQ(bytes_.size() % 64, 0);
}

TEST_F(ModelFileTest, ConvertsTensorsOfManyBlocks) {
    constexpr int kCount = 1'500'001;  // 3 MB in blocks of one
    test::Array vector{.name = "v", .dtype = Dtype::F16, .shape = {kCount}};
    for (int i = 0; i < kCount; ++i)
        vector.bytes += test::raw(ggml_fp32_to_fp16(static_cast<float>(i % 2039)));
    ModelFile file("x");
    ASSERT_TRUE(file.add("v", vector.view()));
    ASSERT_TRUE(file.add("end", test::ramp("", {2}, 5).shape, {5, 6}));
    write(file);
    const auto values = floats("v");
    for (int i = 0; i < kCount; ++i) ASSERT_EQ(values[i], i % 2039) << i;
    EXPECT_THAT(floats("end"), ElementsAre(5, 6));
}

TEST(ModelFile, RefusesWhatGgufCannotHold) {
    ModelFile file("x");
    const auto error = [&](const std::string& name, const test::Array& array) {
        const auto added = file.add(name, array.view());
        return added ? "accepted" : added.error().message;
    };
    EXPECT_EQ(error("t", test::ramp("s", {1, 1, 1, 1, 1}, 0)), "tensor s: GGUF cannot hold it");
    EXPECT_EQ(error("t", test::ramp("s", {0}, 0)), "tensor s: GGUF cannot hold it");
    EXPECT_EQ(error(std::string(64, 't'), test::ramp("s", {1}, 0)),
              "tensor s: GGUF cannot hold it");
    test::Array whole = test::ramp("s", {1}, 0);
    whole.dtype = Dtype::I32;
    EXPECT_EQ(error("t", whole), "tensor s: is not of a floating-point type");
    EXPECT_EQ(error("t", test::ramp("s", {1}, 0)), "accepted");
    EXPECT_EQ(error("t", test::ramp("s", {1}, 0)), "tensor s: is there twice");
    EXPECT_FALSE(file.add("u", {2}, {1}));
    const std::vector<std::string> tokens{std::string("a\0b", 3)};
    EXPECT_EQ(file.set("tokenizer.tokens", tokens).error().kind, ErrorKind::InvalidInput);
}

TEST(ModelFile, SaysWhenTheDiskTakesNoMore) {
    std::FILE* const full = std::fopen("/dev/full", "wb");
    ASSERT_NE(full, nullptr);
    const test::Array array = test::ramp("a", {1000, 1000}, 0);
    ModelFile file("x");
    ASSERT_TRUE(file.add("a", array.view()));
    EXPECT_EQ(file.write(full).error().kind, ErrorKind::Internal);
    (void)std::fclose(full);
}

}  // namespace
}  // namespace titans::checkpoint
