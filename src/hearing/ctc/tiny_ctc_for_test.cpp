#include "hearing/ctc/tiny_ctc_for_test.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <random>
#include <stdexcept>
#include <vector>

namespace titans::hearing::ctc {
namespace {

constexpr int kWidth = 16;
constexpr int kFeatures = 8;
constexpr int kWide = 24;
constexpr int kLayers = 2;
constexpr int kPositions = 8;
constexpr int kGroups = 4;
constexpr std::array<std::int32_t, 2> kKernels{10, 6};
constexpr std::array<std::int32_t, 2> kStrides{5, 4};

class Writer {
public:
    explicit Writer(const TinyCtc& model)
        : lacks_(model.lacks),
          file_(gguf_init_empty()),
          context_(ggml_init({.mem_size = 1U << 20U, .mem_buffer = nullptr, .no_alloc = false})) {}

    gguf_context* file() { return file_.get(); }

    /// `shape` slowest axis first; normal values times `scale` / sqrt(fan in), around `mean`.
    void tensor(const std::string& name, std::vector<std::int64_t> shape, float scale = 1,
                float mean = 0) {
        const std::int64_t rows = shape.front();
        std::ranges::reverse(shape);
        ggml_tensor* made = ggml_new_tensor(context_.get(), GGML_TYPE_F32,
                                            static_cast<int>(shape.size()), shape.data());
        ggml_set_name(made, name.c_str());
        const auto fan_in = static_cast<float>(shape.size() > 1 ? ggml_nelements(made) / rows : 1);
        std::normal_distribution<float> normal(0, scale / std::sqrt(fan_in));
        float* const values = static_cast<float*>(made->data);
        for (std::int64_t i = 0; i < ggml_nelements(made); ++i) values[i] = mean + normal(random_);
        if (name != lacks_) gguf_add_tensor(file_.get(), made);
    }
    void linear(const std::string& name, int to, int from, float scale = 1) {
        tensor(name + ".weight", {to, from}, scale);
        tensor(name + ".bias", {to}, 0.02F * scale);
    }
    void norm(const std::string& name, int width) {
        tensor(name + ".weight", {width}, 0.1F, 1);
        tensor(name + ".bias", {width}, 0.02F);
    }
    void close(const std::filesystem::path& path) {
        if (!gguf_write_to_file(file_.get(), path.c_str(), false))
            throw std::runtime_error("the tiny model could not be written");
    }

private:
    std::string lacks_;
    gguf_context_ptr file_;
    ggml_context_ptr context_;
    std::mt19937 random_;
};

void write_facts(gguf_context* file, const TinyCtc& model) {
    const auto key = [&](std::string_view name) {
        return std::format("{}.{}", model.architecture, name);
    };
    const auto number = [&](std::string_view name, std::uint32_t value) {
        gguf_set_val_u32(file, key(name).c_str(), value);
    };
    const auto flag = [&](std::string_view name, bool value) {
        gguf_set_val_bool(file, key(name).c_str(), value);
    };
    const auto word = [&](std::string_view name, const char* value) {
        gguf_set_val_str(file, key(name).c_str(), value);
    };
    const auto numbers = [&](std::string_view name, const std::array<std::int32_t, 2>& values) {
        gguf_set_arr_data(file, key(name).c_str(), GGUF_TYPE_INT32, values.data(), values.size());
    };
    gguf_set_val_str(file, "general.architecture", model.architecture.c_str());
    numbers("conv_dim", {kFeatures, kFeatures});
    numbers("conv_kernel", kKernels);
    numbers("conv_stride", kStrides);
    flag("conv_bias", model.normalizes_each_conv);
    word("feat_extract_norm", model.normalizes_each_conv ? "layer" : "group");
    word("feat_extract_activation", "gelu");
    word("hidden_act", "gelu");
    number("hidden_size", kWidth);
    number("num_hidden_layers", kLayers);
    number("num_attention_heads", 2);
    number("intermediate_size", kWide);
    gguf_set_val_f32(file, key("layer_norm_eps").c_str(), 1e-5F);
    number("num_conv_pos_embeddings", kPositions);
    number("num_conv_pos_embedding_groups", kGroups);
    flag("do_stable_layer_norm", model.normalizes_first);
    flag("preprocessor.do_normalize", true);
    number("preprocessor.sampling_rate", 16000);

    std::vector<std::string> tokens{"<pad>", "<s>", "</s>", "<unk>", "|", "'"};
    for (char letter = 'A'; letter <= 'Z'; ++letter) tokens.emplace_back(1, letter);
    std::vector<const char*> pointers;
    for (const std::string& token : tokens) pointers.push_back(token.c_str());
    number("vocab_size", static_cast<std::uint32_t>(tokens.size()));
    gguf_set_arr_str(file, "tokenizer.tokens", pointers.data(), pointers.size());
    gguf_set_val_str(file, "tokenizer.pad_token", "<pad>");
    gguf_set_val_str(file, "tokenizer.unk_token", "<unk>");
    gguf_set_val_str(file, "tokenizer.word_delimiter_token", "|");
    gguf_set_val_bool(file, "tokenizer.do_lower_case", false);
    if (model.change) model.change(file);
}

}  // namespace

void write_tiny_ctc(const std::filesystem::path& path, const TinyCtc& model) {
    Writer file(model);
    write_facts(file.file(), model);
    for (int number = 0; number < 2; ++number) {
        const std::string name = std::format("feature_extractor.conv_layers.{}", number);
        file.tensor(name + ".conv.weight", {kFeatures, number == 0 ? 1 : kFeatures,
                                            kKernels.at(static_cast<std::size_t>(number))});
        if (model.normalizes_each_conv) file.tensor(name + ".conv.bias", {kFeatures}, 0.02F);
        if (model.normalizes_each_conv || number == 0) file.norm(name + ".layer_norm", kFeatures);
    }
    file.norm("feature_projection.layer_norm", kFeatures);
    file.linear("feature_projection.projection", kWidth, kFeatures);
    file.tensor("encoder.pos_conv_embed.conv.weight", {kWidth, kWidth / kGroups, kPositions});
    file.tensor("encoder.pos_conv_embed.conv.bias", {kWidth}, 0.02F);
    file.norm("encoder.layer_norm", kWidth);
    for (int number = 0; number < kLayers; ++number) {
        const std::string name = std::format("encoder.layers.{}.", number);
        for (const std::string_view part : {"q_proj", "k_proj", "v_proj"})
            file.linear(std::format("{}attention.{}", name, part), kWidth, kWidth, 1.5F);
        file.linear(name + "attention.out_proj", kWidth, kWidth, model.attends ? 0.5F : 0);
        file.norm(name + "layer_norm", kWidth);
        file.linear(name + "feed_forward.intermediate_dense", kWide, kWidth);
        file.linear(name + "feed_forward.output_dense", kWidth, kWide);
        file.norm(name + "final_layer_norm", kWidth);
    }
    file.linear("lm_head", 32, kWidth, 3);
    file.close(path);
}

}  // namespace titans::hearing::ctc
