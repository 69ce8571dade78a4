#include "hearing/whisper/recognizer.h"

#include <array>
#include <cassert>
#include <cmath>

#include "hearing/whisper/alignment.h"
#include "hearing/whisper/log_mel.h"
#include "hearing/whisper/spoken_text.h"
#include "hearing/whisper/windows.h"
#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

constexpr SampleRate kRate{16'000};
constexpr int kFftSize = 400;
constexpr int kHop = 160;
constexpr std::size_t kPosition = std::size_t{2} * kHop;  // of the encoder's output: 20 ms
constexpr Milliseconds kPositionTime{20};

// Of a short clip, in positions. It costs words to encode less. English clips of 2 to 4 s against
// the text of whole windows: 0 % of the words with 1024 positions, 2 % with 896, 4 % with 640, 11 %
// with 320. Sentences read aloud, also with noise, faint and cut: 3.8 % wrong with 1024, 3.4 % with
// all.
constexpr int kSilence = 96;
constexpr int kLeastPositions = 1024;
constexpr int kPositionStep = 64;  // so that graphs serve again

/// Above this, nothing is said, whatever would be written. Noise and music have 0.78 and more,
/// faint or foreign speech up to 0.66.
constexpr double kSurelyNoSpeech = 0.72;
/// Above this, nothing is said if what was written is unlikely, too (arXiv:2212.04356, section 4.5,
/// as the numbers below).
constexpr double kNoSpeech = 0.6;
/// A text less likely than this, for each token, is tried again.
constexpr double kLeastLogProbability = -1;
constexpr std::array kTemperatures{0.0, 0.2, 0.4, 0.6, 0.8, 1.0};
constexpr int kSamples = 5;  // of which the best is taken, above temperature 0

std::unexpected<Error> cancelled() { return fail(ErrorKind::Cancelled, "cancelled"); }

double probability(std::span<const float> logits, int id) {
    const float most = std::ranges::max(logits);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - most);
    return std::exp(double{logits[static_cast<std::size_t>(id)]} - most) / sum;
}

}  // namespace

Result<std::unique_ptr<Recognizer>> Recognizer::load(const std::filesystem::path& path,
                                                     const engine::Compute& compute,
                                                     const Options& options) {
    TITANS_TRY(engine::GgufFile opened, engine::GgufFile::open(path));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    TITANS_TRY(auto network, Network::load(file, compute));
    TITANS_TRY(Vocabulary vocabulary, Vocabulary::read(*file, network->sizes().vocabulary));
    TITANS_TRY(
        auto spectrogram,
        audio::MelSpectrogram::make(
            {.fft_size = kFftSize, .hop = kHop, .mels = network->sizes().mels, .rate = kRate}));
    std::unique_ptr<Recognizer> made(
        new Recognizer(std::move(network), std::move(vocabulary), std::move(spectrogram), options));
    TITANS_TRY_VOID(made->load_alignment_heads(*file));
    return made;
}

Recognizer::Recognizer(std::unique_ptr<Network> network, Vocabulary vocabulary,
                       audio::MelSpectrogram spectrogram, const Options& options)
    : network_(std::move(network)),
      vocabulary_(std::move(vocabulary)),
      rules_(vocabulary_),
      spectrogram_(std::move(spectrogram)),
      options_(options) {}

Result<void> Recognizer::load_alignment_heads(const engine::GgufFile& file) {
    const NetworkSizes& sizes = network_->sizes();
    if (!file.has("whisper.alignment_heads")) {  // all of the later half, as the reference does
        for (int layer = sizes.decoder_layers / 2; layer < sizes.decoder_layers; ++layer)
            for (int head = 0; head < sizes.decoder_heads; ++head)
                alignment_heads_.push_back({layer, head});
        return {};
    }
    TITANS_TRY(const auto numbers, file.integers("whisper.alignment_heads"));
    for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) {
        const auto [layer, head] = std::pair(numbers[i], numbers[i + 1]);
        if (layer < 0 || layer >= sizes.decoder_layers || head < 0 || head >= sizes.decoder_heads) {
            return fail(ErrorKind::Unsupported,
                        "the model file's alignment_heads are none of its heads");
        }
        alignment_heads_.push_back({static_cast<int>(layer), static_cast<int>(head)});
    }
    return {};
}

