#include "hearing/whisper/whisper_recognizer.h"

#include <array>
#include <cassert>
#include <cmath>
#include <string_view>

#include "engine/ggml/backends.h"
#include "hearing/whisper/spoken_text.h"
#include "hearing/whisper/token_choice.h"
#include "hearing/whisper/windows.h"

namespace titans::hearing::whisper {
namespace {

/// One position of the encoder's output is two hops of the spectrogram: 20 ms.
constexpr std::size_t kPosition = std::size_t{2} * WHISPER_HOP_LENGTH;
// Instead of 30 seconds, 1500 positions, the encoder sees what is said and some silence behind it,
// which costs half for a short question. With 512 positions or fewer it gets words wrong and
// invents endings.
constexpr std::size_t kLeastContext = 768;
constexpr std::size_t kSilence = 128;
// libwhisper's decoder looks at a multiple of 256 positions whatever the encoder wrote: other
// numbers of them would show it remains of earlier recordings.
constexpr std::size_t kContextStep = 256;
constexpr std::size_t kMostContext = 1280;
constexpr std::size_t kMostSamples = (kMostContext - kSilence) * kPosition;  // of a window: 23 s

/// Noise and music have 0.78 and more, faint or foreign speech up to 0.66.
constexpr double kNoSpeech = 0.72;
/// A text less likely than this, for each token, is tried again (arXiv:2212.04356, section 4.5).
constexpr double kLeastLogProbability = -1;
constexpr std::array kTemperatures{0.0, 0.4, 0.8};

int audio_context(std::size_t samples) {
    const std::size_t needed = (samples + kPosition - 1) / kPosition + kSilence;
    const std::size_t rounded = (needed + kContextStep - 1) / kContextStep * kContextStep;
    return static_cast<int>(std::max(rounded, kLeastContext));
}

std::unexpected<Error> failed(const char* step, const engine::LibraryWords& words) {
    return fail(ErrorKind::Internal, "whisper: could not recognise the recording",
                std::format("libwhisper, {}: {}", step, words.text()));
}

std::unexpected<Error> cancelled() { return fail(ErrorKind::Cancelled, "cancelled"); }

}  // namespace

bool WhisperRecognizer::Attempt::trustworthy() const {
    return !circles && mean_log_probability >= kLeastLogProbability;
}

Result<std::unique_ptr<WhisperRecognizer>> WhisperRecognizer::load(
    const std::filesystem::path& path, const Options& options) {
    assert(options.threads > 0);
    TITANS_TRY(engine::WhisperModel model, engine::WhisperModel::load(path));
    return std::unique_ptr<WhisperRecognizer>(new WhisperRecognizer(std::move(model), options));
}

WhisperRecognizer::WhisperRecognizer(engine::WhisperModel model, const Options& options)
    : model_(std::move(model)), options_(options), end_(whisper_token_eot(model_.context())) {
    whisper_context* context = model_.context();
    allowed_.resize(static_cast<std::size_t>(whisper_n_vocab(context)));
    for (int token = 0; token <= end_; ++token) {
        allowed_[static_cast<std::size_t>(token)] =
            !is_caption_mark(whisper_token_to_str(context, token));
    }
    allowed_first_ = allowed_;
    allowed_first_[static_cast<std::size_t>(end_)] = false;
    for (int token = 0; token < end_; ++token) {
        if (std::string_view(whisper_token_to_str(context, token)) == " ") {
            allowed_first_[static_cast<std::size_t>(token)] = false;
        }
    }
}

Result<Transcript> WhisperRecognizer::recognize(const audio::Audio& speech,
                                                const RecognitionOptions& options,
                                                std::stop_token stop) {
    assert(speech.rate() == input_rate());
    TITANS_TRY_VOID(check_language(options.language));
    if (!std::ranges::all_of(speech.samples(),
                             [](float sample) { return std::isfinite(sample); })) {
        return fail(ErrorKind::InvalidInput, "the recording holds values that are not numbers");
    }

    Transcript transcript{.text = {},
                          .language = options.language == "auto" ? "" : options.language};
    for (const std::span<const float> window :
         cut_windows(speech.samples(), kMostSamples, input_rate())) {
        if (stop.stop_requested()) return cancelled();
        if (is_silent(window, input_rate())) continue;
        TITANS_TRY(const std::string text, recognize_window(window, transcript.language, stop));
        if (!text.empty() && !transcript.text.empty()) transcript.text += ' ';
        transcript.text += text;
    }
    if (transcript.language.empty()) transcript.language = "en";  // nothing was said in any
    return transcript;
}

Result<void> WhisperRecognizer::check_language(const std::string& language) const {
    if (language == "auto") return {};
    // whisper_lang_id() knows full names too.
    const int id = whisper_lang_id(language.c_str());
    if (id < 0 || language != whisper_lang_str(id)) {
        return fail(ErrorKind::InvalidInput,
                    "language: not one that Whisper knows; give its code, as \"en\", or \"auto\"");
    }
    if (language != "en" && whisper_is_multilingual(model_.context()) == 0) {
        return fail(ErrorKind::InvalidInput, "language: this Whisper model knows English only");
    }
    return {};
}

Result<std::string> WhisperRecognizer::recognize_window(std::span<const float> samples,
                                                        std::string& language,
                                                        const std::stop_token& stop) {
    TITANS_TRY_VOID(encode(samples));
    if (stop.stop_requested()) return cancelled();

    // What follows the start token says whether and in what language something is said.
    whisper_context* context = model_.context();
    const std::array start{whisper_token_sot(context)};
    TITANS_TRY(const std::span<const float> opening, read(start, 0));
    if (no_speech_probability(opening) > kNoSpeech) return std::string();
    std::vector<int> prompt;
    if (whisper_is_multilingual(context) != 0) {
        if (language.empty()) language = likeliest_language(opening);
        prompt = {whisper_token_lang(context, whisper_lang_id(language.c_str())),
                  whisper_token_transcribe(context)};
    } else {
        language = "en";
    }
    prompt.push_back(whisper_token_not(context));
    TITANS_TRY(const std::span<const float> first, read(prompt, start.size()));
    const std::vector<float> logits(first.begin(), first.end());

    Attempt best;
    for (const double temperature : kTemperatures) {
        TITANS_TRY(Attempt attempt, write(logits, start.size() + prompt.size(), temperature, stop));
        const bool better = temperature == 0 || (best.circles && !attempt.circles) ||
                            (best.circles == attempt.circles &&
                             attempt.mean_log_probability > best.mean_log_probability);
        if (better) best = std::move(attempt);
        if (best.trustworthy()) break;
    }
    std::string written;
    for (const int token : best.tokens) written += whisper_token_to_str(context, token);
    return spoken_text(written);
}

Result<void> WhisperRecognizer::encode(std::span<const float> samples) {
    // libwhisper takes nothing under a tenth of a second, and hears little in under one.
    std::vector<float> padded;
    if (samples.size() < WHISPER_SAMPLE_RATE) {
        padded.assign(samples.begin(), samples.end());
        padded.resize(WHISPER_SAMPLE_RATE);
        samples = padded;
    }
    const engine::LibraryWords words;
    // The encoder's length can be set by this call only. Told that all lasts a tenth of a second it
    // computes the spectrogram, sets the length, and ends before the encoder.
    whisper_full_params params = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
    params.n_threads = options_.threads;
    params.audio_ctx = audio_context(samples.size());
    params.duration_ms = 100;
    params.language = "en";
    params.print_progress = false;
    if (whisper_full_with_state(model_.context(), model_.state(), params, samples.data(),
                                static_cast<int>(samples.size())) != 0) {
        return failed("spectrogram", words);
    }
    if (whisper_encode_with_state(model_.context(), model_.state(), 0, options_.threads) != 0) {
        return failed("encoder", words);
    }
    return {};
}

Result<std::span<const float>> WhisperRecognizer::read(std::span<const int> tokens,
                                                       std::size_t position) {
    const engine::LibraryWords words;
    if (whisper_decode_with_state(model_.context(), model_.state(), tokens.data(),
                                  static_cast<int>(tokens.size()), static_cast<int>(position),
                                  options_.threads) != 0) {
        return failed("decoder", words);
    }
    // One row a token, of which the last is written.
    const float* rows = whisper_get_logits_from_state(model_.state());
    return std::span(rows + (tokens.size() - 1) * allowed_.size(), allowed_.size());
}

double WhisperRecognizer::no_speech_probability(std::span<const float> logits) const {
    const float most = *std::ranges::max_element(logits);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - most);
    const auto token = static_cast<std::size_t>(whisper_token_nosp(model_.context()));
    return std::exp(logits[token] - most) / sum;
}

