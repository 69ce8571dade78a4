#include "checkpoint/whisper_checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <format>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/config_reader.h"
#include "checkpoint/json_file.h"
#include "checkpoint/output_file.h"
#include "checkpoint/vocabulary.h"
#include "checkpoint/whisper_names.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Result<void> read_preprocessor(const fs::path& folder, const WhisperConfig& config,
                               ModelFile& out) {
    TITANS_TRY(const json settings, read_config_if_there(folder / "preprocessor_config.json"));
    ConfigReader reader(settings, "preprocessor_config.json", out, "whisper.preprocessor.");
    reader.integer("feature_size", config.mels, {.least = config.mels, .most = config.mels});
    reader.integer("sampling_rate", 16'000, {.least = 16'000, .most = 16'000});
    reader.integer("n_fft", 400, {.least = 400, .most = 400});
    reader.integer("hop_length", 160, {.least = 160, .most = 160});
    reader.integer("chunk_length", 30, {.least = 1, .most = 30});
    return reader.result();
}

/// Token numbers that decoding leaves out: transformers' key `name`, or CTranslate2's `also`.
Result<void> read_suppressed(const json& settings, const std::string& name, const char* also,
                             const WhisperConfig& config, ModelFile& out) {
    const auto found = settings.contains(name) ? settings.find(name) : settings.find(also);
    if (found == settings.end() || found->is_null() || (found->is_array() && found->empty()))
        return {};
    const json list{{name, *found}};
    ConfigReader reader(list, "config.json", out, "whisper.");
    reader.integers(name, {}, config.vocabulary, {.least = 0, .most = config.vocabulary - 1});
    return reader.result();
}

/// [[layer, head], ...]: which of the decoder's heads follow the audio.
Result<void> read_alignment_heads(const json& settings, const WhisperConfig& config,
                                  ModelFile& out) {
    const auto found = settings.find("alignment_heads");
    if (found == settings.end() || found->is_null()) return {};
    std::vector<std::int32_t> flat;
    const auto below = [](const json& value, int end) {
        return value.is_number_unsigned() &&
               value.get<std::uint64_t>() < static_cast<std::uint64_t>(end);
    };
    bool fits = found->is_array() && found->size() <= 4096;
    for (std::size_t i = 0; fits && i < found->size(); ++i) {
        const json& pair = (*found)[i];
        fits = pair.is_array() && pair.size() == 2 && below(pair[0], config.decoder_layers) &&
               below(pair[1], config.decoder_heads);
        if (fits) flat.insert(flat.end(), {pair[0].get<int>(), pair[1].get<int>()});
    }
    if (!fits) {
        return fail(ErrorKind::InvalidInput,
                    "config.json: alignment_heads is not a list of layers and heads");
    }
    if (!flat.empty()) out.set("whisper.alignment_heads", flat);
    return {};
}

/// How transcribing is steered. generation_config.json has the last word over config.json.
Result<void> read_generation(const fs::path& folder, json settings, const WhisperConfig& config,
                             ModelFile& out) {
    TITANS_TRY(const json generation, read_config_if_there(folder / "generation_config.json"));
    for (const auto& [key, value] : generation.items()) settings[key] = value;
    TITANS_TRY_VOID(read_suppressed(settings, "suppress_tokens", "suppress_ids", config, out));
    TITANS_TRY_VOID(
        read_suppressed(settings, "begin_suppress_tokens", "suppress_ids_begin", config, out));
    return read_alignment_heads(settings, config, out);
}

Result<void> set_tokens(TokenTable table, const WhisperConfig& config, ModelFile& out) {
    TITANS_TRY(const auto tokens, list_whisper_tokens(std::move(table), config.vocabulary));
    return out.set("tokenizer.tokens", tokens);
}

Result<void> write(ModelFile& out, const Checkpoint& checkpoint, const fs::path& output) {
    out.set("titans.source_sha256", checkpoint.source_sha256());
    TITANS_TRY(OutputFile file, OutputFile::create(output));
    TITANS_TRY_VOID(out.write(file.stream()));
    return file.commit();
}

Result<void> convert_transformers(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const json settings, read_config(folder / "config.json"));
    if (settings.value("model_type", json()) != "whisper")
        return fail(ErrorKind::Unsupported, "config.json: model_type is not whisper");
    ModelFile out("whisper");
    TITANS_TRY(const WhisperConfig config, read_whisper_config(settings, out));
    TITANS_TRY_VOID(read_preprocessor(folder, config, out));
    TITANS_TRY_VOID(read_generation(folder, settings, config, out));
    TITANS_TRY(TokenTable table, TokenTable::read(folder));
    TITANS_TRY_VOID(set_tokens(std::move(table), config, out));

    TITANS_TRY(const Checkpoint checkpoint, Checkpoint::open_folder(folder));
    const bool has_prefix = checkpoint.tensors().contains("model.encoder.conv1.weight");
    TensorPicker picker(checkpoint.tensors(), out);
    for (const NeededTensor& needed : whisper_tensors(config))
        TITANS_TRY_VOID(picker.copy(needed, (has_prefix ? "model." : "") + needed.name));
    constexpr std::array<std::string_view, 1> kTied{"proj_out."};
    TITANS_TRY_VOID(picker.expect_no_more(kTied));
    return write(out, checkpoint, output);
}

