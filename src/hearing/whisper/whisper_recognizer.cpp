#include "hearing/whisper/whisper_recognizer.h"

#include <cassert>
#include <cmath>
#include <string_view>

#include "engine/ggml/backends.h"
#include "hearing/whisper/family.h"
#include "hearing/whisper/spoken_text.h"

namespace titans::hearing::whisper {
namespace {

constexpr std::size_t kWindow = std::size_t{WHISPER_SAMPLE_RATE} * WHISPER_CHUNK_SIZE;
/// One position of the encoder's output is two hops of the spectrogram: 20 ms.
constexpr std::size_t kPosition = std::size_t{2} * WHISPER_HOP_LENGTH;
/// The silence, in positions, that the encoder sees behind a short recording instead of filling up
/// 30 seconds: with less it invents an ending.
constexpr std::size_t kSilencePositions = 128;
/// Below this root mean square in its loudest 20 ms a recording is silent: -60 dB.
constexpr double kSilentRms = 1e-3;

bool is_stopped(void* stop) noexcept {
    return static_cast<std::stop_token*>(stop)->stop_requested();
}

bool may_go_on(whisper_context* /*context*/, whisper_state* /*state*/, void* stop) noexcept {
    return !is_stopped(stop);
}

bool is_silent(std::span<const float> samples) {
    while (!samples.empty()) {
        const std::span<const float> frame = samples.first(std::min(samples.size(), kPosition));
        double energy = 0;
        for (const float sample : frame) energy += static_cast<double>(sample) * sample;
        if (energy > kSilentRms * kSilentRms * static_cast<double>(frame.size())) return false;
        samples = samples.subspan(frame.size());
    }
    return true;
}

int audio_context(std::size_t samples) {
    const std::size_t positions = (samples + kPosition - 1) / kPosition + kSilencePositions;
    constexpr std::size_t kMost = kWindow / kPosition;
    return static_cast<int>(std::min(positions, kMost));
}

std::unexpected<Error> failed(int status, const std::stop_token& stop,
                              const engine::LibraryWords& words) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    return fail(ErrorKind::Internal, "whisper: could not recognise the recording",
                std::format("libwhisper: {} {}", status, words.text()));
}

}  // namespace

Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model, int threads) {
    return WhisperRecognizer::load(model, {.threads = threads});
}

Result<std::unique_ptr<WhisperRecognizer>> WhisperRecognizer::load(
    const std::filesystem::path& path, const Options& options) {
    assert(options.threads > 0 && options.beams > 0 && options.beams <= 8);
    TITANS_TRY(engine::WhisperModel model, engine::WhisperModel::load(path));
    return std::unique_ptr<WhisperRecognizer>(new WhisperRecognizer(std::move(model), options));
}

Result<Transcript> WhisperRecognizer::recognize(const audio::Audio& speech,
                                                const RecognitionOptions& options,
                                                std::stop_token stop) {
    assert(speech.rate() == input_rate());
    const bool known =
        options.language == "auto" ||
        std::string_view(options.language) == std::string_view(whisper_lang_str(std::max(
                                                  whisper_lang_id(options.language.c_str()), 0)));
    if (!known) {
        return fail(
            ErrorKind::InvalidInput,
            "language: not one that Whisper knows; give its two letters, as \"en\", or \"auto\"");
    }
    if (!std::ranges::all_of(speech.samples(),
                             [](float sample) { return std::isfinite(sample); })) {
        return fail(ErrorKind::InvalidInput, "the recording holds values that are not numbers");
    }
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    if (is_silent(speech.samples())) {
        return Transcript{.text = {},
                          .language = options.language == "auto" ? "en" : options.language};
    }

    // libwhisper takes nothing under a tenth of a second, and hears little in under one.
    std::vector<float> padded;
    std::span<const float> samples = speech.samples();
    if (samples.size() < WHISPER_SAMPLE_RATE) {
        padded.assign(samples.begin(), samples.end());
        padded.resize(WHISPER_SAMPLE_RATE);
        samples = padded;
    }

    TITANS_TRY(const char* language, choose_language(samples, options.language, stop));
    whisper_full_params params = make_params(samples.size(), stop);
    params.language = language;
    TITANS_TRY_VOID(run(params, samples, stop));

    std::string written;
    const int segments = whisper_full_n_segments_from_state(model_.state());
    for (int i = 0; i < segments; ++i) {
        written += whisper_full_get_segment_text_from_state(model_.state(), i);
    }
    return Transcript{.text = spoken_text(written), .language = language};
}

Result<const char*> WhisperRecognizer::choose_language(std::span<const float> samples,
                                                       const std::string& language,
                                                       std::stop_token& stop) {
    const bool multilingual = whisper_is_multilingual(model_.context()) != 0;
    if (language != "auto") {
        if (!multilingual && language != "en") {
            return fail(ErrorKind::InvalidInput, "language: this Whisper model knows English only");
        }
        return whisper_lang_str(whisper_lang_id(language.c_str()));
    }
    if (!multilingual) return "en";

    // The first window decides. A run over a tenth of a second computes the spectrogram and sets
    // the encoder's length, for which there is no call of its own, and ends before the encoder.
    samples = samples.first(std::min(samples.size(), kWindow));
    whisper_full_params params = make_params(samples.size(), stop);
    params.language = "en";
    params.duration_ms = 100;
    TITANS_TRY_VOID(run(params, samples, stop));
    const engine::LibraryWords words;
    const int id = whisper_lang_auto_detect_with_state(model_.context(), model_.state(), 0,
                                                       options_.threads, nullptr);
    if (id < 0 || stop.stop_requested()) return failed(id, stop, words);
    return whisper_lang_str(id);
}

whisper_full_params WhisperRecognizer::make_params(std::size_t samples,
                                                   std::stop_token& stop) const {
    whisper_full_params params = whisper_full_default_params(
        options_.beams > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
    const bool one_window = samples <= kWindow;
    params.n_threads = options_.threads;
    params.beam_search.beam_size = options_.beams;
    params.greedy.best_of = 1;
    // Of more than one window, time stamps say where the next begins: between words.
    params.no_timestamps = one_window;
    params.single_segment = one_window;
    params.audio_ctx = one_window ? audio_context(samples) : 0;
    params.no_context = true;
    params.suppress_nst = true;
    params.print_progress = false;
    params.encoder_begin_callback = &may_go_on;
    params.encoder_begin_callback_user_data = &stop;
    params.abort_callback = &is_stopped;
    params.abort_callback_user_data = &stop;
    return params;
}

Result<void> WhisperRecognizer::run(const whisper_full_params& params,
                                    std::span<const float> samples, const std::stop_token& stop) {
    const engine::LibraryWords words;
    const int status = whisper_full_with_state(model_.context(), model_.state(), params,
                                               samples.data(), static_cast<int>(samples.size()));
    if (status != 0 || stop.stop_requested()) return failed(status, stop, words);
    return {};
}

}  // namespace titans::hearing::whisper
