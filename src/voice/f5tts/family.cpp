#include "voice/f5tts/family.h"

#include "voice/f5tts/f5_synthesizer.h"

namespace titans::voice::f5tts {

std::string missing(const VoiceResources& /*resources*/) { return ""; }

Result<std::shared_ptr<SpeechSynthesizer>> load(std::span<const std::filesystem::path> models,
                                                const VoiceResources& resources) {
    TITANS_TRY(auto network, Network::load(models[0], resources.networks));
    TITANS_TRY(auto vocoder, Vocoder::load(models[1], resources.networks));
    return std::make_shared<F5Synthesizer>(
        F5Synthesizer::Parts{.network = std::move(network),
                             .vocoder = std::move(vocoder),
                             .characters = std::make_shared<const Characters>(),
                             .on_gpu = resources.networks.device->is_gpu()});
}

}  // namespace titans::voice::f5tts