int count_layers(const Tensors& tensors, std::string_view side) {
    int layers = 0;
    while (
        tensors.contains(std::format("{}/layer_{}/self_attention/linear_0/weight", side, layers))) {
        ++layers;
    }
    return layers;
}

/// The numbers that transformers' config.json would say, out of CTranslate2's tensors.
Result<json> describe_ctranslate2(const Tensors& tensors) {
    json config;
    const auto take = [&](const char* key, std::string_view name, std::size_t rank,
                          std::size_t axis) -> Result<void> {
        TITANS_TRY(const TensorView tensor, tensors.tensor(name));
        if (tensor.shape.size() != rank) {
            return fail(ErrorKind::InvalidInput,
                        std::format("tensor {}: its shape is {}", name, to_string(tensor.shape)));
        }
        config[key] = tensor.shape[axis];
        return {};
    };
    TITANS_TRY_VOID(take("d_model", "encoder/conv1/weight", 3, 0));
    TITANS_TRY_VOID(take("num_mel_bins", "encoder/conv1/weight", 3, 1));
    TITANS_TRY_VOID(take("vocab_size", "decoder/embeddings/weight", 2, 0));
    TITANS_TRY_VOID(take("max_source_positions", "encoder/position_encodings/encodings", 2, 0));
    TITANS_TRY_VOID(take("max_target_positions", "decoder/position_encodings/encodings", 2, 0));
    for (const std::string side : {"encoder", "decoder"}) {
        config[side + "_layers"] = count_layers(tensors, side);
        TITANS_TRY_VOID(
            take((side + "_ffn_dim").c_str(), side + "/layer_0/ffn/linear_0/weight", 2, 0));
        TITANS_TRY(const TensorView heads, tensors.tensor(side + "/num_heads", {}));
        if (heads.dtype != Dtype::I16)
            return fail(ErrorKind::InvalidInput, "the number of heads is not of 16 bits");
        std::int16_t count = 0;
        std::memcpy(&count, heads.bytes.data(), sizeof count);
        config[side + "_attention_heads"] = count;
    }
    return config;
}

