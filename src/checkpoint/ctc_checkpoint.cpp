#include "checkpoint/ctc_checkpoint.h"

#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/config_reader.h"
#include "checkpoint/json_file.h"
#include "checkpoint/output_file.h"
#include "checkpoint/token_table.h"
#include "checkpoint/weight_norm.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostConvolutions = 16;
constexpr std::string_view kPositions = "encoder.pos_conv_embed.conv.weight";

// Tensors of training that recognising does without.
constexpr std::array<std::string_view, 5> kUnused{"masked_spec_embed", "quantizer.", "project_q.",
                                                  "project_hid.", "num_batches_tracked"};

/// The settings of the audio: how the samples are scaled before the network.
Result<void> read_preprocessor(const fs::path& folder, ModelFile& out) {
    TITANS_TRY(const nlohmann::json json,
               read_config_if_there(folder / "preprocessor_config.json"));
    ConfigReader reader(json, "preprocessor_config.json", out,
                        std::format("{}.preprocessor.", out.architecture()));
    reader.boolean("do_normalize", true);
    reader.boolean("return_attention_mask", false);
    reader.integer("sampling_rate", 16'000, {.least = 16'000, .most = 16'000});
    return reader.result();
}

Result<void> read_tokens(const fs::path& folder, const CtcConfig& config, ModelFile& out) {
    TITANS_TRY(const TokenTable table, TokenTable::read_list(folder));
    TITANS_TRY(const auto tokens, table.list(config.vocabulary));
    if (std::cmp_not_equal(tokens.size(), config.vocabulary)) {
        return fail(ErrorKind::InvalidInput, "vocab.json: has fewer tokens than the model");
    }
    TITANS_TRY_VOID(out.set("tokenizer.tokens", tokens));

    // Later files have the last word, as in the reference.
    struct Special {
        std::string_view key;
        std::string token;
    };
    std::array<Special, 3> special{
        {{"word_delimiter_token", "|"}, {"pad_token", "<pad>"}, {"unk_token", "<unk>"}}};
    bool lowers_case = false;
    for (const std::string_view name : {"tokenizer_config.json", "special_tokens_map.json"}) {
        TITANS_TRY(const nlohmann::json json, read_config_if_there(folder / name));
        for (Special& each : special) {
            if (std::string token = named_token(json, each.key); !token.empty())
                each.token = std::move(token);
        }
        lowers_case = json.value("do_lower_case", nlohmann::json(lowers_case)) == true;
    }
    for (const Special& each : special) {
        if (each.key != "unk_token" && !table.contains(each.token)) {
            return fail(ErrorKind::InvalidInput,
                        std::format("vocab.json: has not the {} \"{}\"", each.key, each.token));
        }
        out.set(std::format("tokenizer.{}", each.key), each.token);
    }
    out.set("tokenizer.do_lower_case", lowers_case);
    return {};
}

/// The positional convolution, its weight normalisation folded, from either of the two spellings.
Result<void> copy_positions(TensorPicker& picker, const Tensors& source, const std::string& prefix,
                            const NeededTensor& needed, ModelFile& out) {
    const std::string whole = prefix + needed.name;
    if (source.contains(whole)) return picker.copy(needed, whole);
    const std::string conv = whole.substr(0, whole.size() - std::string_view("weight").size());
    const bool is_new = source.contains(conv + "parametrizations.weight.original1");
    const auto part = [&](std::string_view is, std::string_view was) {
        return conv + std::string(is_new ? is : was);
    };
    TITANS_TRY(const TensorView length,
               picker.take(part("parametrizations.weight.original0", "weight_g"),
                           {1, 1, needed.shape[2]}));
    TITANS_TRY(const TensorView direction,
               picker.take(part("parametrizations.weight.original1", "weight_v"), needed.shape));
    TITANS_TRY(std::vector<float> weight, fold_weight_norm(length, direction));
    return out.add(needed.name, needed.shape, std::move(weight));
}

}  // namespace

