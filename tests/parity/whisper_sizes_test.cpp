// Every size of Whisper by small networks with the layers, heads, spectrogram and vocabulary of its
// official files: converted, loaded, and asked what it hears.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <random>

#include "checkpoint/convert.h"
#include "checkpoint/test_files.h"
#include "checkpoint/whisper_checkpoint.h"
#include "engine/ggml/gguf_file.h"
#include "hearing/families.h"
#include "text/utf8.h"

namespace titans {
namespace {

using checkpoint::test::Array;
using nlohmann::json;

struct Size {
    std::string name;
    int layers;
    int decoder_layers;
    int heads;
    int mels;
    int vocabulary;
};

void PrintTo(const Size& size, std::ostream* out) { *out << size.name; }

// Small, for the sake of time: a head's width (of 64), and the lengths of windows (of 1500
// positions) and texts (of 448 tokens), which are the same in all sizes.
constexpr int kHeadSize = 2;
constexpr int kPositions = 50;
constexpr int kLongestText = 16;

bool is_english(const Size& size) { return size.vocabulary == 51'864; }

/// Those that the sizes know, in their order; the last one came with large-v3.
std::vector<std::string> languages(const Size& size) {
    std::vector<std::string> list{"en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr",
                                  "pl", "ca", "nl", "ar", "sv", "it", "id", "hi", "fi", "vi"};
    for (char first = 'a'; list.size() < 99; ++first)  // in place of the rest
        for (const char second : {'0', '1', '2', '3', '4'})
            if (list.size() < 99) list.push_back({first, second});
    if (size.vocabulary == 51'866) list.emplace_back("yue");
    return list;
}

/// 50,257 tokens of text (in English models the last one of them is the end), then those that
/// steer.
std::vector<std::string> tokens(const Size& size) {
    std::vector<std::string> bytes;
    std::vector<std::string> others;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
        const bool printed =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        std::string spelled;
        text::append(spelled, printed ? static_cast<char32_t>(byte) : next++);
        (printed ? bytes : others).push_back(spelled);
    }
    bytes.insert(bytes.end(), others.begin(), others.end());
    std::vector<std::string> list = bytes;
    for (std::size_t i = 0; list.size() < 50'256; ++i)
        list.push_back(bytes[i / bytes.size()] + bytes[i % bytes.size()]);
    if (!is_english(size)) list.emplace_back("");
    list.emplace_back("<|endoftext|>");
    list.emplace_back("<|startoftranscript|>");
    for (const std::string& language : languages(size))
        list.push_back(std::format("<|{}|>", language));
    for (const char* word : {"translate", "transcribe", "startoflm", "startofprev"})
        list.push_back(std::format("<|{}|>", word));
    list.emplace_back(size.mels == 128 ? "<|nospeech|>" : "<|nocaptions|>");
    list.emplace_back("<|notimestamps|>");
    return list;
}

/// As the hub has it: those that steer are added; large-v3's has the times, too.
json tokenizer(const Size& size) {
    json vocabulary = json::object();
    json added = json::array();
    const std::vector<std::string> list = tokens(size);
    const auto end = std::ranges::find(list, "<|endoftext|>") - list.begin();
    for (int id = 0; const std::string& token : list) {
        if (id <= end) vocabulary[token] = id;
        if (id >= end) added.push_back({{"id", id}, {"content", token}, {"special", true}});
        ++id;
    }
    for (int step = 0; size.mels == 128 && step <= 1500; ++step) {
        added.push_back({{"id", list.size() + static_cast<std::size_t>(step)},
                         {"content", std::format("<|{}.{:02}|>", step / 50, step % 50 * 2)}});
    }
    return {{"version", "1.0"},
            {"added_tokens", added},
            {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"a b"}}}}};
}

json config(const Size& size) {
    const int width = size.heads * kHeadSize;
    return {{"architectures", {"WhisperForConditionalGeneration"}},
            {"model_type", "whisper"},
            {"activation_function", "gelu"},
            {"d_model", width},
            {"encoder_layers", size.layers},
            {"decoder_layers", size.decoder_layers},
            {"encoder_attention_heads", size.heads},
            {"decoder_attention_heads", size.heads},
            {"encoder_ffn_dim", 4 * width},
            {"decoder_ffn_dim", 4 * width},
            {"max_source_positions", kPositions},
            {"max_target_positions", kLongestText},
            {"num_mel_bins", size.mels},
            {"vocab_size", size.vocabulary},
            {"scale_embedding", false},
            {"use_cache", true},
            {"forced_decoder_ids", {{1, 50259}, {2, 50359}, {3, 50363}}},
            {"begin_suppress_tokens", {220, is_english(size) ? 50256 : 50257}}};
}

/// Seeded weights under the official names; F16 for the sizes that the hub has so.
std::vector<Array> weights(const json& config, bool halves) {
    checkpoint::ModelFile ignored("whisper");
    std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same in every run
    std::vector<Array> arrays;
    for (const auto& [name, shape] :
         checkpoint::whisper_tensors(*checkpoint::read_whisper_config(config, ignored))) {
        const bool is_scale = name.contains("layer_norm.weight");
        std::normal_distribution<float> normal(is_scale ? 1 : 0, is_scale ? 0.1F : 0.3F);
        Array array{.name = "model." + name, .shape = shape, .bytes = {}};
        for (std::int64_t i = 0; i < checkpoint::test::count(shape); ++i) {
            if (halves)
                array.bytes += checkpoint::test::raw(static_cast<_Float16>(normal(random)));
            else
                array.bytes += checkpoint::test::raw(normal(random));
        }
        if (halves) array.dtype = checkpoint::Dtype::F16;
        arrays.push_back(std::move(array));
    }
    return arrays;
}

class WhisperSizes : public testing::TestWithParam<Size> {
protected:
    static Result<hearing::Transcript> hear(hearing::SpeechRecognizer& ears,
                                            const std::string& language, float loudness) {
        std::vector<float> samples(16'000);
        for (std::size_t i = 0; i < samples.size(); ++i)
            samples[i] = loudness * std::sin(0.05F * static_cast<float>(i));
        return ears.recognize({SampleRate{16'000}, std::move(samples)}, {.language = language}, {});
    }
};

TEST_P(WhisperSizes, AreConvertedLoadedAndListenedWith) {
    const Size& size = GetParam();
    const checkpoint::test::Folder folder;
    folder.write("in/config.json", config(size).dump());
    folder.write("in/tokenizer.json", tokenizer(size).dump());
    const std::array<int, 2> last{size.decoder_layers - 1, size.heads - 1};
    folder.write("in/generation_config.json",
                 json{{"alignment_heads", {{0, 0}, last}},
                      {"suppress_tokens", {1, 2, 7}},
                      {"no_timestamps_token_id", tokens(size).size() - 1}}
                     .dump());
    folder.write("in/model.safetensors",
                 checkpoint::test::safetensors_file(weights(config(size), size.mels == 128)));
    const auto done = convert(checkpoint::Conversion::Whisper, folder / "in", folder / "out.gguf");
    ASSERT_TRUE(done) << done.error().message;

    const auto file = engine::GgufFile::open(folder / "out.gguf");
    ASSERT_TRUE(file);
    EXPECT_THAT(*file->integers("whisper.alignment_heads"),
                testing::ElementsAre(0, 0, last[0], last[1]));
    EXPECT_THAT(*file->integers("whisper.suppress_tokens"), testing::ElementsAre(1, 2, 7));
    const auto texts = *file->texts("tokenizer.tokens");
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(size.vocabulary));
    EXPECT_EQ(texts.back(), "<|30.00|>");

    const auto ears = hearing::find_family("whisper")->load(
        folder / "out.gguf", {.device = engine::Device::open({.threads = 2}).value()});
    ASSERT_TRUE(ears) << ears.error().message;
    const auto heard = hear(**ears, "auto", 0.1F);
    ASSERT_TRUE(heard) << heard.error().message;
    EXPECT_THAT(languages(size), testing::Contains(heard->language));
    EXPECT_TRUE(hear(**ears, "en", 0));
    EXPECT_EQ(hear(**ears, "ar", 0).has_value(), !is_english(size));
    EXPECT_EQ(hear(**ears, "yue", 0).has_value(), size.vocabulary == 51'866);
}

INSTANTIATE_TEST_SUITE_P(
    Official, WhisperSizes,
    testing::Values(Size{"tiny", 4, 4, 6, 80, 51'865}, Size{"tiny_en", 4, 4, 6, 80, 51'864},
                    Size{"base", 6, 6, 8, 80, 51'865}, Size{"base_en", 6, 6, 8, 80, 51'864},
                    Size{"small", 12, 12, 12, 80, 51'865}, Size{"small_en", 12, 12, 12, 80, 51'864},
                    Size{"medium", 24, 24, 16, 80, 51'865},
                    Size{"medium_en", 24, 24, 16, 80, 51'864},
                    Size{"large_v2", 32, 32, 20, 80, 51'865},
                    Size{"large_v3", 32, 32, 20, 128, 51'866},
                    Size{"large_v3_turbo", 32, 4, 20, 128, 51'866}),
    [](const auto& size) { return size.param.name; });

}  // namespace
}  // namespace titans
