#include "checkpoint/bert_gguf_writer.h"

#include <ggml-cpp.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <format>
#include <set>

#include "checkpoint/gguf_writer.h"

namespace titans::checkpoint {
namespace {

/// A tensor of the output and the one it is made of.
struct Entry {
    std::string name;
    std::string source;
    Shape shape;                   // of the source
    std::int64_t rows = shape[0];  // how many of the source's are kept
};

std::vector<Entry> list_entries(const BertConfig& config) {
    std::vector<Entry> entries;
    const std::int64_t width = config.width;
    const auto linear = [&](const std::string& name, const std::string& source, std::int64_t to,
                            std::int64_t from) {
        entries.push_back({name + ".weight", source + ".weight", {to, from}});
        entries.push_back({name + ".bias", source + ".bias", {to}});
    };
    const auto layer_norm = [&](const std::string& name, const std::string& source) {
        entries.push_back({name + ".weight", source + ".weight", {width}});
        entries.push_back({name + ".bias", source + ".bias", {width}});
    };
    const auto table = [&](const std::string& name, const std::string& source, std::int64_t rows) {
        entries.push_back({name, "embeddings." + source + ".weight", {rows, width}});
    };
    table("token_embd.weight", "word_embeddings", config.vocabulary);
    table("token_types.weight", "token_type_embeddings", config.token_types);
    table("position_embd.weight", "position_embeddings", config.positions);
    entries.back().rows = config.context;
    layer_norm("token_embd_norm", "embeddings.LayerNorm");
    for (int i = 0; i < config.layers; ++i) {
        const std::string block = std::format("blk.{}.", i);
        const std::string layer = std::format("encoder.layer.{}.", i);
        linear(block + "attn_q", layer + "attention.self.query", width, width);
        linear(block + "attn_k", layer + "attention.self.key", width, width);
        linear(block + "attn_v", layer + "attention.self.value", width, width);
        linear(block + "attn_output", layer + "attention.output.dense", width, width);
        layer_norm(block + "attn_output_norm", layer + "attention.output.LayerNorm");
        linear(block + "ffn_up", layer + "intermediate.dense", config.feed_forward, width);
        linear(block + "ffn_down", layer + "output.dense", width, config.feed_forward);
        layer_norm(block + "layer_output_norm", layer + "output.LayerNorm");
    }
    return entries;
}

void set_number(gguf_context* file, const char* key, int value) {
    gguf_set_val_u32(file, key, static_cast<std::uint32_t>(value));
}

void set_config(gguf_context* file, const BertConfig& config) {
    gguf_set_val_str(file, "general.architecture", "bert");
    gguf_set_val_str(file, "general.type", "model");
    set_number(file, "general.file_type", 0);  // all F32
    set_number(file, "bert.context_length", config.context);
    set_number(file, "bert.embedding_length", config.width);
    set_number(file, "bert.block_count", config.layers);
    set_number(file, "bert.feed_forward_length", config.feed_forward);
    set_number(file, "bert.attention.head_count", config.heads);
    gguf_set_val_f32(file, "bert.attention.layer_norm_epsilon", config.layer_norm_epsilon);
    gguf_set_val_bool(file, "bert.attention.causal", false);
    set_number(file, "bert.pooling_type", static_cast<int>(config.pooling));
    set_number(file, "tokenizer.ggml.token_type_count", config.token_types);
}

/// libllama marks the pieces that begin a word with U+2581, where vocab.txt marks those that
/// continue one with ##.
std::string mark(const std::string& piece) {
    if (piece.starts_with('[') && piece.ends_with(']')) return piece;
    if (piece.starts_with("##")) return piece.substr(2);
    return "\u2581" + piece;
}

Result<void> set_vocabulary(gguf_context* file, const std::vector<std::string>& pieces) {
    constexpr std::int32_t kNormal = 1;
    constexpr std::int32_t kUnknown = 2;
    constexpr std::int32_t kControl = 3;
    struct Special {
        const char* key;
        std::string_view piece;
        std::int32_t type;
    };
    constexpr std::array kSpecial{
        Special{"tokenizer.ggml.unknown_token_id", "[UNK]", kUnknown},
        Special{"tokenizer.ggml.seperator_token_id", "[SEP]",
                kControl},  // spelt as libllama spells it
        Special{"tokenizer.ggml.padding_token_id", "[PAD]", kControl},
        Special{"tokenizer.ggml.cls_token_id", "[CLS]", kControl},
        Special{"tokenizer.ggml.mask_token_id", "[MASK]", kControl},
    };

    // libllama cannot hold a token twice.
    std::set<std::string> marked;
    std::vector<const char*> tokens;
    for (const std::string& piece : pieces) {
        const auto [token, is_new] = marked.insert(mark(piece));
        if (!is_new || piece.contains('\0'))
            return fail(ErrorKind::InvalidInput, "vocab.txt: has a token twice");
        tokens.push_back(token->c_str());
    }
    gguf_set_val_str(file, "tokenizer.ggml.model", "bert");
    gguf_set_arr_str(file, "tokenizer.ggml.tokens", tokens.data(), tokens.size());
    std::vector<std::int32_t> types(pieces.size(), kNormal);
    for (const Special& special : kSpecial) {
        const auto found = std::ranges::find(pieces, special.piece);
        if (found == pieces.end()) {
            return fail(ErrorKind::InvalidInput,
                        std::format("vocab.txt: has no {}", special.piece));
        }
        types[found - pieces.begin()] = special.type;
        set_number(file, special.key, static_cast<int>(found - pieces.begin()));
    }
    gguf_set_arr_data(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(),
                      types.size());
    return {};
}

}  // namespace

Result<void> write_bert_gguf(const Tensors& tensors, const BertConfig& config,
                             const std::vector<std::string>& pieces, std::FILE* out) {
    if (std::cmp_not_equal(pieces.size(), config.vocabulary)) {
        return fail(ErrorKind::InvalidInput,
                    "vocab.txt: has another number of tokens than the model");
    }
    const gguf_context_ptr file(gguf_init_empty());
    set_config(file.get(), config);
    TITANS_TRY_VOID(set_vocabulary(file.get(), pieces));

    std::vector<GgufTensor> converted;
    for (const Entry& entry : list_entries(config)) {
        TITANS_TRY(TensorView source, tensors.tensor(entry.source, entry.shape));
        source.bytes = source.bytes.first(source.bytes.size() / entry.shape[0] * entry.rows);
        TITANS_TRY(std::vector<float> floats, to_f32(source));
        std::vector<std::int64_t> shape(entry.shape.begin(), entry.shape.end());
        shape.front() = entry.rows;
        converted.push_back({entry.name, std::move(shape), std::move(floats)});
    }
    return write_gguf(file.get(), std::move(converted), out);
}

}  // namespace titans::checkpoint
