#include "checkpoint/bert_checkpoint.h"

#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/checkpoint.h"
#include "checkpoint/config_reader.h"
#include "checkpoint/json_file.h"
#include "checkpoint/output_file.h"
#include "checkpoint/token_table.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Heads that a sentence encoder does without, and tables that follow from the sizes.
constexpr std::array<std::string_view, 4> kUnused{"pooler.", "cls.", "position_ids",
                                                  "token_type_ids"};

/// What sentence-transformers does with the encoder's output.
struct Modules {
    std::string pooling_folder;
    bool normalizes = false;
};

/// modules.json: [{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}, ...]
Result<Modules> read_modules(const fs::path& folder) {
    const auto bad = [](std::string_view why, ErrorKind kind = ErrorKind::InvalidInput) {
        return fail(kind, std::format("modules.json: {}", why));
    };
    Modules modules{.pooling_folder = "1_Pooling"};
    if (!fs::exists(folder / "modules.json")) return modules;
    TITANS_TRY(const json list, read_json(folder / "modules.json"));
    if (!list.is_array()) return bad("is not a list");
    for (const json& module : list) {
        const json type = module.is_object() ? module.value("type", json()) : json();
        const json path = module.is_object() ? module.value("path", json()) : json();
        if (!type.is_string() || !path.is_string()) return bad("has a module without type or path");
        const auto& word = type.get_ref<const std::string&>();
        const std::string kind = word.substr(word.rfind('.') + 1);
        if (kind == "Pooling") {
            modules.pooling_folder = path.get<std::string>();
            if (fs::path(modules.pooling_folder).filename() != modules.pooling_folder ||
                modules.pooling_folder.empty() || modules.pooling_folder.starts_with('.')) {
                return bad("names a folder outside its own");
            }
        } else if (kind == "Normalize") {
            modules.normalizes = true;
        } else if (kind != "Transformer") {
            return bad("has a module that is not supported", ErrorKind::Unsupported);
        }
    }
    return modules;
}

Result<void> read_pooling(const fs::path& folder, ModelFile& out) {
    TITANS_TRY(const Modules modules, read_modules(folder));
    TITANS_TRY(const json pooling,
               read_config_if_there(folder / modules.pooling_folder / "config.json"));
    const auto is_set = [&](std::string_view key) { return pooling.value(key, json()) == true; };
    std::string mode = "mean";  // what sentence-transformers takes where nothing is said
    if (!pooling.empty()) {
        const bool means = is_set("pooling_mode_mean_tokens");
        const bool first = is_set("pooling_mode_cls_token");
        bool others = false;
        for (const char* const key :
             {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
              "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"}) {
            others = others || is_set(key);
        }
        if (means == first || others) {
            return fail(ErrorKind::Unsupported,
                        "the pooling's config.json: is neither the mean nor the first token");
        }
        mode = means ? "mean" : "cls";
    }
    out.set("bert.pooling", mode);
    out.set("bert.normalize", modules.normalizes);
    return {};
}

/// What is to be written before a question, and before what may answer it.
Result<void> read_prompts(const fs::path& folder, ModelFile& out) {
    TITANS_TRY(const json config,
               read_config_if_there(folder / "config_sentence_transformers.json"));
    const json prompts = config.value("prompts", json());
    const auto read = [&](const char* name, const char* key) {
        const json prompt = prompts.is_object() ? prompts.value(name, json()) : json();
        if (prompt.is_string() && prompt != "") out.set(key, prompt.get<std::string>());
    };
    read("query", "bert.prompt.query");
    read("document", "bert.prompt.passage");
    read("passage", "bert.prompt.passage");
    return {};
}

/// Whether a text is written small, loses its accents, and has its Chinese characters set apart.
Result<void> read_tokenizing(const fs::path& folder, const json& sentence, const json& tokenizer,
                             ModelFile& out) {
    json normalizer = json::object();
    if (fs::exists(folder / "tokenizer.json")) {
        TITANS_TRY(const json all, read_json(folder / "tokenizer.json"));
        const json found = all.is_object() ? all.value("normalizer", json()) : json();
        if (found.is_object() && found.value("type", json()) == "BertNormalizer")
            normalizer = found;
    }
    // tokenizer_config.json has the last word over tokenizer.json; null is not said.
    const auto read = [&](const char* key, const char* also) -> std::optional<bool> {
        for (const json& value : {tokenizer.value(key, json()), normalizer.value(also, json())}) {
            if (value.is_boolean()) return value.get<bool>();
        }
        return std::nullopt;
    };
    const bool lowers = read("do_lower_case", "lowercase").value_or(true);
    out.set("bert.do_lower_case", lowers || sentence.value("do_lower_case", json()) == true);
    out.set("bert.strip_accents", read("strip_accents", "strip_accents").value_or(lowers));
    out.set("bert.tokenize_chinese_chars",
            read("tokenize_chinese_chars", "handle_chinese_chars").value_or(true));
    return {};
}

Result<void> read_tokens(const fs::path& folder, const BertSizes& sizes, ModelFile& out) {
    const bool has_list = fs::exists(folder / "vocab.txt");
    TITANS_TRY(const TokenTable table,
               has_list ? TokenTable::read_list(folder) : TokenTable::read(folder));
    for (const std::string token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) {
        if (!table.contains(token))
            return fail(ErrorKind::InvalidInput, std::format("the vocabulary has no {}", token));
    }
    if (table.contains(sizes.vocabulary))
        return fail(ErrorKind::InvalidInput, "the vocabulary has more tokens than the model");
    TITANS_TRY(const auto tokens, table.list(sizes.vocabulary));
    return out.set("tokenizer.tokens", tokens);
}

