#include "hearing/ctc/ctc_recognizer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "hearing/ctc/ctc_windows.h"
#include "hearing/ctc/normalization.h"

namespace titans::hearing::ctc {
namespace {

float mean_confidence(const std::vector<Word>& words) {
    if (words.empty()) return 0;
    float sum = 0;
    for (const Word& word : words) sum += word.confidence;
    return sum / static_cast<float>(words.size());
}

}  // namespace

Result<std::unique_ptr<CtcRecognizer>> CtcRecognizer::load(const std::filesystem::path& model,
                                                           const std::string& architecture,
                                                           const engine::Compute& compute,
                                                           const Options& options) {
    TITANS_TRY(auto file, engine::GgufFile::open(model));
    const auto shared = std::make_shared<const engine::GgufFile>(std::move(file));
    TITANS_TRY(const CtcConfig config, read_ctc_config(*shared, architecture));
    TITANS_TRY(Vocabulary vocabulary, read_vocabulary(*shared, config.vocabulary));
    TITANS_TRY(CtcNetwork network, CtcNetwork::load(shared, config, compute));
    return std::unique_ptr<CtcRecognizer>(
        new CtcRecognizer(std::move(network), std::move(vocabulary), options));
}

CtcRecognizer::CtcRecognizer(CtcNetwork network, Vocabulary vocabulary, const Options& options)
    : network_(std::move(network)), vocabulary_(std::move(vocabulary)), options_(options) {
    assert(options.window > 2 * options.context);
}

Result<Transcript> CtcRecognizer::recognize(const audio::Audio& speech,
                                            const RecognitionOptions& options,
                                            std::stop_token stop) {
    assert(speech.rate() == input_rate());
    if (!std::ranges::all_of(speech.samples(),
                             [](float sample) { return std::isfinite(sample); })) {
        return fail(ErrorKind::InvalidInput, "the recording holds values that are not numbers");
    }
    Transcript transcript{.language = options.language == "auto" ? "" : options.language};
    TITANS_TRY(const std::vector<Choice> choices, listen(speech.samples(), stop));
    const Milliseconds frame(1000.0 * static_cast<double>(network_.config().stride()) /
                             input_rate().hz);
    std::vector<Word> words = spell(choices, vocabulary_, frame);
    write_readably(words, vocabulary_, transcript.language);
    for (const Word& word : words) {
        if (!transcript.text.empty()) transcript.text += ' ';
        transcript.text += word.text;
    }
    transcript.confidence = mean_confidence(words);
    transcript.no_speech_probability = words.empty() ? 1 : 0;
    if (options.word_times) transcript.words = std::move(words);
    return transcript;
}

Result<std::vector<Choice>> CtcRecognizer::listen(std::span<const float> samples,
                                                  const std::stop_token& stop) {
    const CtcConfig& config = network_.config();
    const auto tokens = static_cast<std::size_t>(config.vocabulary);
    const std::int64_t frames = config.frames(std::ssize(samples));
    std::vector<Choice> choices;
    if (frames == 0) return choices;
    const auto normalization =
        config.normalizes_samples ? std::optional<Normalization>(samples) : std::nullopt;
    const auto frames_of = [&](Milliseconds time) {
        return static_cast<std::int64_t>(time.count() * config.sampling_rate / 1000) /
               config.stride();
    };
    const auto windows = plan_windows(frames, std::max<std::int64_t>(frames_of(options_.window), 3),
                                      frames_of(options_.context));
    choices.reserve(static_cast<std::size_t>(frames));
    for (const Window& window : windows) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
        std::span<const float> part = samples;
        if (windows.size() > 1) {
            part = samples.subspan(static_cast<std::size_t>(window.first * config.stride()),
                                   static_cast<std::size_t>((window.count - 1) * config.stride() +
                                                            config.receptive_field()));
        }
        const std::vector<float> values =
            normalization ? normalization->of(part) : std::vector<float>(part.begin(), part.end());
        TITANS_TRY(const std::vector<float> logits, compute(values, stop));
        choose(std::span(logits).subspan(
                   static_cast<std::size_t>(window.keep_first - window.first) * tokens,
                   static_cast<std::size_t>(window.keep_end - window.keep_first) * tokens),
               tokens, choices);
    }
    return choices;
}

Result<std::vector<float>> CtcRecognizer::compute(std::span<const float> samples,
                                                  const std::stop_token& stop) {
    if (drawn_.samples != samples.size()) {
        drawn_ = {};  // its memory first
        Drawn drawn{.samples = samples.size()};
        TITANS_TRY(drawn.graph,
                   engine::Graph::build(network_.device(), [&](engine::GraphBuilder& graph) {
                       drawn.input = graph.input(std::ssize(samples), 1);
                       drawn.output = graph.output(network_.draw(graph, drawn.input));
                   }));
        drawn_ = std::move(drawn);
    }
    drawn_.graph->write(drawn_.input, samples);
    TITANS_TRY_VOID(drawn_.graph->compute(stop));
    return drawn_.graph->read(drawn_.output);
}

}  // namespace titans::hearing::ctc
