#include "engine/ggml/gguf_file.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "foundation/temporary_folder_for_test.h"

namespace titans::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A GGUF file of "ramp", [2, 1, 3] of 0 to 5, and "one", [1] of 7; both of `type`.
void write(const std::filesystem::path& path, ggml_type type = GGML_TYPE_F32) {
    const gguf_context_ptr file(gguf_init_empty());
    const ggml_context_ptr context(
        ggml_init({.mem_size = 4096, .mem_buffer = nullptr, .no_alloc = true}));
    std::array<float, 6> ramp{0, 1, 2, 3, 4, 5};
    std::array<float, 1> one{7};
    const auto add = [&](ggml_tensor* tensor, const char* name, void* values) {
        ggml_set_name(tensor, name);
        tensor->data = values;
        gguf_add_tensor(file.get(), tensor);
    };
    add(ggml_new_tensor_3d(context.get(), type, 3, 1, 2), "ramp", ramp.data());
    add(ggml_new_tensor_1d(context.get(), type, 1), "one", one.data());
    ASSERT_TRUE(gguf_write_to_file(file.get(), path.c_str(), /*only_meta=*/false));
}

TEST(GgufFile, GivesTensorsByNameAndShape) {
    const TemporaryFolder folder;
    write(folder / "model.gguf");
    const auto file = GgufFile::open(folder / "model.gguf");
    ASSERT_TRUE(file) << file.error().message;
    const auto ramp = file->tensor("ramp", {2, 1, 3});
    ASSERT_TRUE(ramp) << ramp.error().message;
    EXPECT_THAT(*ramp, ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_THAT(*file->tensor("one", {1}), ElementsAre(7));
}

TEST(GgufFile, RefusesOtherNamesAndShapes) {
    const TemporaryFolder folder;
    write(folder / "model.gguf");
    const auto file = GgufFile::open(folder / "model.gguf");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->tensor("two", {1}).error().message, "the model file lacks the tensor two");
    EXPECT_EQ(file->tensor("ramp", {3, 1, 2}).error().message,
              "the model file has the tensor ramp in another shape");
    EXPECT_FALSE(file->tensor("ramp", {6}));
    EXPECT_FALSE(file->tensor("ramp", {1, 1, 1, 1, 1, 6}));
}

TEST(GgufFile, TellsTheFactsOfTheirKinds) {
    const TemporaryFolder folder;
    const gguf_context_ptr made(gguf_init_empty());
    gguf_set_val_u32(made.get(), "width", 512);
    gguf_set_val_f32(made.get(), "epsilon", 0.5F);
    gguf_set_val_bool(made.get(), "tied", true);
    gguf_set_val_str(made.get(), "name", "base");
    const std::array<std::int32_t, 2> strides{5, -2};
    gguf_set_arr_data(made.get(), "strides", GGUF_TYPE_INT32, strides.data(), strides.size());
    std::array<const char*, 2> tokens{"a", "b"};
    gguf_set_arr_str(made.get(), "tokens", tokens.data(), tokens.size());
    ASSERT_TRUE(gguf_write_to_file(made.get(), (folder / "m.gguf").c_str(), /*only_meta=*/false));
    const auto file = GgufFile::open(folder / "m.gguf");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(*file->integer("width"), 512);
    EXPECT_EQ(*file->real("epsilon"), 0.5);
    EXPECT_EQ(*file->flag("tied"), true);
    EXPECT_EQ(*file->text("name"), "base");
    EXPECT_THAT(*file->integers("strides"), ElementsAre(5, -2));
    EXPECT_THAT(*file->texts("tokens"), ElementsAre("a", "b"));
    EXPECT_TRUE(file->has("width"));
    EXPECT_FALSE(file->has("height"));
    EXPECT_EQ(file->integer("height").error().message, "the model file lacks height");
    for (const char* key : {"epsilon", "name", "strides", "tokens", "tied"})
        EXPECT_FALSE(file->integer(key)) << key;
    EXPECT_FALSE(file->real("width"));
    EXPECT_FALSE(file->text("tokens"));
    EXPECT_FALSE(file->texts("strides"));
    EXPECT_FALSE(file->integers("tokens"));
}

TEST(GgufFile, RefusesOtherAndBrokenFiles) {
    const TemporaryFolder folder;
    EXPECT_EQ(GgufFile::open(folder / "none.gguf").error().kind, ErrorKind::NotFound);
    write(folder / "half.gguf", GGML_TYPE_F16);
    const auto half = GgufFile::open(folder / "half.gguf");
    ASSERT_TRUE(half) << half.error().message;
    EXPECT_THAT(half->tensor("one", {1}).error().message, HasSubstr("not F32"));
    EXPECT_EQ(half->find("one", {1})->type, GgufFile::Type::F16);
    write(folder / "model.gguf");
    const auto bytes = std::filesystem::file_size(folder / "model.gguf");
    for (const std::uintmax_t kept :
         {std::uintmax_t{0}, std::uintmax_t{3}, bytes / 2, bytes - 32}) {
        write(folder / "cut.gguf");
        std::filesystem::resize_file(folder / "cut.gguf", kept);
        const auto file = GgufFile::open(folder / "cut.gguf");
        ASSERT_FALSE(file) << kept;
        EXPECT_EQ(file.error().kind, ErrorKind::Unsupported);
        EXPECT_FALSE(file.error().message.contains('/'));
    }
}

}  // namespace
}  // namespace titans::engine