Result<void> convert_ctranslate2(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const Checkpoint checkpoint, Checkpoint::open_ctranslate2(folder / "model.bin"));
    const Tensors& tensors = checkpoint.tensors();
    ModelFile out("whisper");
    TITANS_TRY(const json sizes, describe_ctranslate2(tensors));
    TITANS_TRY(const WhisperConfig config, read_whisper_config(sizes, out));
    TITANS_TRY_VOID(read_preprocessor(folder, config, out));
    TITANS_TRY(const json settings, read_config_if_there(folder / "config.json"));
    TITANS_TRY_VOID(read_generation(folder, settings, config, out));
    const bool has_lines = fs::exists(folder / "vocabulary.txt");
    TITANS_TRY(const auto tokens,
               read_vocabulary(folder / (has_lines ? "vocabulary.txt" : "vocabulary.json")));
    if (std::cmp_not_equal(tokens.size(), config.vocabulary)) {
        return fail(ErrorKind::InvalidInput,
                    "the vocabulary has another number of tokens than the model");
    }
    TokenTable table;
    for (int id = 0; const std::string& token : tokens) TITANS_TRY_VOID(table.add(token, id++));
    TITANS_TRY_VOID(set_tokens(std::move(table), config, out));

    for (const NeededTensor& needed : whisper_tensors(config)) {
        const FusedName place = ctranslate2_name(needed.name);
        Shape whole = needed.shape;
        whole[0] *= static_cast<std::int64_t>(place.parts);
        TITANS_TRY(TensorView tensor, tensors.tensor(place.name, whole));
        const std::size_t size = tensor.bytes.size() / place.parts;
        tensor.bytes = tensor.bytes.subspan(size * place.part, size);
        tensor.shape = needed.shape;
        TITANS_TRY_VOID(out.add(needed.name, std::move(tensor)));
    }
    return write(out, checkpoint, output);
}

/// {"dims": {"n_mels": 80, ...}, "model_state_dict": {...}}, and the vocabulary of transformers
/// beside it: OpenAI keeps that in its program.
Result<void> convert_openai(const fs::path& path, const fs::path& output) {
    TITANS_TRY(const Checkpoint checkpoint, Checkpoint::open_pytorch(path));
    json sizes;
    for (const auto& [key, dimension] :
         {std::pair{"d_model", "n_audio_state"}, std::pair{"num_mel_bins", "n_mels"},
          std::pair{"vocab_size", "n_vocab"}, std::pair{"max_source_positions", "n_audio_ctx"},
          std::pair{"max_target_positions", "n_text_ctx"},
          std::pair{"encoder_layers", "n_audio_layer"}, std::pair{"decoder_layers", "n_text_layer"},
          std::pair{"encoder_attention_heads", "n_audio_head"},
          std::pair{"decoder_attention_heads", "n_text_head"}}) {
        const auto found = checkpoint.numbers().find(std::format("dims.{}", dimension));
        if (found == checkpoint.numbers().end() || found->second < 0 || found->second > 1 << 20) {
            return fail(ErrorKind::InvalidInput,
                        std::format("{}: does not say {}, so it is not OpenAI's Whisper",
                                    path.filename().string(), dimension));
        }
        sizes[key] = static_cast<std::uint64_t>(found->second);
    }
    const int feed_forward = sizes["d_model"].get<int>() * 4;
    sizes["encoder_ffn_dim"] = feed_forward;
    sizes["decoder_ffn_dim"] = feed_forward;
    ModelFile out("whisper");
    TITANS_TRY(const WhisperConfig config, read_whisper_config(sizes, out));
    const fs::path folder = path.parent_path();
    TITANS_TRY_VOID(read_preprocessor(folder, config, out));
    TITANS_TRY_VOID(read_generation(folder, json::object(), config, out));
    auto table = TokenTable::read(folder);
    if (!table && table.error().kind == ErrorKind::NotFound) {
        return fail(ErrorKind::NotFound,
                    "the vocabulary is missing: OpenAI's file has none; put tokenizer.json, or "
                    "vocab.json and added_tokens.json, of the same size of Whisper beside it");
    }
    TITANS_TRY(TokenTable tokens, std::move(table));
    TITANS_TRY_VOID(set_tokens(std::move(tokens), config, out));

    TensorPicker picker(checkpoint.tensors(), out);
    for (const NeededTensor& needed : whisper_tensors(config))
        TITANS_TRY_VOID(picker.copy(needed, "model_state_dict." + openai_name(needed.name)));
    constexpr std::array<std::string_view, 2> kTables{".mask", "alignment_heads"};
    TITANS_TRY_VOID(picker.expect_no_more(kTables));
    return write(out, checkpoint, output);
}

}  // namespace

Result<void> convert_whisper(const fs::path& input, const fs::path& output) {
    if (fs::is_regular_file(input)) return convert_openai(input, output);
    if (fs::exists(input / "model.bin")) return convert_ctranslate2(input, output);
    return convert_transformers(input, output);
}

}  // namespace titans::checkpoint