Result<Transcript> Recognizer::recognize(const audio::Audio& speech,
                                         const RecognitionOptions& options, std::stop_token stop) {
    assert(speech.rate() == input_rate());
    TITANS_TRY_VOID(check_language(options.language));
    if (!std::ranges::all_of(speech.samples(),
                             [](float sample) { return std::isfinite(sample); })) {
        return fail(ErrorKind::InvalidInput, "the recording holds values that are not numbers");
    }

    Transcript transcript{.language = options.language == "auto" ? "" : options.language};
    if (!vocabulary_.is_multilingual()) transcript.language = "en";
    double sum = 0;  // of the logarithms of the tokens' probabilities
    std::size_t tokens = 0;
    double silence = 0;  // of the windows' lengths, where nothing is said
    Context context(expected_tokens(options.prompt), network_->sizes().tokens / 2);
    const std::size_t most = static_cast<std::size_t>(network_->sizes().positions) * kPosition;
    for (const std::span<const float> window : cut_windows(speech.samples(), most, input_rate())) {
        if (stop.stop_requested()) return cancelled();
        const auto length = static_cast<double>(window.size());
        if (is_silent(window, input_rate())) {
            silence += length;
            continue;
        }
        TITANS_TRY(Heard heard, hear(window, options, context, transcript.language, stop));
        silence += length * heard.no_speech_probability;
        if (heard.text.empty()) continue;
        if (!transcript.text.empty()) transcript.text += ' ';
        transcript.text += heard.text;
        sum += heard.written.sum;
        tokens += heard.written.tokens.size() + 1;
        context.add(heard.written.tokens, heard.temperature);
        const Milliseconds start(
            1e3 * static_cast<double>(window.data() - speech.samples().data()) / input_rate().hz);
        for (Word& word : heard.words) {
            word.begin += start;
            word.end += start;
            transcript.words.push_back(std::move(word));
        }
    }
    if (tokens > 0)
        transcript.confidence = static_cast<float>(std::exp(sum / static_cast<double>(tokens)));
    transcript.no_speech_probability =
        speech.samples().empty()
            ? 1
            : static_cast<float>(silence / static_cast<double>(speech.samples().size()));
    if (transcript.language.empty()) transcript.language = "en";  // nothing was said in any
    return transcript;
}

Result<void> Recognizer::check_language(const std::string& language) const {
    if (language == "auto" || language == "en") return {};
    if (!vocabulary_.is_multilingual()) {
        return fail(ErrorKind::InvalidInput, "language: this Whisper model knows English only");
    }
    if (!vocabulary_.languages().contains(language)) {
        return fail(ErrorKind::InvalidInput,
                    "language: not one that Whisper knows; give its code, as \"en\", or \"auto\"");
    }
    return {};
}

int Recognizer::positions_for(std::size_t samples) const {
    const int all = network_->sizes().positions;
    if (!options_.short_clips) return all;
    const auto spoken = static_cast<int>((samples + kPosition - 1) / kPosition);
    const int needed = std::max(spoken + kSilence, kLeastPositions);
    return std::min((needed + kPositionStep - 1) / kPositionStep * kPositionStep, all);
}

Result<Recognizer::Heard> Recognizer::hear(std::span<const float> samples,
                                           const RecognitionOptions& options,
                                           const Context& context, std::string& language,
                                           const std::stop_token& stop) {
    const int positions = positions_for(samples.size());
    TITANS_TRY_VOID(network_->encode(log_mel(spectrogram_, samples, 2 * positions), stop));

    // What follows the start token says whether and in what language something is said.
    std::vector<int> start{vocabulary_.start()};
    TITANS_TRY(const auto opening, network_->read(start, 0, stop));
    Heard heard{.no_speech_probability = probability(opening, vocabulary_.no_speech())};
    if (heard.no_speech_probability > kSurelyNoSpeech) return heard;
    if (vocabulary_.is_multilingual()) {
        if (language.empty()) language = likeliest_language(opening);
        start.push_back(vocabulary_.languages().find(language)->second);
        start.push_back(vocabulary_.transcribe());
    }
    start.push_back(vocabulary_.no_timestamps());

    const std::vector<int> previous = context.tokens(vocabulary_.start_of_previous());
    std::vector<int> unread(start.begin() + 1, start.end());
    int position = 1;
    if (!previous.empty()) {
        unread = previous;
        unread.insert(unread.end(), start.begin(), start.end());
        position = 0;
    }
    TITANS_TRY(const auto first, network_->read(unread, position, stop));
    const int read = position + static_cast<int>(unread.size());
    const int room = network_->sizes().tokens - read;
    TITANS_TRY_VOID(write({.logits = {first.begin(), first.end()},
                           .position = read,
                           .most = std::min(network_->sizes().tokens / 2, room)},
                          options, heard, stop));
    heard.text = spoken_text(vocabulary_.text(heard.written.tokens));
    if (options.word_times && !heard.text.empty()) {
        TITANS_TRY(heard.words, find_words(heard.written, start, language, samples.size(), stop));
    }
    return heard;
}

