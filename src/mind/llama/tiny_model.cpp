#include "mind/llama/tiny_model.h"

#include <ggml.h>
#include <gguf.h>

#include <format>
#include <memory>
#include <random>
#include <vector>

namespace titans::mind {
namespace {

constexpr int kWidth = 64;
constexpr int kLayers = 2;
constexpr int kVocabulary = 261;

class Writer {
public:
    explicit Writer(std::uint32_t seed)
        : random_(seed),
          tensors_(ggml_init({.mem_size = 16U << 20U, .mem_buffer = nullptr, .no_alloc = false})),
          file_(gguf_init_empty()) {}
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() {
        gguf_free(file_);
        ggml_free(tensors_);
    }

    gguf_context* file() { return file_; }

    /// Shape: [rows, columns]; [columns] if rows is 0.
    std::span<float> random(const std::string& name, int rows, int columns, float scale) {
        return fill(name, rows, columns, [&] { return scale * normal_(random_); });
    }
    std::span<float> constant(const std::string& name, int rows, int columns, float value) {
        return fill(name, rows, columns, [&] { return value; });
    }

private:
    template <typename Function>
    std::span<float> fill(const std::string& name, int rows, int columns, Function value) {
        ggml_tensor* tensor = rows == 0
                                  ? ggml_new_tensor_1d(tensors_, GGML_TYPE_F32, columns)
                                  : ggml_new_tensor_2d(tensors_, GGML_TYPE_F32, columns, rows);
        ggml_set_name(tensor, name.c_str());
        const std::span<float> data(ggml_get_data_f32(tensor),
                                    static_cast<std::size_t>(ggml_nelements(tensor)));
        for (float& number : data) number = value();
        gguf_add_tensor(file_, tensor);
        return data;
    }

    std::mt19937 random_;
    std::normal_distribution<float> normal_;
    ggml_context* tensors_;
    gguf_context* file_;
};

void write_vocabulary(gguf_context* file, int end_token) {
    // libllama's numbers for the kinds of token.
    constexpr int kUnknown = 2, kControl = 3, kByte = 6;
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
    std::vector<int> types{kUnknown, kControl, kControl};
    for (int byte = 0; byte < 256; ++byte) {
        tokens.push_back(std::format("<0x{:02X}>", byte));
        types.push_back(kByte);
    }
    for (const char* name : {"<|im_start|>", "<|im_end|>"}) {
        tokens.emplace_back(name);
        types.push_back(kControl);
    }
    std::vector<const char*> names;
    for (const std::string& token : tokens) names.push_back(token.c_str());
    const std::vector<float> scores(tokens.size(), 0);
    gguf_set_val_str(file, "tokenizer.ggml.model", "llama");
    gguf_set_arr_str(file, "tokenizer.ggml.tokens", names.data(), names.size());
    gguf_set_arr_data(file, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(),
                      scores.size());
    gguf_set_arr_data(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(),
                      types.size());
    gguf_set_val_u32(file, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(file, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(file, "tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end_token));
    gguf_set_val_bool(file, "tokenizer.ggml.add_bos_token", true);
    gguf_set_val_bool(file, "tokenizer.ggml.add_space_prefix", false);
}

}  // namespace

bool write_tiny_model(const TinyModel& model, const std::filesystem::path& path) {
    Writer writer(model.seed);
    gguf_context* file = writer.file();
    const std::string architecture = model.recurrent ? "mamba" : "llama";
    const auto number = [&](const char* key, int value) {
        gguf_set_val_u32(file, (architecture + "." + key).c_str(),
                         static_cast<std::uint32_t>(value));
    };
    gguf_set_val_str(file, "general.architecture", architecture.c_str());
    number("context_length", model.context_length);
    number("embedding_length", kWidth);
    number("block_count", kLayers);
    gguf_set_val_f32(file, (architecture + ".attention.layer_norm_rms_epsilon").c_str(), 1e-5F);
    write_vocabulary(file, model.end_token);
    if (!model.chat_template.empty())
        gguf_set_val_str(file, "tokenizer.chat_template", model.chat_template.c_str());

    writer.random("token_embd.weight", kVocabulary, kWidth, 1);
    writer.constant("output_norm.weight", 0, kWidth, 1);
    const std::span<float> output = writer.random("output.weight", kVocabulary, kWidth, 1);
    // The special tokens never are the likeliest.
    for (const int token : {0, 1, 2, kStartToken, kStopToken}) {
        std::ranges::fill(output.subspan(static_cast<std::size_t>(token) * kWidth, kWidth), 0.0F);
    }
    if (model.recurrent) {
        constexpr int kInner = 128, kState = 16, kConvolution = 4, kRank = 4;
        number("feed_forward_length", 0);
        number("attention.head_count", 0);
        number("ssm.conv_kernel", kConvolution);
        number("ssm.inner_size", kInner);
        number("ssm.state_size", kState);
        number("ssm.time_step_rank", kRank);
        for (int layer = 0; layer < kLayers; ++layer) {
            const std::string name = std::format("blk.{}.", layer);
            writer.constant(name + "attn_norm.weight", 0, kWidth, 1);
            writer.random(name + "ssm_in.weight", 2 * kInner, kWidth, 0.3F);
            writer.random(name + "ssm_conv1d.weight", kInner, kConvolution, 0.5F);
            writer.constant(name + "ssm_conv1d.bias", 0, kInner, 0);
            writer.random(name + "ssm_x.weight", kRank + 2 * kState, kInner, 0.2F);
            writer.random(name + "ssm_dt.weight", kInner, kRank, 0.3F);
            writer.constant(name + "ssm_dt.bias", 0, kInner, 0);
            writer.constant(name + "ssm_a", kInner, kState, -0.5F);
            writer.constant(name + "ssm_d", 0, kInner, 1);
            writer.random(name + "ssm_out.weight", kWidth, kInner, 0.3F);
        }
    } else {
        constexpr int kHeads = 4, kForward = 128;
        number("feed_forward_length", kForward);
        number("attention.head_count", kHeads);
        number("attention.head_count_kv", kHeads);
        number("rope.dimension_count", kWidth / kHeads);
        for (int layer = 0; layer < kLayers; ++layer) {
            const std::string name = std::format("blk.{}.", layer);
            writer.constant(name + "attn_norm.weight", 0, kWidth, 1);
            for (const char* matrix : {"attn_q.weight", "attn_k.weight", "attn_v.weight"}) {
                writer.random(name + matrix, kWidth, kWidth, 0.25F);
            }
            // Small, so that the rounding of sums in another order hardly ever changes an answer.
            writer.random(name + "attn_output.weight", kWidth, kWidth, 0.05F);
            writer.constant(name + "ffn_norm.weight", 0, kWidth, 1);
            writer.random(name + "ffn_gate.weight", kForward, kWidth, 0.2F);
            writer.random(name + "ffn_up.weight", kForward, kWidth, 0.2F);
            writer.random(name + "ffn_down.weight", kWidth, kForward, 0.2F);
        }
    }
    return gguf_write_to_file(file, path.c_str(), false);
}

}  // namespace titans::mind
