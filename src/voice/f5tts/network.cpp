#include "voice/f5tts/network.h"

#include <algorithm>
#include <format>

#include "voice/f5tts/network_layers.h"

namespace titans::voice::f5tts {
namespace {

constexpr std::size_t kMostModulations = 4;  // half a megabyte a step
constexpr int kPositionGroups = 16;

std::unexpected<Error> wrong(std::string_view key) {
    return fail(ErrorKind::Unsupported,
                std::format("the model file says {} of a size that is not supported", key));
}

Result<Config> read_config(const engine::GgufFile& file) {
    TITANS_TRY(const std::string architecture, file.text("general.architecture"));
    if (architecture != "f5tts")
        return fail(ErrorKind::Unsupported, "the model file is of another kind than F5-TTS");
    Config config;
    const auto read = [&](std::string_view name, int least, int most, int& value) -> Result<void> {
        const std::string key = std::format("f5tts.{}", name);
        TITANS_TRY(const std::int64_t found, file.integer(key));
        if (found < least || found > most) return wrong(key);
        value = static_cast<int>(found);
        return {};
    };
    TITANS_TRY_VOID(read("dim", 1, 1 << 14, config.dim));
    TITANS_TRY_VOID(read("depth", 1, 128, config.depth));
    TITANS_TRY_VOID(read("heads", 1, 256, config.heads));
    TITANS_TRY_VOID(read("ff_mult", 1, 16, config.ff_mult));
    TITANS_TRY_VOID(read("mel_dim", 1, 1024, config.mel_dim));
    TITANS_TRY_VOID(read("text_dim", 1, 1 << 14, config.text_dim));
    TITANS_TRY_VOID(read("conv_layers", 0, 64, config.conv_layers));
    TITANS_TRY_VOID(read("text_num_embeds", 1, 1 << 20, config.text_num_embeds));
    TITANS_TRY(config.text_mask_padding, file.flag("f5tts.text_mask_padding"));
    TITANS_TRY_VOID(read("pe_attn_head", 0, config.heads, config.pe_attn_head));
    if (config.dim % (2 * config.heads) != 0) return wrong("f5tts.heads");
    if (config.dim % kPositionGroups != 0) return wrong("f5tts.dim");
    if (config.text_dim % 2 != 0) return wrong("f5tts.text_dim");
    return config;
}

}  // namespace

std::shared_ptr<const Modulation> Network::Layers::find_modulation(
    std::span<const float> times) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& known : modulations_)
        if (std::ranges::equal(known->times(), times)) return known;
    return nullptr;
}

void Network::Layers::remember(std::shared_ptr<const Modulation> modulation) const {
    const std::scoped_lock lock(mutex_);
    modulations_.push_front(std::move(modulation));
    if (modulations_.size() > kMostModulations) modulations_.pop_back();
}

Network::Network() = default;
Network::~Network() = default;

Result<std::shared_ptr<const Network>> Network::load(const std::filesystem::path& path,
                                                     const engine::Compute& compute) {
    TITANS_TRY(auto opened, engine::GgufFile::open(path));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    std::shared_ptr<Network> network(new Network());
    TITANS_TRY(network->config_, read_config(*file));
    TITANS_TRY(network->vocabulary_, file->texts("tokenizer.tokens"));
    if (std::ssize(network->vocabulary_) != network->config_.text_num_embeds)
        return wrong("tokenizer.tokens");
    TITANS_TRY_VOID(ModulationPass::check(*file, network->config_));
    auto layers = std::make_unique<Layers>();
    layers->file = file;
    layers->device = compute.device;
    TITANS_TRY(layers->transformer, Transformer::load(file, network->config_, compute));
    network->layers_ = std::move(layers);
    return network;
}

}  // namespace titans::voice::f5tts