std::string WhisperRecognizer::likeliest_language(std::span<const float> logits) const {
    const auto logit = [&](int id) {
        return logits[static_cast<std::size_t>(whisper_token_lang(model_.context(), id))];
    };
    // The last of libwhisper's list is known to the newest models only, whose vocabulary is one
    // larger.
    const int last = whisper_lang_max_id() - (whisper_n_vocab(model_.context()) > 51865 ? 0 : 1);
    int best = 0;
    for (int id = 1; id <= last; ++id) {
        if (logit(id) > logit(best)) best = id;
    }
    return whisper_lang_str(best);
}

Result<WhisperRecognizer::Attempt> WhisperRecognizer::write(std::vector<float> logits,
                                                            std::size_t position,
                                                            double temperature,
                                                            const std::stop_token& stop) {
    random_.seed(1);  // the same recording, the same text
    const std::size_t most = static_cast<std::size_t>(whisper_n_text_ctx(model_.context())) / 2;
    Attempt attempt;
    double sum = 0;
    std::span<const float> next = logits;
    while (true) {
        if (stop.stop_requested()) return cancelled();
        const ChosenToken chosen = choose_token(
            next, attempt.tokens.empty() ? allowed_first_ : allowed_, temperature, random_);
        sum += chosen.log_probability;
        if (chosen.id == end_) break;
        attempt.tokens.push_back(chosen.id);
        attempt.circles = goes_in_circles(attempt.tokens);
        if (attempt.circles || attempt.tokens.size() >= most) break;
        TITANS_TRY(next, read(std::span(&chosen.id, 1), position + attempt.tokens.size() - 1));
    }
    attempt.mean_log_probability = sum / static_cast<double>(attempt.tokens.size() + 1);
    return attempt;
}

}  // namespace titans::hearing::whisper
