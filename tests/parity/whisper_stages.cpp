#include <memory>

#include "audio/mel_spectrogram.h"
#include "engine/ggml/gguf_file.h"
#include "families.h"
#include "hearing/whisper/log_mel.h"
#include "hearing/whisper/network.h"

namespace titans::parity {
namespace {

Result<std::vector<float>> given(const checkpoint::Tensors& reference, const std::string& name) {
    TITANS_TRY(const checkpoint::TensorView view, reference.tensor(name));
    return checkpoint::to_f32(view);
}

}  // namespace

Result<std::vector<Stage>> whisper_stages(const Subject& subject) {
    namespace whisper = hearing::whisper;
    TITANS_TRY(const std::vector<float> samples, given(subject.reference, "samples"));
    TITANS_TRY(const std::vector<float> numbers, given(subject.reference, "tokens"));
    const std::vector<int> tokens(numbers.begin(), numbers.end());
    TITANS_TRY(auto opened, engine::GgufFile::open(subject.model));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    TITANS_TRY(const auto network, whisper::Network::load(file, subject.compute));
    const int frames = 2 * network->sizes().positions;

    std::vector<Stage> made{{"samples", samples}, {"tokens", numbers}};
    const auto mel = [&](int bands) -> Result<std::vector<float>> {
        TITANS_TRY(const auto spectrogram, audio::MelSpectrogram::make({.mels = bands}));
        return whisper::log_mel(spectrogram, samples, frames);
    };
    const int bands = network->sizes().mels;
    TITANS_TRY(const std::vector<float> input, mel(bands));
    made.push_back({"mel", input});
    for (const int others : {80, 128}) {
        const std::string name = std::format("mel.{}", others);
        if (!subject.reference.contains(name)) continue;
        TITANS_TRY(std::vector<float> values, mel(others));
        made.push_back({name, std::move(values)});
    }
    TITANS_TRY(std::vector<whisper::Stage> stages, network->stages(input, tokens));
    for (whisper::Stage& stage : stages)
        made.push_back({std::move(stage.name), std::move(stage.values)});
    TITANS_TRY(const auto flat, file->integers("whisper.alignment_heads"));
    std::vector<whisper::Head> heads;
    for (std::size_t i = 0; i + 1 < flat.size(); i += 2)
        heads.push_back({static_cast<int>(flat[i]), static_cast<int>(flat[i + 1])});
    TITANS_TRY(std::vector<float> alignment, network->alignment(tokens, heads, {}));
    made.push_back({"alignment", std::move(alignment)});
    return made;
}

}  // namespace titans::parity
