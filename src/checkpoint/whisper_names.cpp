#include "checkpoint/whisper_names.h"

#include <array>
#include <format>
#include <optional>

namespace titans::checkpoint {
namespace {

/// A part of a layer, or of what stands around the layers.
struct Names {
    std::string_view transformers;
    std::string_view ctranslate2;
    std::size_t part;
    std::size_t parts;
    std::string_view openai;
};

constexpr std::array kInLayer{
    Names{"self_attn.q_proj", "self_attention/linear_0", 0, 3, "attn.query"},
    Names{"self_attn.k_proj", "self_attention/linear_0", 1, 3, "attn.key"},
    Names{"self_attn.v_proj", "self_attention/linear_0", 2, 3, "attn.value"},
    Names{"self_attn.out_proj", "self_attention/linear_1", 0, 1, "attn.out"},
    Names{"self_attn_layer_norm", "self_attention/layer_norm", 0, 1, "attn_ln"},
    Names{"encoder_attn.q_proj", "attention/linear_0", 0, 1, "cross_attn.query"},
    Names{"encoder_attn.k_proj", "attention/linear_1", 0, 2, "cross_attn.key"},
    Names{"encoder_attn.v_proj", "attention/linear_1", 1, 2, "cross_attn.value"},
    Names{"encoder_attn.out_proj", "attention/linear_2", 0, 1, "cross_attn.out"},
    Names{"encoder_attn_layer_norm", "attention/layer_norm", 0, 1, "cross_attn_ln"},
    Names{"fc1", "ffn/linear_0", 0, 1, "mlp.0"},
    Names{"fc2", "ffn/linear_1", 0, 1, "mlp.2"},
    Names{"final_layer_norm", "ffn/layer_norm", 0, 1, "mlp_ln"},
};

/// "encoder.layers.3.fc1.weight" is {"encoder", "3", kInLayer's fc1, "weight"}.
struct InLayer {
    std::string_view side;
    std::string_view number;
    const Names& names;
    std::string_view what;
};

std::optional<InLayer> find_in_layer(std::string_view name) {
    constexpr std::string_view kLayers = ".layers.";
    const std::size_t layers = name.find(kLayers);
    if (layers == std::string_view::npos) return std::nullopt;
    const std::string_view rest = name.substr(layers + kLayers.size());
    const std::size_t dot = rest.find('.');
    const std::string_view part = rest.substr(dot + 1);
    const std::size_t last = part.rfind('.');
    for (const Names& names : kInLayer) {
        if (part.substr(0, last) == names.transformers)
            return InLayer{name.substr(0, layers), rest.substr(0, dot), names,
                           part.substr(last + 1)};
    }
    return std::nullopt;
}

}  // namespace

FusedName ctranslate2_name(std::string_view name) {
    // Norms alone have other names for weight and bias.
    const auto what = [](std::string_view module, std::string_view word) -> std::string_view {
        if (!module.ends_with("layer_norm")) return word;
        return word == "weight" ? "gamma" : "beta";
    };
    if (const auto found = find_in_layer(name)) {
        const Names& names = found->names;
        return {std::format("{}/layer_{}/{}/{}", found->side, found->number, names.ctranslate2,
                            what(names.ctranslate2, found->what)),
                names.part, names.parts};
    }
    const std::size_t first = name.find('.');
    const std::size_t last = name.rfind('.');
    const std::string_view side = name.substr(0, first);
    const std::string_view module = name.substr(first + 1, last - first - 1);
    if (module == "embed_positions") return {std::format("{}/position_encodings/encodings", side)};
    if (module == "embed_tokens") return {std::format("{}/embeddings/weight", side)};
    return {std::format("{}/{}/{}", side, module, what(module, name.substr(last + 1)))};
}

std::string openai_name(std::string_view name) {
    if (const auto found = find_in_layer(name)) {
        return std::format("{}.blocks.{}.{}.{}", found->side, found->number, found->names.openai,
                           found->what);
    }
    if (name.ends_with(".embed_positions.weight"))
        return std::format("{}.positional_embedding", name.substr(0, name.find('.')));
    if (name == "decoder.embed_tokens.weight") return "decoder.token_embedding.weight";
    const std::string_view what = name.substr(name.rfind('.') + 1);
    if (name.starts_with("encoder.layer_norm.")) return std::format("encoder.ln_post.{}", what);
    if (name.starts_with("decoder.layer_norm.")) return std::format("decoder.ln.{}", what);
    return std::string(name);
}

}  // namespace titans::checkpoint
