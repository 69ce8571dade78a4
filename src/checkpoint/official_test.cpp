// The lists of tensors that follow from the official configurations, against the official files'.

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/bert_checkpoint.h"
#include "checkpoint/ctc_checkpoint.h"
#include "checkpoint/f5tts_checkpoint.h"
#include "checkpoint/test_files.h"
#include "checkpoint/vocos_checkpoint.h"
#include "checkpoint/whisper_checkpoint.h"
#include "checkpoint/whisper_names.h"

namespace titans::checkpoint {
namespace {

using nlohmann::json;
using Shapes = std::map<std::string, std::string>;

/// NAME<tab>512x1x10<tab>float32, and lines of remarks. Scalars do not occur.
Shapes official(const std::string& model) {
    std::ifstream file(std::string(TITANS_OFFICIAL_TENSORS) + "/" + model + ".txt");
    Shapes shapes;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        const std::size_t tab = line.find('\t');
        const std::size_t end = line.find('\t', tab + 1);
        std::string shape = "[" + line.substr(tab + 1, end - tab - 1) + "]";
        for (std::size_t x = 0; (x = shape.find('x')) != std::string::npos;)
            shape.replace(x, 1, ", ");
        shapes.emplace(line.substr(0, tab), shape);
    }
    return shapes;
}

/// The tensors that `needed` are made of, in either spelling of weight normalisation, and those
/// that are left out.
Shapes expected(const std::vector<NeededTensor>& needed, const std::string& prefix, bool is_old,
                Shapes left_out) {
    Shapes shapes = std::move(left_out);
    for (const auto& [name, shape] : needed) {
        const std::string whole = (name.starts_with("lm_head.") ? "" : prefix) + name;
        if (!name.contains("pos_conv_embed.conv.weight")) {
            shapes.emplace(whole, to_string(shape));
            continue;
        }
        const std::string conv = whole.substr(0, whole.size() - 6);
        shapes.emplace(conv + (is_old ? "weight_g" : "parametrizations.weight.original0"),
                       to_string({1, 1, shape[2]}));
        shapes.emplace(conv + (is_old ? "weight_v" : "parametrizations.weight.original1"),
                       to_string(shape));
    }
    return shapes;
}

/// The official list as the older spelling has it.
Shapes in_old_spelling(const Shapes& shapes) {
    Shapes old;
    for (const auto& [official_name, shape] : shapes) {
        std::string name = official_name;
        for (const auto& [is, was] : {std::pair{"parametrizations.weight.original0", "weight_g"},
                                      std::pair{"parametrizations.weight.original1", "weight_v"}}) {
            const std::size_t place = name.find(is);
            if (place != std::string::npos) name.replace(place, std::string::npos, was);
        }
        old.emplace(name, shape);
    }
    return old;
}

TEST(Official, Wav2Vec2Large960h) {
    ModelFile out("wav2vec2");
    const json config{{"hidden_size", 1024},
                      {"num_hidden_layers", 24},
                      {"num_attention_heads", 16},
                      {"intermediate_size", 4096}};
    const auto read = read_ctc_config(config, out);
    ASSERT_TRUE(read) << read.error().message;
    const Shapes shapes = official("wav2vec2-large-960h");
    EXPECT_EQ(shapes.size(), 405);
    const Shapes left_out{{"wav2vec2.masked_spec_embed", "[1024]"}};
    EXPECT_EQ(expected(ctc_tensors(*read), "wav2vec2.", false, left_out), shapes);
    EXPECT_EQ(expected(ctc_tensors(*read), "wav2vec2.", true, left_out), in_old_spelling(shapes));
    EXPECT_NE(in_old_spelling(shapes), shapes);
}

TEST(Official, HubertLargeLs960Ft) {
    ModelFile out("hubert");
    const json config{{"hidden_size", 1024},          {"num_hidden_layers", 24},
                      {"num_attention_heads", 16},    {"intermediate_size", 4096},
                      {"feat_extract_norm", "layer"}, {"conv_bias", true},
                      {"do_stable_layer_norm", true}};
    const auto read = read_ctc_config(config, out);
    ASSERT_TRUE(read) << read.error().message;
    const Shapes shapes = official("hubert-large-ls960-ft");
    EXPECT_EQ(shapes.size(), 424);
    const Shapes left_out{{"hubert.masked_spec_embed", "[1024]"}};
    EXPECT_EQ(expected(ctc_tensors(*read), "hubert.", false, left_out), shapes);
    EXPECT_EQ(expected(ctc_tensors(*read), "hubert.", true, left_out), in_old_spelling(shapes));
}

TEST(Official, AllMiniLmL6V2) {
    ModelFile out("bert");
    const json config{{"vocab_size", 30522},       {"hidden_size", 384},
                      {"num_hidden_layers", 6},    {"num_attention_heads", 12},
                      {"intermediate_size", 1536}, {"max_position_embeddings", 512},
                      {"type_vocab_size", 2},      {"layer_norm_eps", 1e-12}};
    const auto read = read_bert_sizes(config, out);
    ASSERT_TRUE(read) << read.error().message;
    const Shapes shapes = official("all-minilm-l6-v2");
    EXPECT_EQ(shapes.size(), 103);
    EXPECT_EQ(expected(bert_tensors(*read), "", false,
                       {{"pooler.dense.weight", "[384, 384]"}, {"pooler.dense.bias", "[384]"}}),
              shapes);
}

TEST(Official, F5ttsV1Base) {
    const Shapes shapes = official("f5-tts");
    EXPECT_EQ(shapes.size(), 364);
    Shapes expected_shapes{{"ema_model.transformer.rotary_embed.inv_freq", "[32]"}};
    for (const auto& [name, shape] : f5tts_tensors({.dim = 1024,
                                                    .depth = 22,
                                                    .ff_mult = 2,
                                                    .text_dim = 512,
                                                    .conv_layers = 4,
                                                    .mel_dim = 100,
                                                    .text_num_embeds = 2545}))
        expected_shapes.emplace("ema_model.transformer." + name, to_string(shape));
    EXPECT_EQ(expected_shapes, shapes);
}

TEST(Official, VocosMel24khz) {
    const json config{
        {"feature_extractor",
         {{"class_path", "vocos.feature_extractors.MelSpectrogramFeatures"},
          {"init_args", {{"sample_rate", 24000}, {"n_fft", 1024}, {"hop_length", 256}}}}},
        {"backbone",
         {{"class_path", "vocos.models.VocosBackbone"},
          {"init_args", {{"dim", 512}, {"intermediate_dim", 1536}, {"num_layers", 8}}}}},
        {"head",
         {{"class_path", "vocos.heads.ISTFTHead"},
          {"init_args", {{"dim", 512}, {"n_fft", 1024}, {"hop_length", 256}}}}}};
    ModelFile out("vocos");
    const auto read = read_vocos_config(config, out);
    ASSERT_TRUE(read) << read.error().message;
    const Shapes shapes = official("vocos-mel-24khz");
    EXPECT_EQ(shapes.size(), 83);
    EXPECT_EQ(expected(vocos_tensors(*read), "", false,
                       {{"feature_extractor.mel_spec.mel_scale.fb", "[513, 100]"},
                        {"feature_extractor.mel_spec.spectrogram.window", "[1024]"},
                        {"head.istft.window", "[1024]"}}),
              shapes);
}

json whisper(int width, int heads, int encoder_layers, int decoder_layers, int mels,
             int vocabulary) {
    return {{"d_model", width},
            {"encoder_attention_heads", heads},
            {"decoder_attention_heads", heads},
            {"encoder_layers", encoder_layers},
            {"decoder_layers", decoder_layers},
            {"encoder_ffn_dim", 4 * width},
            {"decoder_ffn_dim", 4 * width},
            {"num_mel_bins", mels},
            {"vocab_size", vocabulary}};
}

/// The needed tensors by name, and how many numbers there are in all.
std::pair<std::map<std::string, Shape>, std::int64_t> needed(const json& config) {
    ModelFile out("whisper");
    const auto read = read_whisper_config(config, out);
    EXPECT_TRUE(read) << read.error().message;
    std::map<std::string, Shape> shapes;
    std::int64_t numbers = 0;
    if (!read) return {};
    for (const auto& [name, shape] : whisper_tensors(*read)) {
        EXPECT_TRUE(shapes.emplace(name, shape).second) << name;
        numbers += test::count(shape);
    }
    return {shapes, numbers};
}

// The numbers of parameters are the published ones (arXiv:2212.04356, table 1: 39, 74, 1550
// million; large-v3-turbo: 809 million), to the last one as transformers counts them.
TEST(Official, WhisperOfEachSize) {
    const auto [tiny, tiny_numbers] = needed(whisper(384, 6, 4, 4, 80, 51865));
    EXPECT_EQ(tiny.size(), 167);
    EXPECT_EQ(tiny_numbers, 37'760'640);
    const auto [base, base_numbers] = needed(whisper(512, 8, 6, 6, 80, 51865));
    EXPECT_EQ(base.size(), 245);
    EXPECT_EQ(base_numbers, 72'593'920);
    EXPECT_EQ(base.at("encoder.conv1.weight"), (Shape{512, 80, 3}));
    EXPECT_EQ(base.at("encoder.embed_positions.weight"), (Shape{1500, 512}));
    EXPECT_EQ(base.at("decoder.embed_positions.weight"), (Shape{448, 512}));
    EXPECT_EQ(base.at("decoder.embed_tokens.weight"), (Shape{51865, 512}));
    EXPECT_EQ(base.at("decoder.layers.5.encoder_attn.v_proj.bias"), (Shape{512}));
    EXPECT_EQ(base.at("decoder.layers.5.encoder_attn_layer_norm.weight"), (Shape{512}));
    EXPECT_EQ(base.at("encoder.layers.0.fc1.weight"), (Shape{2048, 512}));
    EXPECT_FALSE(base.contains("encoder.layers.0.self_attn.k_proj.bias"));
    EXPECT_FALSE(base.contains("encoder.layers.0.encoder_attn.k_proj.weight"));
    const auto [large, large_numbers] = needed(whisper(1280, 20, 32, 32, 128, 51866));
    EXPECT_EQ(large.size(), 1259);
    EXPECT_EQ(large_numbers, 1'543'490'560);
    EXPECT_EQ(large.at("encoder.conv1.weight"), (Shape{1280, 128, 3}));
    const auto [turbo, turbo_numbers] = needed(whisper(1280, 20, 32, 4, 128, 51866));
    EXPECT_EQ(turbo.size(), 587);
    EXPECT_EQ(turbo_numbers, 808'878'080);
    EXPECT_FALSE(turbo.contains("decoder.layers.4.fc1.weight"));
    EXPECT_TRUE(turbo.contains("encoder.layers.31.fc1.weight"));
}

TEST(Official, WhisperHasOtherNamesElsewhere) {
    const auto place = [](std::string_view name) {
        const FusedName found = ctranslate2_name(name);
        return std::format("{} {}/{}", found.name, found.part, found.parts);
    };
    EXPECT_EQ(place("encoder.conv1.weight"), "encoder/conv1/weight 0/1");
    EXPECT_EQ(place("encoder.conv2.bias"), "encoder/conv2/bias 0/1");
    EXPECT_EQ(place("encoder.embed_positions.weight"), "encoder/position_encodings/encodings 0/1");
    EXPECT_EQ(place("decoder.embed_tokens.weight"), "decoder/embeddings/weight 0/1");
    EXPECT_EQ(place("decoder.layer_norm.bias"), "decoder/layer_norm/beta 0/1");
    EXPECT_EQ(place("encoder.layers.11.self_attn.k_proj.weight"),
              "encoder/layer_11/self_attention/linear_0/weight 1/3");
    EXPECT_EQ(place("encoder.layers.0.self_attn_layer_norm.weight"),
              "encoder/layer_0/self_attention/layer_norm/gamma 0/1");
    EXPECT_EQ(place("decoder.layers.0.encoder_attn.v_proj.bias"),
              "decoder/layer_0/attention/linear_1/bias 1/2");
    EXPECT_EQ(place("decoder.layers.0.encoder_attn.out_proj.bias"),
              "decoder/layer_0/attention/linear_2/bias 0/1");
    EXPECT_EQ(place("decoder.layers.0.final_layer_norm.bias"),
              "decoder/layer_0/ffn/layer_norm/beta 0/1");
    EXPECT_EQ(place("decoder.layers.0.fc2.weight"), "decoder/layer_0/ffn/linear_1/weight 0/1");

    EXPECT_EQ(openai_name("encoder.conv1.weight"), "encoder.conv1.weight");
    EXPECT_EQ(openai_name("encoder.embed_positions.weight"), "encoder.positional_embedding");
    EXPECT_EQ(openai_name("decoder.embed_tokens.weight"), "decoder.token_embedding.weight");
    EXPECT_EQ(openai_name("encoder.layer_norm.weight"), "encoder.ln_post.weight");
    EXPECT_EQ(openai_name("decoder.layer_norm.bias"), "decoder.ln.bias");
    EXPECT_EQ(openai_name("decoder.layers.3.encoder_attn.k_proj.weight"),
              "decoder.blocks.3.cross_attn.key.weight");
    EXPECT_EQ(openai_name("encoder.layers.3.self_attn_layer_norm.bias"),
              "encoder.blocks.3.attn_ln.bias");
    EXPECT_EQ(openai_name("encoder.layers.3.final_layer_norm.bias"),
              "encoder.blocks.3.mlp_ln.bias");
    EXPECT_EQ(openai_name("encoder.layers.3.fc1.weight"), "encoder.blocks.3.mlp.0.weight");
    EXPECT_EQ(openai_name("encoder.layers.3.fc2.weight"), "encoder.blocks.3.mlp.2.weight");
}

}  // namespace
}  // namespace titans::checkpoint
