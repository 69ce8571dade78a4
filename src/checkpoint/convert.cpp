#include "checkpoint/convert.h"

#include <nlohmann/json.hpp>

#include "checkpoint/bert_checkpoint.h"
#include "checkpoint/bert_gguf_writer.h"
#include "checkpoint/ctc_checkpoint.h"
#include "checkpoint/ctranslate2.h"
#include "checkpoint/gguf_writer.h"
#include "checkpoint/json_file.h"
#include "checkpoint/onnx.h"
#include "checkpoint/output_file.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/vocabulary.h"
#include "checkpoint/whisper_checkpoint.h"
#include "checkpoint/whisper_ggml_writer.h"
#include "engine/llama/requantize.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

Result<void> convert_whisper_ggml(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const Ctranslate2File file, Ctranslate2File::open(folder / "model.bin"));
    const bool has_lines = fs::exists(folder / "vocabulary.txt");
    TITANS_TRY(const auto tokens,
               read_vocabulary(folder / (has_lines ? "vocabulary.txt" : "vocabulary.json")));
    TITANS_TRY(OutputFile out, OutputFile::create(output));
    TITANS_TRY_VOID(write_whisper_ggml(file.model(), tokens, out.stream()));
    return out.commit();
}

Result<BertConfig> read_bert_config(const fs::path& folder) {
    TITANS_TRY(const nlohmann::json json, read_config(folder / "config.json"));
    if (json.value("model_type", nlohmann::json()) != "bert" ||
        json.value("hidden_act", nlohmann::json()) != "gelu") {
        return fail(ErrorKind::Unsupported, "config.json: is not of a BERT model with GELU");
    }
    if (json.value("position_embedding_type", nlohmann::json("absolute")) != "absolute") {
        return fail(ErrorKind::Unsupported, "config.json: position_embedding_type is not absolute");
    }
    BertConfig config;
    TITANS_TRY(config.vocabulary, positive(json, "vocab_size", 1 << 20));
    TITANS_TRY(config.width, positive(json, "hidden_size", 1 << 14));
    TITANS_TRY(config.layers, positive(json, "num_hidden_layers", 64));
    TITANS_TRY(config.heads, positive(json, "num_attention_heads", 256));
    TITANS_TRY(config.feed_forward, positive(json, "intermediate_size", 1 << 16));
    TITANS_TRY(config.positions, positive(json, "max_position_embeddings", 1 << 16));
    TITANS_TRY(config.token_types, positive(json, "type_vocab_size", 16));
    if (config.width % config.heads != 0) {
        return fail(ErrorKind::InvalidInput,
                    "config.json: num_attention_heads do not share hidden_size");
    }
    const auto epsilon = json.find("layer_norm_eps");
    if (epsilon == json.end() || !epsilon->is_number() || epsilon->get<double>() <= 0) {
        return fail(ErrorKind::InvalidInput,
                    "config.json: layer_norm_eps is not a positive number");
    }
    config.layer_norm_epsilon = epsilon->get<float>();

    config.context = config.positions;
    if (fs::exists(folder / "sentence_bert_config.json")) {
        TITANS_TRY(const nlohmann::json sentence,
                   read_config(folder / "sentence_bert_config.json"));
        const auto longest = positive(sentence, "max_seq_length", config.positions);
        if (longest) config.context = *longest;
    }
    if (fs::exists(folder / "1_Pooling" / "config.json")) {
        TITANS_TRY(const nlohmann::json pooling, read_config(folder / "1_Pooling" / "config.json"));
        const auto is_set = [&](const char* key) {
            return pooling.value(key, nlohmann::json()) == true;
        };
        if (is_set("pooling_mode_mean_tokens") == is_set("pooling_mode_cls_token")) {
            return fail(ErrorKind::Unsupported,
                        "1_Pooling/config.json: neither mean nor first token");
        }
        config.pooling = is_set("pooling_mode_mean_tokens") ? Pooling::Mean : Pooling::FirstToken;
    }
    return config;
}

Result<void> convert_sentence_encoder(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const BertConfig config, read_bert_config(folder));
    TITANS_TRY(const SafetensorsFile file, SafetensorsFile::open(folder / "model.safetensors"));
    TITANS_TRY(const auto pieces, read_vocabulary(folder / "vocab.txt"));
    TITANS_TRY(OutputFile out, OutputFile::create(output));
    TITANS_TRY_VOID(write_bert_gguf(file.tensors(), config, pieces, out.stream()));
    return out.commit();
}

Result<void> convert_requantize(const fs::path& file, const fs::path& output) {
    TITANS_TRY(OutputFile out, OutputFile::create(output));
    TITANS_TRY_VOID(engine::requantize(file, out.temporary()));
    return out.commit();
}

Result<void> convert_onnx(const fs::path& file, const fs::path& output) {
    TITANS_TRY(const OnnxFile model, OnnxFile::open(file));
    TITANS_TRY(OutputFile out, OutputFile::create(output));
    TITANS_TRY_VOID(write_gguf(model.tensors(), out.stream()));
    return out.commit();
}

}  // namespace

std::optional<Conversion> find_conversion(std::string_view word) {
    if (word == "whisper") return Conversion::Whisper;
    if (word == "whisper-ggml") return Conversion::WhisperGgml;
    if (word == "wav2vec2" || word == "hubert") return Conversion::Ctc;
    if (word == "bert") return Conversion::Bert;
    if (word == "sentence-encoder") return Conversion::SentenceEncoder;
    if (word == "requantize") return Conversion::Requantize;
    if (word == "onnx") return Conversion::Onnx;
    return std::nullopt;
}

Result<void> convert(Conversion conversion, const fs::path& input, const fs::path& output) {
    switch (conversion) {
        case Conversion::Whisper:
            return convert_whisper(input, output);
        case Conversion::WhisperGgml:
            return convert_whisper_ggml(input, output);
        case Conversion::Ctc:
            return convert_ctc(input, output);
        case Conversion::Bert:
            return convert_bert(input, output);
        case Conversion::SentenceEncoder:
            return convert_sentence_encoder(input, output);
        case Conversion::Requantize:
            return convert_requantize(input, output);
        case Conversion::Onnx:
            return convert_onnx(input, output);
    }
    std::unreachable();
}

}  // namespace titans::checkpoint