std::string Recognizer::likeliest_language(std::span<const float> logits) const {
    return std::ranges::max_element(vocabulary_.languages(), {},
                                    [&](const auto& language) {
                                        return logits[static_cast<std::size_t>(language.second)];
                                    })
        ->first;
}

std::vector<int> Recognizer::expected_tokens(const std::string& prompt) const {
    const std::string valid = text::to_utf8(prompt);
    const std::string_view words = text::trim(valid);
    if (words.empty()) return {};
    return vocabulary_.encode(" " + std::string(words));
}

Result<void> Recognizer::write(const Beginning& beginning, const RecognitionOptions& options,
                               Heard& heard, const std::stop_token& stop) {
    random_.seed(1);  // the same recording, the same text
    std::optional<Written> best;
    for (const double temperature : kTemperatures) {
        heard.temperature = temperature;
        const bool beams = temperature == 0 && options.beams > 1;
        TITANS_TRY(Written written,
                   beams ? write_beams(*network_, rules_, beginning, options.beams, stop)
                         : write_tokens(*network_, rules_, beginning,
                                        {.temperature = temperature,
                                         .hypotheses = temperature == 0 ? 1 : kSamples},
                                        random_, stop));
        const bool better = !best || (best->in_circles && !written.in_circles) ||
                            (best->in_circles == written.in_circles &&
                             written.mean_log_probability() > best->mean_log_probability());
        if (better) best = std::move(written);
        const bool likely = best->mean_log_probability() >= kLeastLogProbability;
        if (!likely && heard.no_speech_probability > kNoSpeech) return {};
        if (likely && !best->in_circles) break;
    }
    heard.written = *std::move(best);
    return {};
}

Result<std::vector<Word>> Recognizer::find_words(const Written& written, std::span<const int> start,
                                                 std::string_view language, std::size_t samples,
                                                 const std::stop_token& stop) {
    std::vector<int> tokens(start.begin(), start.end());
    tokens.insert(tokens.end(), written.tokens.begin(), written.tokens.end());
    tokens.push_back(vocabulary_.end());
    if (std::ssize(tokens) > network_->sizes().tokens) return std::vector<Word>();
    TITANS_TRY(const std::vector<float> shares,
               network_->alignment(tokens, alignment_heads_, stop));
    const auto heads = static_cast<int>(alignment_heads_.size());
    const auto rows = static_cast<int>(tokens.size());
    const int positions = static_cast<int>(shares.size()) / heads / rows;
    const int used = std::clamp(static_cast<int>(samples / kPosition), 1, positions);
    // The end's own row writes nothing.
    std::vector<float> kept;
    for (int head = 0; head < heads; ++head) {
        const auto first = shares.begin() + std::ptrdiff_t{head} * rows * positions;
        kept.insert(kept.end(), first, first + std::ptrdiff_t{rows - 1} * positions);
    }
    const std::vector<int> times =
        token_times(kept, heads, rows - 1, positions, static_cast<int>(start.size()) - 1, used);
    std::vector<Word> words;
    for (const WordTokens& word : split_words(vocabulary_, written.tokens, language)) {
        std::string text = spoken_text(word.text);
        if (text.empty()) continue;
        double sum = 0;
        for (int i = word.first; i < word.first + word.count; ++i)
            sum += written.log_probabilities[static_cast<std::size_t>(i)];
        words.push_back(
            {.text = std::move(text),
             .begin = kPositionTime * times[static_cast<std::size_t>(word.first)],
             .end = kPositionTime * times[static_cast<std::size_t>(word.first + word.count)],
             .confidence = static_cast<float>(std::exp(sum / word.count))});
    }
    return words;
}

}  // namespace titans::hearing::whisper
