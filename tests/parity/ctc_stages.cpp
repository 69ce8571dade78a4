#include <memory>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/graph.h"
#include "families.h"
#include "hearing/ctc/ctc_network.h"
#include "hearing/ctc/normalization.h"

namespace titans::parity {
namespace {

Result<std::vector<Stage>> stages(const Subject& subject, const std::string& architecture) {
    TITANS_TRY(const checkpoint::TensorView given, subject.reference.tensor("samples"));
    TITANS_TRY(const std::vector<float> samples, checkpoint::to_f32(given));
    TITANS_TRY(auto opened, engine::GgufFile::open(subject.model));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    TITANS_TRY(const auto config, hearing::ctc::read_ctc_config(*file, architecture));
    TITANS_TRY(const auto network, hearing::ctc::CtcNetwork::load(file, config, subject.compute));
    if (config.frames(std::ssize(samples)) == 0)
        return fail(ErrorKind::InvalidInput, "samples: fewer than a frame needs");

    std::vector<Stage> made{{"samples", samples}};
    const std::vector<float> wave =
        config.normalizes_samples ? hearing::ctc::Normalization(samples).of(samples) : samples;
    made.push_back({"wave", wave});
    engine::Node input = nullptr;
    std::vector<std::pair<std::string, engine::Node>> told;
    TITANS_TRY(const auto graph,
               engine::Graph::build(*subject.compute.device, [&](engine::GraphBuilder& builder) {
                   input = builder.input(std::ssize(wave), 1);
                   network.draw(builder, input, [&](std::string_view name, engine::Node value) {
                       if (subject.reference.contains(name))
                           told.emplace_back(name, builder.output(value));
                   });
               }));
    graph->write(input, wave);
    TITANS_TRY_VOID(graph->compute({}));
    for (const auto& [name, node] : told) made.push_back({name, graph->read(node)});
    return made;
}

}  // namespace

Result<std::vector<Stage>> wav2vec2_stages(const Subject& subject) {
    return stages(subject, "wav2vec2");
}

Result<std::vector<Stage>> hubert_stages(const Subject& subject) {
    return stages(subject, "hubert");
}

}  // namespace titans::parity
