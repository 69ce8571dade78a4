#include "checkpoint/vocos_checkpoint.h"

#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "checkpoint/config_reader.h"
#include "checkpoint/output_file.h"
#include "checkpoint/yaml_file.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfig = "config.yaml";
constexpr int kKernel = 7;
constexpr Range kWindow{.least = 16, .most = 1 << 14};

// Computed from the settings.
constexpr std::array<std::string_view, 2> kUnused{"feature_extractor.mel_spec.",
                                                  "head.istft.window"};

/// The settings of the part `name`, which must be of the class `type`.
Result<nlohmann::json> part_of(const nlohmann::json& config, std::string_view name,
                               std::string_view type) {
    const auto part = config.find(name);
    const bool is_there = part != config.end() && part->is_object();
    if (!is_there || part->value("class_path", nlohmann::json()) != type) {
        return fail(ErrorKind::Unsupported,
                    std::format("{}: {}.class_path is not {}", kConfig, name, type));
    }
    const auto settings = part->find("init_args");
    if (settings == part->end() || !settings->is_object())
        return fail(ErrorKind::InvalidInput, std::format("{}: {} has no init_args", kConfig, name));
    return *settings;
}

}  // namespace

Result<VocosSizes> read_vocos_config(const nlohmann::json& config, ModelFile& out) {
    TITANS_TRY(
        const nlohmann::json mel,
        part_of(config, "feature_extractor", "vocos.feature_extractors.MelSpectrogramFeatures"));
    TITANS_TRY(const nlohmann::json backbone,
               part_of(config, "backbone", "vocos.models.VocosBackbone"));
    TITANS_TRY(const nlohmann::json head, part_of(config, "head", "vocos.heads.ISTFTHead"));
    VocosSizes sizes;
    ConfigReader of_mel(mel, std::format("{}: feature_extractor", kConfig), out, "vocos.");
    of_mel.integer("sample_rate", 24'000, {.least = 8'000, .most = 192'000});
    sizes.bands = of_mel.integer("n_mels", 100, {.least = 1, .most = 1024});
    TITANS_TRY_VOID(of_mel.result());

    ConfigReader of_backbone(backbone, std::format("{}: backbone", kConfig), out, "vocos.");
    sizes.width = of_backbone.integer("dim", std::nullopt, {.least = 1, .most = 1 << 13});
    sizes.inner =
        of_backbone.integer("intermediate_dim", std::nullopt, {.least = 1, .most = 1 << 15});
    sizes.layers = of_backbone.integer("num_layers", std::nullopt, {.least = 1, .most = 96});
    of_backbone.refuse_if_set("adanorm_num_embeddings");
    TITANS_TRY_VOID(of_backbone.result());

    ConfigReader of_head(head, std::format("{}: head", kConfig), out, "vocos.");
    sizes.window = of_head.integer("n_fft", std::nullopt, kWindow);
    const int hop = of_head.integer("hop_length", std::nullopt, {.least = 1, .most = sizes.window});
    of_head.word("padding", {"same", "center"});
    if (sizes.window % 2 != 0) of_head.refuse("n_fft", "is odd");
    TITANS_TRY_VOID(of_head.result());

    // The spectrogram that the network speaks is the one it was taught with.
    ModelFile unused("vocos");
    ConfigReader again(mel, std::format("{}: feature_extractor", kConfig), unused, "");
    if (again.integer("n_fft", 1024, kWindow) != sizes.window)
        again.refuse("n_fft", "is not the head's", ErrorKind::Unsupported);
    if (again.integer("hop_length", 256, {.least = 1, .most = sizes.window}) != hop)
        again.refuse("hop_length", "is not the head's", ErrorKind::Unsupported);
    TITANS_TRY_VOID(again.result());
    return sizes;
}

std::vector<NeededTensor> vocos_tensors(const VocosSizes& sizes) {
    std::vector<NeededTensor> list;
    const std::int64_t width = sizes.width;
    const auto pair = [&](const std::string& name, Shape shape) {
        const std::int64_t rows = shape[0];
        list.push_back({name + ".weight", std::move(shape)});
        list.push_back({name + ".bias", {rows}});
    };
    pair("backbone.embed", {width, sizes.bands, kKernel});
    pair("backbone.norm", {width});
    for (int i = 0; i < sizes.layers; ++i) {
        const std::string block = std::format("backbone.convnext.{}.", i);
        list.push_back({block + "gamma", {width}});
        pair(block + "dwconv", {width, 1, kKernel});
        pair(block + "norm", {width});
        pair(block + "pwconv1", {sizes.inner, width});
        pair(block + "pwconv2", {width, sizes.inner});
    }
    pair("backbone.final_layer_norm", {width});
    pair("head.out", {sizes.window + 2, width});
    return list;
}

Result<void> convert_vocos(const fs::path& folder, const fs::path& output) {
    TITANS_TRY(const nlohmann::json config, read_yaml(folder / kConfig));
    ModelFile out("vocos");
    TITANS_TRY(const VocosSizes sizes, read_vocos_config(config, out));
    TITANS_TRY(const Checkpoint checkpoint, Checkpoint::open_folder(folder));
    TensorPicker picker(checkpoint.tensors(), out);
    for (const NeededTensor& needed : vocos_tensors(sizes))
        TITANS_TRY_VOID(picker.copy(needed, needed.name));
    TITANS_TRY_VOID(picker.expect_no_more(kUnused));
    out.set("titans.source_sha256", checkpoint.source_sha256());
    TITANS_TRY(OutputFile file, OutputFile::create(output));
    TITANS_TRY_VOID(out.write(file.stream()));
    return file.commit();
}

}  // namespace titans::checkpoint
