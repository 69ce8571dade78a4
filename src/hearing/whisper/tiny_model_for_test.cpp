#include "hearing/whisper/tiny_model_for_test.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <random>
#include <stdexcept>

#include "foundation/temporary_folder_for_test.h"
#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

constexpr int kWidth = 16;
constexpr int kHidden = 24;
constexpr int kLayers = 2;
constexpr int kMels = 80;

class Writer {
public:
    explicit Writer(const TinyModel& model)
        : lacks_(model.lacks),
          file_(gguf_init_empty()),
          context_(ggml_init({.mem_size = 1U << 20U, .mem_buffer = nullptr, .no_alloc = false})) {}

    gguf_context* file() { return file_.get(); }

    /// `shape` slowest axis first; normal values times `scale`, around `mean`.
    float* tensor(const std::string& name, std::vector<std::int64_t> shape, float scale,
                  float mean = 0) {
        std::ranges::reverse(shape);
        ggml_tensor* made = ggml_new_tensor(context_.get(), GGML_TYPE_F32,
                                            static_cast<int>(shape.size()), shape.data());
        ggml_set_name(made, name.c_str());
        std::normal_distribution<float> normal(mean, scale);
        float* const values = static_cast<float*>(made->data);
        for (std::int64_t i = 0; i < ggml_nelements(made); ++i) values[i] = normal(random_);
        if (name != lacks_) gguf_add_tensor(file_.get(), made);
        return values;
    }
    void linear(const std::string& name, int to, int from) {
        tensor(name + ".weight", {to, from}, 1.5F / std::sqrt(static_cast<float>(from)));
        if (!name.ends_with("k_proj")) tensor(name + ".bias", {to}, 0.02F);
    }
    void norm(const std::string& name) {
        tensor(name + ".weight", {kWidth}, 0.1F, 1);
        tensor(name + ".bias", {kWidth}, 0.02F);
    }
    void attention(const std::string& name) {
        for (const std::string_view part : {"q_proj", "k_proj", "v_proj", "out_proj"})
            linear(std::format("{}.{}", name, part), kWidth, kWidth);
        norm(name + "_layer_norm");
    }
    void convolution(const std::string& name, int from) {
        tensor(name + ".weight", {kWidth, from, 3}, 1 / std::sqrt(3.0F * static_cast<float>(from)));
        tensor(name + ".bias", {kWidth}, 0.02F);
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

void write_facts(gguf_context* file, const std::vector<std::string>& tokens) {
    gguf_set_val_str(file, "general.architecture", "whisper");
    const auto number = [&](std::string_view name, std::size_t value) {
        gguf_set_val_u32(file, std::format("whisper.{}", name).c_str(),
                         static_cast<std::uint32_t>(value));
    };
    number("vocab_size", tokens.size());
    number("num_mel_bins", kMels);
    number("d_model", kWidth);
    for (const std::string_view side : {"encoder", "decoder"}) {
        number(std::format("{}_layers", side), kLayers);
        number(std::format("{}_attention_heads", side), 2);
        number(std::format("{}_ffn_dim", side), kHidden);
    }
    number("max_source_positions", kTinyPositions);
    number("max_target_positions", kTinyTokens);
    constexpr std::array<std::int32_t, 4> kHeads{0, 1, 1, 0};
    gguf_set_arr_data(file, "whisper.alignment_heads", GGUF_TYPE_INT32, kHeads.data(),
                      kHeads.size());
    std::vector<const char*> pointers;
    for (const std::string& token : tokens) pointers.push_back(token.c_str());
    gguf_set_arr_str(file, "tokenizer.tokens", pointers.data(), pointers.size());
}

}  // namespace

std::vector<std::string> tiny_vocabulary() {
    std::vector<std::string> tokens;
    std::vector<std::string> rest;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
        const bool printed =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        std::string spelled;
        text::append(spelled, printed ? static_cast<char32_t>(byte) : next++);
        (printed ? tokens : rest).push_back(spelled);
    }
    tokens.insert(tokens.end(), rest.begin(), rest.end());
    for (const char* merge : {"Ġt", "he", "Ġthe", "Ġa", "ing", "Ġ(", "Ø§"})
        tokens.emplace_back(merge);
    for (const char* word : {"endoftext", "startoftranscript", "en", "ar", "translate",
                             "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"})
        tokens.push_back(std::format("<|{}|>", word));
    for (int i = 0; i <= kTinyPositions; ++i)
        tokens.push_back(std::format("<|{}.{:02}|>", i / 50, i % 50 * 2));
    return tokens;
}

Vocabulary load_tiny_vocabulary() {
    const TemporaryFolder folder;
    write_tiny_model(folder / "tiny.gguf");
    return Vocabulary::read(*engine::GgufFile::open(folder / "tiny.gguf"),
                            static_cast<int>(tiny_vocabulary().size()))
        .value();
}

void write_tiny_model(const std::filesystem::path& path, const TinyModel& model) {
    Writer writer(model);
    const std::vector<std::string> tokens = tiny_vocabulary();
    write_facts(writer.file(), tokens);
    writer.convolution("encoder.conv1", kMels);
    writer.convolution("encoder.conv2", kWidth);
    writer.tensor("encoder.embed_positions.weight", {kTinyPositions, kWidth}, 0.5F);
    writer.norm("encoder.layer_norm");
    const auto count = static_cast<std::int64_t>(tokens.size());
    float* const words = writer.tensor("decoder.embed_tokens.weight", {count, kWidth}, 0.25F);
    const auto end = std::ranges::find(tokens, "<|endoftext|>") - tokens.begin();
    for (int i = 0; i < kWidth; ++i) words[end * kWidth + i] *= 2;  // so that texts end
    writer.tensor("decoder.embed_positions.weight", {kTinyTokens, kWidth}, 1);
    writer.norm("decoder.layer_norm");
    for (const std::string side : {"encoder", "decoder"}) {
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = std::format("{}.layers.{}.", side, i);
            writer.attention(layer + "self_attn");
            if (side == "decoder") writer.attention(layer + "encoder_attn");
            writer.linear(layer + "fc1", kHidden, kWidth);
            writer.linear(layer + "fc2", kWidth, kHidden);
            writer.norm(layer + "final_layer_norm");
        }
    }
    if (model.change) model.change(writer.file());
    writer.close(path);
}

}  // namespace titans::hearing::whisper
