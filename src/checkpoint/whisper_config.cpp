#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "checkpoint/config_reader.h"
#include "checkpoint/whisper_checkpoint.h"

namespace titans::checkpoint {

Result<WhisperConfig> read_whisper_config(const nlohmann::json& config, ModelFile& out) {
    constexpr Range kLayers{.least = 1, .most = 64};
    constexpr Range kHeads{.least = 1, .most = 128};
    constexpr Range kFeedForward{.least = 1, .most = 1 << 15};
    ConfigReader reader(config, "config.json", out, "whisper.");
    WhisperConfig read;
    read.vocabulary = reader.integer("vocab_size", 51'865, {.least = 2, .most = 1 << 18});
    read.mels = reader.integer("num_mel_bins", 80, {.least = 1, .most = 256});
    read.width = reader.integer("d_model", 384, {.least = 1, .most = 1 << 13});
    read.encoder_layers = reader.integer("encoder_layers", 4, kLayers);
    read.decoder_layers = reader.integer("decoder_layers", 4, kLayers);
    const int encoder_heads = reader.integer("encoder_attention_heads", 6, kHeads);
    read.decoder_heads = reader.integer("decoder_attention_heads", 6, kHeads);
    read.encoder_feed_forward = reader.integer("encoder_ffn_dim", 1536, kFeedForward);
    read.decoder_feed_forward = reader.integer("decoder_ffn_dim", 1536, kFeedForward);
    read.source_positions =
        reader.integer("max_source_positions", 1500, {.least = 1, .most = 1 << 14});
    read.target_positions =
        reader.integer("max_target_positions", 448, {.least = 4, .most = 1 << 14});
    reader.word("activation_function", {"gelu"});
    reader.refuse_if_set("scale_embedding");
    if (config.value("tie_word_embeddings", nlohmann::json(true)) == false) {
        reader.refuse("tie_word_embeddings", "is false, which is not supported",
                      ErrorKind::Unsupported);
    }
    TITANS_TRY_VOID(reader.result());
    if (read.width % 2 != 0 || read.width % encoder_heads != 0)
        reader.refuse("encoder_attention_heads", "do not share d_model");
    if (read.width % read.decoder_heads != 0)
        reader.refuse("decoder_attention_heads", "do not share d_model");
    TITANS_TRY_VOID(reader.result());
    return read;
}

std::vector<NeededTensor> whisper_tensors(const WhisperConfig& config) {
    std::vector<NeededTensor> list;
    const std::int64_t width = config.width;
    const auto linear = [&](const std::string& name, std::int64_t to, std::int64_t from) {
        list.push_back({name + ".weight", {to, from}});
        // Keys have no bias: softmax would cancel it.
        if (!name.ends_with("k_proj")) list.push_back({name + ".bias", {to}});
    };
    const auto layer_norm = [&](const std::string& name) {
        list.push_back({name + ".weight", {width}});
        list.push_back({name + ".bias", {width}});
    };
    const auto attention = [&](const std::string& name) {
        for (const std::string_view part : {"k_proj", "v_proj", "q_proj", "out_proj"})
            linear(std::format("{}.{}", name, part), width, width);
        layer_norm(name + "_layer_norm");
    };
    const auto feed_forward = [&](const std::string& layer, std::int64_t size) {
        linear(layer + "fc1", size, width);
        linear(layer + "fc2", width, size);
        layer_norm(layer + "final_layer_norm");
    };
    list.push_back({"encoder.conv1.weight", {width, config.mels, 3}});
    list.push_back({"encoder.conv1.bias", {width}});
    list.push_back({"encoder.conv2.weight", {width, width, 3}});
    list.push_back({"encoder.conv2.bias", {width}});
    list.push_back({"encoder.embed_positions.weight", {config.source_positions, width}});
    for (int i = 0; i < config.encoder_layers; ++i) {
        const std::string layer = std::format("encoder.layers.{}.", i);
        attention(layer + "self_attn");
        feed_forward(layer, config.encoder_feed_forward);
    }
    layer_norm("encoder.layer_norm");
    list.push_back({"decoder.embed_tokens.weight", {config.vocabulary, width}});
    list.push_back({"decoder.embed_positions.weight", {config.target_positions, width}});
    for (int i = 0; i < config.decoder_layers; ++i) {
        const std::string layer = std::format("decoder.layers.{}.", i);
        attention(layer + "self_attn");
        attention(layer + "encoder_attn");
        feed_forward(layer, config.decoder_feed_forward);
    }
    layer_norm("decoder.layer_norm");
    return list;
}

Result<std::vector<std::string>> list_whisper_tokens(TokenTable table, int size) {
    constexpr int kTimestamps = 1501;  // 0 to 30 s in steps of 0.02 s
    const std::string no_timestamps = "<|notimestamps|>";
    for (const std::string& token :
         {std::string("<|endoftext|>"), std::string("<|startoftranscript|>"), no_timestamps}) {
        if (!table.contains(token) || table.id(token) >= size)
            return fail(ErrorKind::InvalidInput, std::format("the vocabulary has no {}", token));
    }
    const int first = table.id(no_timestamps) + 1;
    for (int i = 0; i < kTimestamps && first + i < size; ++i) {
        const std::string token = std::format("<|{}.{:02}|>", i / 50, i % 50 * 2);
        if (table.contains(first + i) && table.contains(token)) continue;
        if (const auto done = table.add(token, first + i); !done) {
            return fail(ErrorKind::InvalidInput,
                        std::format("the vocabulary has not {} where it belongs", token));
        }
    }
    TITANS_TRY(std::vector<std::string> tokens, table.list(size));
    if (std::cmp_not_equal(tokens.size(), size)) {
        return fail(ErrorKind::InvalidInput, "the vocabulary has fewer tokens than the model");
    }
    return tokens;
}

}  // namespace titans::checkpoint
