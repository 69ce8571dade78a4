#include <algorithm>
#include <cmath>

#include "engine/layers/graph.h"
#include "families.h"
#include "voice/f5tts/vocoder.h"

namespace titans::parity {

Result<std::vector<Stage>> vocos_stages(const Subject& subject) {
    constexpr std::size_t kMels = 100;
    constexpr float kLargestMagnitude = 100;
    TITANS_TRY(const checkpoint::TensorView view, subject.reference.tensor("mel"));
    TITANS_TRY(const std::vector<float> mel, checkpoint::to_f32(view));
    TITANS_TRY(const auto vocoder, voice::f5tts::Vocoder::load(subject.model, subject.compute));
    const std::size_t frames = mel.size() / kMels;
    engine::Node in = nullptr;
    engine::Node out = nullptr;
    std::vector<std::pair<std::string, engine::Node>> told;
    TITANS_TRY(const auto graph,
               engine::Graph::build(*subject.compute.device, [&](engine::GraphBuilder& builder) {
                   in = builder.input(static_cast<std::int64_t>(frames), kMels);
                   const auto sink = [&](std::string_view name, engine::Node value) {
                       told.emplace_back(name, builder.output(value));
                   };
                   out = builder.output(vocoder->draw(builder, in, sink));
               }));
    graph->write(in, mel);
    TITANS_TRY_VOID(graph->compute({}));
    std::vector<Stage> made{{"mel", mel}};
    for (const auto& [name, node] : told) made.push_back({name, graph->read(node)});

    const std::vector<float> spectrum = graph->read(out);
    const std::size_t width = spectrum.size() / frames;
    Stage magnitude{"magnitude", {}};
    Stage phase{"phase", {}};
    for (std::size_t i = 0; i < spectrum.size(); ++i) {
        if (i % width < width / 2) {
            magnitude.values.push_back(std::min(std::exp(spectrum[i]), kLargestMagnitude));
        } else {
            phase.values.push_back(spectrum[i]);
        }
    }
    made.push_back(std::move(magnitude));
    made.push_back(std::move(phase));
    TITANS_TRY(std::vector<float> wave, vocoder->decode(mel, {}));
    made.push_back({"waveform", std::move(wave)});
    return made;
}

}  // namespace titans::parity
