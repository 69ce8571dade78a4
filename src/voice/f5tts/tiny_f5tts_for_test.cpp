#include "voice/f5tts/tiny_f5tts_for_test.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <format>
#include <random>
#include <stdexcept>
#include <vector>

namespace titans::voice::f5tts {
namespace {

constexpr int kMels = 100;
constexpr int kDim = 32;
constexpr int kTextDim = 16;
constexpr int kDepth = 2;
constexpr int kGroups = 16;

class Writer {
public:
    Writer(const TinyModel& model, const char* architecture)
        : model_(model),
          file_(gguf_init_empty()),
          context_(ggml_init({.mem_size = 2U << 20U, .mem_buffer = nullptr, .no_alloc = false})),
          prefix_(architecture) {
        gguf_set_val_str(file_.get(), "general.architecture", architecture);
    }

    gguf_context* file() { return file_.get(); }
    std::string key(std::string_view name) const { return std::format("{}.{}", prefix_, name); }
    void number(std::string_view name, std::uint32_t value) {
        gguf_set_val_u32(file_.get(), key(name).c_str(), value);
    }

    /// `shape` slowest axis first; normal values times `scale` / sqrt(fan in), around `mean`.
    void tensor(const std::string& name, std::vector<std::int64_t> shape, float scale = 1,
                float mean = 0) {
        const std::int64_t rows = shape.front();
        std::ranges::reverse(shape);
        ggml_tensor* made = ggml_new_tensor(context_.get(), GGML_TYPE_F32,
                                            static_cast<int>(shape.size()), shape.data());
        ggml_set_name(made, name.c_str());
        const auto fan_in = static_cast<float>(rows > 1 ? ggml_nelements(made) / rows : 1);
        std::normal_distribution<float> normal(0, scale / std::sqrt(std::max(fan_in, 1.0F)));
        float* const values = static_cast<float*>(made->data);
        for (std::int64_t i = 0; i < ggml_nelements(made); ++i) values[i] = mean + normal(random_);
        if (name != model_.lacks) gguf_add_tensor(file_.get(), made);
    }
    void linear(const std::string& name, int to, int from, float scale = 1) {
        tensor(name + ".weight", {to, from}, scale);
        tensor(name + ".bias", {to}, 0.02F);
    }
    void conv(const std::string& name, int to, int from, int kernel) {
        tensor(name + ".weight", {to, from, kernel});
        tensor(name + ".bias", {to}, 0.02F);
    }
    void norm(const std::string& name, int width) {
        tensor(name + ".weight", {width}, 0.1F, 1);
        tensor(name + ".bias", {width}, 0.02F);
    }
    void close(const std::filesystem::path& path) {
        if (model_.change) model_.change(file_.get());
        if (!gguf_write_to_file(file_.get(), path.c_str(), false))
            throw std::runtime_error("the tiny model could not be written");
    }

private:
    const TinyModel& model_;
    gguf_context_ptr file_;
    ggml_context_ptr context_;
    std::string prefix_;
    std::mt19937 random_;  // NOLINT(cert-msc51-cpp): the same in every run
};

std::uint32_t write_vocabulary(gguf_context* file) {
    std::vector<std::string> tokens{" ", ".", ","};
    for (char letter = 'a'; letter <= 'z'; ++letter) tokens.emplace_back(1, letter);
    std::vector<const char*> pointers;
    for (const std::string& token : tokens) pointers.push_back(token.c_str());
    gguf_set_arr_str(file, "tokenizer.tokens", pointers.data(), pointers.size());
    return static_cast<std::uint32_t>(tokens.size());
}

void write_text_encoder(Writer& file, int vocabulary) {
    file.tensor("text_embed.text_embed.weight", {vocabulary + 1, kTextDim}, 4);
    const std::string block = "text_embed.text_blocks.0.";
    file.conv(block + "dwconv", kTextDim, 1, 7);
    file.norm(block + "norm", kTextDim);
    file.linear(block + "pwconv1", 2 * kTextDim, kTextDim);
    file.tensor(block + "grn.gamma", {1, 1, 2 * kTextDim}, 0.5F);
    file.tensor(block + "grn.beta", {1, 1, 2 * kTextDim}, 0.02F);
    file.linear(block + "pwconv2", kTextDim, 2 * kTextDim);
}

}  // namespace

void write_tiny_f5tts(const std::filesystem::path& path, const TinyModel& model) {
    Writer file(model, "f5tts");
    const std::uint32_t vocabulary = write_vocabulary(file.file());
    file.number("dim", kDim);
    file.number("depth", kDepth);
    file.number("heads", 2);
    file.number("ff_mult", 2);
    file.number("mel_dim", kMels);
    file.number("text_dim", kTextDim);
    file.number("conv_layers", 1);
    file.number("text_num_embeds", vocabulary);
    file.number("pe_attn_head", 0);
    gguf_set_val_bool(file.file(), file.key("text_mask_padding").c_str(), true);

    file.linear("time_embed.time_mlp.0", kDim, 256);
    file.linear("time_embed.time_mlp.2", kDim, kDim);
    write_text_encoder(file, static_cast<int>(vocabulary));
    file.linear("input_embed.proj", kDim, 2 * kMels + kTextDim, 0.5F);
    for (const int number : {0, 2}) {
        file.conv(std::format("input_embed.conv_pos_embed.conv1d.{}", number), kDim, kDim / kGroups,
                  31);
    }
    for (int number = 0; number < kDepth; ++number) {
        const std::string block = std::format("transformer_blocks.{}.", number);
        file.linear(block + "attn_norm.linear", 6 * kDim, kDim, 2);
        for (const std::string_view part : {"to_q", "to_k", "to_v"})
            file.linear(std::format("{}attn.{}", block, part), kDim, kDim, 1.5F);
        file.linear(block + "attn.to_out.0", kDim, kDim);
        file.linear(block + "ff.ff.0.0", 2 * kDim, kDim);
        file.linear(block + "ff.ff.2", kDim, 2 * kDim);
    }
    file.linear("norm_out.linear", 2 * kDim, kDim);
    file.linear("proj_out", kMels, kDim);
    file.close(path);
}

void write_tiny_vocos(const std::filesystem::path& path, const TinyModel& model) {
    constexpr int kWidth = 16;
    constexpr int kWide = 24;
    constexpr int kFourier = 1024;
    Writer file(model, "vocos");
    file.number("n_mels", kMels);
    file.number("dim", kWidth);
    file.number("intermediate_dim", kWide);
    file.number("num_layers", 1);
    file.number("n_fft", kFourier);
    file.number("hop_length", 256);
    file.number("sample_rate", 24'000);
    gguf_set_val_str(file.file(), file.key("padding").c_str(), "center");

    file.conv("backbone.embed", kWidth, kMels, 7);
    file.norm("backbone.norm", kWidth);
    const std::string block = "backbone.convnext.0.";
    file.conv(block + "dwconv", kWidth, 1, 7);
    file.norm(block + "norm", kWidth);
    file.linear(block + "pwconv1", kWide, kWidth);
    file.linear(block + "pwconv2", kWidth, kWide);
    file.tensor(block + "gamma", {kWidth}, 0.1F, 0.5F);
    file.norm("backbone.final_layer_norm", kWidth);
    file.linear("head.out", kFourier + 2, kWidth);
    file.close(path);
}

}  // namespace titans::voice::f5tts
