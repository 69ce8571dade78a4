#include "checkpoint/convert.h"

#include <ggml-cpp.h>
#include <gguf.h>
#include <gtest/gtest.h>

#include "checkpoint/test_files.h"
#include "engine/ggml/gguf_file.h"

namespace titans::checkpoint {
namespace {

TEST(Convert, KnowsItsWords) {
    EXPECT_EQ(find_conversion("whisper"), Conversion::Whisper);
    EXPECT_EQ(find_conversion("whisper-ggml"), std::nullopt);
    EXPECT_EQ(find_conversion("wav2vec2"), Conversion::Ctc);
    EXPECT_EQ(find_conversion("hubert"), Conversion::Ctc);
    EXPECT_EQ(find_conversion("f5tts"), Conversion::F5tts);
    EXPECT_EQ(find_conversion("f5tts-base"), Conversion::F5ttsBase);
    EXPECT_EQ(find_conversion("vocos"), Conversion::Vocos);
    EXPECT_EQ(find_conversion("bert"), Conversion::Bert);
    EXPECT_EQ(find_conversion("requantize"), Conversion::Requantize);
    EXPECT_EQ(find_conversion("onnx"), Conversion::Onnx);
    EXPECT_EQ(find_conversion("Whisper"), std::nullopt);
}

TEST(Convert, LeavesTheOldFileAndNoOtherWhenItFails) {
    const test::Folder folder;
    folder.write("in.onnx", test::onnx_model({test::ramp("t", {0}, 0)}));
    folder.write("out.gguf", "old");
    EXPECT_FALSE(convert(Conversion::Onnx, folder / "in.onnx", folder / "out.gguf"));
    EXPECT_EQ(test::read(folder / "out.gguf"), "old");
    EXPECT_EQ(folder.entries(), 2);
}

TEST(Convert, NamesTheFileThatIsMissing) {
    const test::Folder folder;
    folder.write("in/other", "");
    for (const Conversion conversion : {Conversion::Whisper, Conversion::Bert, Conversion::Ctc}) {
        const auto converted = convert(conversion, folder / "in", folder / "out");
        EXPECT_EQ(converted.error().kind, ErrorKind::NotFound);
        EXPECT_EQ(converted.error().message, "config.json: is missing");
    }
}

TEST(Convert, SaysWhenTheOutputHasNoPlace) {
    const test::Folder folder;
    folder.write("in.onnx", test::onnx_model({test::ramp("t", {2}, 0)}));
    EXPECT_EQ(convert(Conversion::Onnx, folder / "in.onnx", folder / "none/out").error().kind,
              ErrorKind::Internal);
}

/// A language model of libllama's architecture "llama" with one layer, matrices as Q4_1.
void write_language_model(const std::filesystem::path& path) {
    constexpr int kWidth = 64;
    const gguf_context_ptr file(gguf_init_empty());
    gguf_set_val_str(file.get(), "general.architecture", "llama");
    for (const char* const key :
         {"llama.context_length", "llama.embedding_length", "llama.feed_forward_length"}) {
        gguf_set_val_u32(file.get(), key, kWidth);
    }
    gguf_set_val_u32(file.get(), "llama.block_count", 1);
    gguf_set_val_u32(file.get(), "llama.attention.head_count", 2);
    gguf_set_val_f32(file.get(), "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    gguf_set_val_str(file.get(), "tokenizer.ggml.model", "none");

    const std::vector<float> values(kWidth * kWidth, 0.5F);
    std::vector<std::byte> quantized(ggml_row_size(GGML_TYPE_Q4_1, values.size()));
    ggml_quantize_chunk(GGML_TYPE_Q4_1, values.data(), quantized.data(), 0, kWidth, kWidth,
                        nullptr);
    const ggml_context_ptr context(
        ggml_init({.mem_size = 16384, .mem_buffer = nullptr, .no_alloc = true}));
    for (const char* const name :
         {"token_embd.weight", "blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight",
          "blk.0.attn_output.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight",
          "blk.0.ffn_down.weight"}) {
        ggml_tensor* const tensor =
            ggml_new_tensor_2d(context.get(), GGML_TYPE_Q4_1, kWidth, kWidth);
        ggml_set_name(tensor, name);
        tensor->data = quantized.data();
        gguf_add_tensor(file.get(), tensor);
    }
    for (const char* const name :
         {"output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight"}) {
        ggml_tensor* const tensor = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, kWidth);
        ggml_set_name(tensor, name);
        tensor->data = const_cast<float*>(values.data());
        gguf_add_tensor(file.get(), tensor);
    }
    ASSERT_TRUE(gguf_write_to_file(file.get(), path.c_str(), false));
}

TEST(Convert, RequantizesMatricesAndNothingElse) {
    const test::Folder folder;
    write_language_model(folder / "in.gguf");
    const auto converted = convert(Conversion::Requantize, folder / "in.gguf", folder / "out.gguf");
    ASSERT_TRUE(converted) << converted.error().message << converted.error().detail;
    const gguf_context_ptr file(
        gguf_init_from_file((folder / "out.gguf").c_str(), {.no_alloc = true, .ctx = nullptr}));
    ASSERT_TRUE(file);
    const auto type = [&](const char* name) {
        return gguf_get_tensor_type(file.get(), gguf_find_tensor(file.get(), name));
    };
    EXPECT_EQ(gguf_get_n_tensors(file.get()), 11);
    EXPECT_EQ(type("blk.0.attn_v.weight"), GGML_TYPE_Q8_0);
    EXPECT_EQ(type("token_embd.weight"), GGML_TYPE_Q8_0);
    EXPECT_EQ(type("blk.0.attn_norm.weight"), GGML_TYPE_F32);
    EXPECT_EQ(folder.entries(), 2);
}

TEST(Convert, RefusesToRequantizeWhatIsNoModel) {
    const test::Folder folder;
    folder.write("in.gguf", "GGUF and nonsense");
    const auto converted = convert(Conversion::Requantize, folder / "in.gguf", folder / "out.gguf");
    EXPECT_EQ(converted.error().kind, ErrorKind::InvalidInput);
    EXPECT_FALSE(converted.error().message.contains("/"));
    EXPECT_EQ(folder.entries(), 1);
}

TEST(Convert, WritesTheWeightsOfAnOnnxFileAsTheyAre) {
    const test::Folder folder;
    folder.write("in.onnx", test::onnx_model({test::ramp("encoder.weight", {3, 1, 2}, 5),
                                              test::ramp("encoder.bias", {2}, 9)}));
    const auto converted = convert(Conversion::Onnx, folder / "in.onnx", folder / "out.gguf");
    ASSERT_TRUE(converted) << converted.error().message;
    const auto file = engine::GgufFile::open(folder / "out.gguf");
    ASSERT_TRUE(file) << file.error().message;
    const auto values = [&](std::string_view name, std::initializer_list<std::int64_t> shape) {
        const auto found = file->tensor(name, shape);
        return found ? std::vector<float>(std::from_range, *found) : std::vector<float>();
    };
    EXPECT_EQ(values("encoder.weight", {3, 1, 2}), (std::vector<float>{5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(values("encoder.bias", {2}), (std::vector<float>{9, 10}));
}

TEST(Convert, RefusesWhatGgufCannotHold) {
    const test::Folder folder;
    const auto with = [&](const test::Array& array) {
        folder.write("in.onnx", test::onnx_model({array}));
        const auto converted = convert(Conversion::Onnx, folder / "in.onnx", folder / "out.gguf");
        return converted ? "accepted" : converted.error().message;
    };
    EXPECT_EQ(with(test::ramp("t", {1, 1, 1, 1, 2}, 0)), "tensor t: GGUF cannot hold it");
    EXPECT_EQ(with(test::ramp("t", {0}, 0)), "tensor t: GGUF cannot hold it");
    EXPECT_EQ(with(test::ramp(std::string(64, 't'), {2}, 0)),
              "tensor " + std::string(64, 't') + ": GGUF cannot hold it");
    EXPECT_EQ(with(test::ramp("t", {2}, 0)), "accepted");
    folder.write("in.onnx", "nonsense");
    EXPECT_EQ(convert(Conversion::Onnx, folder / "in.onnx", folder / "out.gguf").error().message,
              "in.onnx: is no ONNX model, or a broken one");
}

}  // namespace
}  // namespace titans::checkpoint