/// How many tokens of a text count: what sentence-transformers was told, else what the tokenizer
/// was, at most the rows of the table of positions.
Result<void> read_length(const BertSizes& sizes, const json& sentence, const json& tokenizer,
                         ModelFile& out) {
    int longest = sizes.positions;
    const json limit = tokenizer.value("model_max_length", json());
    // A tokenizer without a limit says 10^30.
    if (limit.is_number_unsigned() &&
        limit.get<std::uint64_t>() < static_cast<std::uint64_t>(longest)) {
        longest = std::max(limit.get<int>(), 3);
    }
    ConfigReader reader(sentence, "sentence_bert_config.json", out, "bert.");
    reader.integer("max_seq_length", longest, {.least = 3, .most = sizes.positions});
    return reader.result();
}

}  // namespace

Result<BertSizes> read_bert_sizes(const json& config, ModelFile& out) {
    ConfigReader reader(config, "config.json", out, "bert.");
    BertSizes sizes;
    sizes.vocabulary = reader.integer("vocab_size", {}, {.least = 1, .most = 1 << 20});
    sizes.width = reader.integer("hidden_size", {}, {.least = 1, .most = 1 << 13});
    sizes.layers = reader.integer("num_hidden_layers", {}, {.least = 1, .most = 64});
    const int heads = reader.integer("num_attention_heads", {}, {.least = 1, .most = 128});
    sizes.feed_forward = reader.integer("intermediate_size", {}, {.least = 1, .most = 1 << 15});
    sizes.positions = reader.integer("max_position_embeddings", 512, {.least = 3, .most = 1 << 16});
    sizes.token_types = reader.integer("type_vocab_size", 2, {.least = 1, .most = 16});
    reader.fraction("layer_norm_eps", 1e-12F);
    reader.word("hidden_act", {"gelu"});
    reader.word("position_embedding_type", {"absolute"});
    reader.refuse_if_set("is_decoder");
    TITANS_TRY_VOID(reader.result());
    if (sizes.width % heads != 0) reader.refuse("num_attention_heads", "do not share hidden_size");
    TITANS_TRY_VOID(reader.result());
    return sizes;
}

std::vector<NeededTensor> bert_tensors(const BertSizes& sizes) {
    std::vector<NeededTensor> list;
    const std::int64_t width = sizes.width;
    const auto linear = [&](const std::string& name, std::int64_t to, std::int64_t from) {
        list.push_back({name + ".weight", {to, from}});
        list.push_back({name + ".bias", {to}});
    };
    const auto layer_norm = [&](const std::string& name) {
        list.push_back({name + ".weight", {width}});
        list.push_back({name + ".bias", {width}});
    };
    list.push_back({"embeddings.word_embeddings.weight", {sizes.vocabulary, width}});
    list.push_back({"embeddings.position_embeddings.weight", {sizes.positions, width}});
    list.push_back({"embeddings.token_type_embeddings.weight", {sizes.token_types, width}});
    layer_norm("embeddings.LayerNorm");
    for (int i = 0; i < sizes.layers; ++i) {
        const std::string layer = std::format("encoder.layer.{}.", i);
        for (const std::string_view part : {"query", "key", "value"})
            linear(std::format("{}attention.self.{}", layer, part), width, width);
        linear(layer + "attention.output.dense", width, width);
        layer_norm(layer + "attention.output.LayerNorm");
        linear(layer + "intermediate.dense", sizes.feed_forward, width);
        linear(layer + "output.dense", width, sizes.feed_forward);
        layer_norm(layer + "output.LayerNorm");
    }
    return list;
}

Result<void> convert_bert(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const json config, read_config(folder / "config.json"));
    if (config.value("model_type", json()) != "bert") {
        return fail(ErrorKind::Unsupported,
                    "config.json: model_type is not bert, the only kind of sentence encoder that "
                    "is supported");
    }
    ModelFile out("bert");
    TITANS_TRY(const BertSizes sizes, read_bert_sizes(config, out));
    TITANS_TRY(const json sentence, read_config_if_there(folder / "sentence_bert_config.json"));
    TITANS_TRY(const json tokenizer, read_config_if_there(folder / "tokenizer_config.json"));
    TITANS_TRY_VOID(read_pooling(folder, out));
    TITANS_TRY_VOID(read_length(sizes, sentence, tokenizer, out));
    TITANS_TRY_VOID(read_tokenizing(folder, sentence, tokenizer, out));
    TITANS_TRY_VOID(read_tokens(folder, sizes, out));
    TITANS_TRY_VOID(read_prompts(folder, out));

    TITANS_TRY(const Checkpoint checkpoint, Checkpoint::open_folder(folder));
    const Tensors& source = checkpoint.tensors();
    const std::string prefix =
        source.contains("bert.embeddings.word_embeddings.weight") ? "bert." : "";
    TensorPicker picker(source, out);
    for (const NeededTensor& needed : bert_tensors(sizes)) {
        std::string name = prefix + needed.name;
        // Files that came from TensorFlow call a norm's weight and bias gamma and beta.
        const std::size_t norm = name.find("LayerNorm.");
        if (norm != std::string::npos) {
            std::string old = name.substr(0, norm) +
                              (name.ends_with("weight") ? "LayerNorm.gamma" : "LayerNorm.beta");
            if (source.contains(old)) name = std::move(old);
        }
        TITANS_TRY_VOID(picker.copy(needed, name));
    }
    TITANS_TRY_VOID(picker.expect_no_more(kUnused));
    out.set("titans.source_sha256", checkpoint.source_sha256());
    TITANS_TRY(OutputFile file, OutputFile::create(output));
    TITANS_TRY_VOID(out.write(file.stream()));
    return file.commit();
}

}  // namespace titans::checkpoint