Result<CtcConfig> read_ctc_config(const nlohmann::json& config, ModelFile& out) {
    ConfigReader reader(config, "config.json", out, std::format("{}.", out.architecture()));
    CtcConfig read;
    read.vocabulary = reader.integer("vocab_size", 32, {.least = 2, .most = 1 << 16});
    read.width = reader.integer("hidden_size", 768, {.least = 1, .most = 1 << 13});
    read.layers = reader.integer("num_hidden_layers", 12, {.least = 1, .most = 96});
    const int heads = reader.integer("num_attention_heads", 12, {.least = 1, .most = 128});
    read.feed_forward = reader.integer("intermediate_size", 3072, {.least = 1, .most = 1 << 15});
    reader.word("hidden_act", {"gelu"});
    reader.word("feat_extract_activation", {"gelu"});
    reader.fraction("layer_norm_eps", 1e-5F);
    read.conv_widths = reader.integers("conv_dim", std::vector<std::int32_t>(7, 512),
                                       kMostConvolutions, {.least = 1, .most = 1 << 13});
    read.conv_kernels = reader.integers("conv_kernel", {10, 3, 3, 3, 3, 2, 2}, kMostConvolutions,
                                        {.least = 1, .most = 64});
    const auto strides = reader.integers("conv_stride", {5, 2, 2, 2, 2, 2, 2}, kMostConvolutions,
                                         {.least = 1, .most = 64});
    read.conv_bias = reader.boolean("conv_bias", false);
    read.normalizes_each_conv = reader.word("feat_extract_norm", {"group", "layer"}) == "layer";
    read.position_kernel =
        reader.integer("num_conv_pos_embeddings", 128, {.least = 1, .most = 1024});
    read.position_groups =
        reader.integer("num_conv_pos_embedding_groups", 16, {.least = 1, .most = 1024});
    reader.boolean("do_stable_layer_norm", false);
    reader.integer("pad_token_id", 0, {.least = 0, .most = read.vocabulary - 1});
    if (out.architecture() == "hubert") {
        read.normalizes_features = reader.boolean("feat_proj_layer_norm", true);
        reader.refuse_if_set("conv_pos_batch_norm");
    } else {
        reader.refuse_if_set("add_adapter");
        reader.refuse_if_set("adapter_attn_dim");
    }
    TITANS_TRY_VOID(reader.result());
    if (read.conv_kernels.size() != read.conv_widths.size() ||
        strides.size() != read.conv_widths.size()) {
        reader.refuse("conv_kernel", "or conv_stride is not as long as conv_dim");
    }
    if (read.width % heads != 0) reader.refuse("num_attention_heads", "do not share hidden_size");
    if (read.width % read.position_groups != 0)
        reader.refuse("num_conv_pos_embedding_groups", "do not share hidden_size");
    TITANS_TRY_VOID(reader.result());
    return read;
}

std::vector<NeededTensor> ctc_tensors(const CtcConfig& config) {
    std::vector<NeededTensor> list;
    const std::int64_t width = config.width;
    const auto linear = [&](const std::string& name, std::int64_t to, std::int64_t from) {
        list.push_back({name + ".weight", {to, from}});
        list.push_back({name + ".bias", {to}});
    };
    const auto layer_norm = [&](const std::string& name, std::int64_t size) {
        list.push_back({name + ".weight", {size}});
        list.push_back({name + ".bias", {size}});
    };
    std::int64_t from = 1;
    for (std::size_t i = 0; i < config.conv_widths.size(); ++i) {
        const std::string layer = std::format("feature_extractor.conv_layers.{}.", i);
        const std::int64_t to = config.conv_widths[i];
        list.push_back({layer + "conv.weight", {to, from, config.conv_kernels[i]}});
        if (config.conv_bias) list.push_back({layer + "conv.bias", {to}});
        if (config.normalizes_each_conv || i == 0) layer_norm(layer + "layer_norm", to);
        from = to;
    }
    if (config.normalizes_features) layer_norm("feature_projection.layer_norm", from);
    linear("feature_projection.projection", width, from);
    list.push_back({"encoder.pos_conv_embed.conv.bias", {width}});
    list.push_back(
        {std::string(kPositions), {width, width / config.position_groups, config.position_kernel}});
    layer_norm("encoder.layer_norm", width);
    for (int i = 0; i < config.layers; ++i) {
        const std::string layer = std::format("encoder.layers.{}.", i);
        for (const std::string_view part : {"k_proj", "v_proj", "q_proj", "out_proj"})
            linear(std::format("{}attention.{}", layer, part), width, width);
        layer_norm(layer + "layer_norm", width);
        linear(layer + "feed_forward.intermediate_dense", config.feed_forward, width);
        linear(layer + "feed_forward.output_dense", width, config.feed_forward);
        layer_norm(layer + "final_layer_norm", width);
    }
    linear("lm_head", config.vocabulary, width);
    return list;
}

Result<void> convert_ctc(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const nlohmann::json json, read_config(folder / "config.json"));
    const auto kind = json.find("model_type");
    if (kind == json.end() || (*kind != "wav2vec2" && *kind != "hubert")) {
        return fail(ErrorKind::Unsupported,
                    "config.json: model_type is neither wav2vec2 nor hubert");
    }
    const std::string family = kind->get<std::string>();
    ModelFile out(family);
    TITANS_TRY(const CtcConfig config, read_ctc_config(json, out));
    TITANS_TRY_VOID(read_preprocessor(folder, out));
    TITANS_TRY_VOID(read_tokens(folder, config, out));

    TITANS_TRY(const Checkpoint checkpoint, Checkpoint::open_folder(folder));
    const Tensors& source = checkpoint.tensors();
    if (!source.contains("lm_head.weight")) {
        return fail(ErrorKind::Unsupported,
                    "the model has no letters (lm_head): it was not trained to recognise speech");
    }
    TensorPicker picker(source, out);
    const std::string prefix = family + ".";
    for (const NeededTensor& needed : ctc_tensors(config)) {
        const bool is_head = needed.name.starts_with("lm_head.");
        if (needed.name == kPositions) {
            TITANS_TRY_VOID(copy_positions(picker, source, prefix, needed, out));
        } else {
            TITANS_TRY_VOID(picker.copy(needed, (is_head ? "" : prefix) + needed.name));
        }
    }
    TITANS_TRY_VOID(picker.expect_no_more(kUnused));
    out.set("titans.source_sha256", checkpoint.source_sha256());
    TITANS_TRY(OutputFile file, OutputFile::create(output));
    TITANS_TRY_VOID(out.write(file.stream()));
    return file.commit();
}

}  // namespace titans::checkpoint
