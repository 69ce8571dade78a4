// speech_check recognize MODEL[,OPTION...] THREADS LANGUAGE FILE...
//     one line a file: milliseconds, language, text. OPTION: f32, bf16 or int8; ggml, for its
//     operators; whole, for windows of 30 s however little is said; beams=N; words, which are
//     printed with their times; prompt=TEXT
// speech_check hear MODEL THREADS LANGUAGE DETECTOR MAX_SECONDS FILE...
//     the same, utterance by utterance
// speech_check segment DETECTOR MAX_SECONDS FILE...
//     one line a file: milliseconds of a core; then of each utterance, in samples: where its speech
//     begins and ends, where it begins and ends with what is around it, and 1 if it is split
// speech_check probabilities DETECTOR FILE
//     the probability of speech in every step
// speech_check speak LANGUAGE FILE
//     speaks standard input into FILE; prints milliseconds
//
// Fields are separated by tabs. DETECTOR is Silero's weights, or - for none. What the server does
// with a recording and with an answer, without the server.

#include <charconv>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <print>
#include <ranges>

#include "audio/decoder.h"
#include "audio/wav.h"
#include "engine/espeak/espeak_library.h"
#include "hearing/families.h"
#include "hearing/utterance_segmenter.h"
#include "hearing/vad/energy_detector.h"
#include "hearing/vad/silero_detector.h"
#include "hearing/whisper/recognizer.h"
#include "text/speakable.h"
#include "voice/espeak/espeak_synthesizer.h"

namespace titans {
namespace {

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return std::max(value, 1);
}

Result<audio::Audio> read(std::string_view path) {
    std::ifstream file{std::filesystem::path(path), std::ios::binary};
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    return audio::decode(std::as_bytes(std::span(bytes)), hearing::vad::kRate, {}, {});
}

Result<std::unique_ptr<hearing::vad::VoiceActivityDetector>> make_detector(std::string_view model) {
    if (model == "-") return std::make_unique<hearing::vad::EnergyDetector>();
    TITANS_TRY(auto weights, hearing::vad::load_silero(model));
    return std::make_unique<hearing::vad::SileroDetector>(std::move(weights));
}

std::vector<hearing::Utterance> segment(hearing::UtteranceSegmenter& segmenter,
                                        const audio::Audio& recording) {
    auto found = segmenter.push(recording.samples());
    std::ranges::move(segmenter.flush(), std::back_inserter(found));
    return found;
}

struct Ears {
    std::unique_ptr<hearing::SpeechRecognizer> recognizer;
    hearing::RecognitionOptions options;
};

/// model: a file and options behind commas, as above.
Result<Ears> load_ears(std::string_view model, int threads) {
    Ears ears;
    engine::Device::Options device{.threads = threads};
    engine::Precision precision = engine::Precision::F32;
    hearing::whisper::Recognizer::Options ours;
    std::vector<std::string> parts;
    for (const auto part : std::views::split(model, ','))
        parts.emplace_back(part.begin(), part.end());
    for (const std::string& option : std::span(parts).subspan(1)) {
        if (option == "bf16") precision = engine::Precision::Bf16;
        if (option == "int8") precision = engine::Precision::Int8;
        if (option == "ggml") device.arithmetic = engine::Device::Arithmetic::Ggml;
        if (option == "whole") ours.short_clips = false;
        if (option == "words") ears.options.word_times = true;
        if (option.starts_with("beams=")) ears.options.beams = number(option.substr(6));
        if (option.starts_with("prompt=")) ears.options.prompt = option.substr(7);
    }
    TITANS_TRY(auto opened, engine::Device::open(device));
    const engine::Compute compute{.device = std::move(opened), .precision = precision};
    if (parts[0].ends_with(".gguf")) {
        TITANS_TRY(ears.recognizer, hearing::whisper::Recognizer::load(parts[0], compute, ours));
    } else {
        TITANS_TRY(ears.recognizer, hearing::find_family("whisper")->load(parts[0], compute));
    }
    return ears;
}

Result<void> recognize(std::span<const std::string_view> arguments) {
    TITANS_TRY(Ears ears, load_ears(arguments[0], number(arguments[1])));
    ears.options.language = std::string(arguments[2]);
    for (const std::string_view path : arguments.subspan(3)) {
        TITANS_TRY(const audio::Audio speech, read(path));
        const auto start = Clock::now();
        TITANS_TRY(const hearing::Transcript heard,
                   ears.recognizer->recognize(speech, ears.options, {}));
        std::println("{:.0f}\t{}\t{}", since(start).count(), heard.language, heard.text);
        for (const hearing::Word& word : heard.words) {
            std::println("    {:.2f} {:.2f} {:.3f} {}", word.begin.count() / 1e3,
                         word.end.count() / 1e3, word.confidence, word.text);
        }
    }
    return {};
}

Result<void> hear(std::span<const std::string_view> arguments) {
    TITANS_TRY(Ears ears, load_ears(arguments[0], number(arguments[1])));
    TITANS_TRY(auto detector, make_detector(arguments[3]));
    hearing::UtteranceSegmenter segmenter(std::move(detector),
                                          {.max_time = std::chrono::seconds(number(arguments[4]))});
    ears.options.language = std::string(arguments[2]);
    for (const std::string_view path : arguments.subspan(5)) {
        TITANS_TRY(const audio::Audio recording, read(path));
        const auto start = Clock::now();
        std::string text;
        for (hearing::Utterance& utterance : segment(segmenter, recording)) {
            const audio::Audio speech(hearing::vad::kRate, std::move(utterance.samples));
            TITANS_TRY(const hearing::Transcript heard,
                       ears.recognizer->recognize(speech, ears.options, {}));
            text += (text.empty() || heard.text.empty() ? "" : " ") + heard.text;
        }
        std::println("{:.0f}\t{}\t{}", since(start).count(), ears.options.language, text);
    }
    return {};
}

Result<void> print_segments(std::span<const std::string_view> arguments) {
    TITANS_TRY(auto detector, make_detector(arguments[0]));
    hearing::UtteranceSegmenter segmenter(std::move(detector),
                                          {.max_time = std::chrono::seconds(number(arguments[1]))});
    for (const std::string_view path : arguments.subspan(2)) {
        TITANS_TRY(const audio::Audio recording, read(path));
        const std::clock_t start = std::clock();
        const auto found = segment(segmenter, recording);
        std::print("{:.3f}", 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
        for (const hearing::Utterance& one : found) {
            std::print("\t{} {} {} {} {:d}", one.speech_start, one.speech_end, one.start,
                       one.start + std::ssize(one.samples), one.split);
        }
        std::println("");
    }
    return {};
}

Result<void> print_probabilities(std::string_view model, std::string_view path) {
    using hearing::vad::kStep;
    TITANS_TRY(auto detector, make_detector(model));
    TITANS_TRY(const audio::Audio recording, read(path));
    for (auto rest = recording.samples(); rest.size() >= kStep; rest = rest.subspan(kStep))
        std::println("{:.6f}", detector->step(rest.first<kStep>()));
    return {};
}

Result<void> speak(std::string_view language, std::string_view path) {
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    TITANS_TRY(const auto espeak, engine::EspeakLibrary::open());
    voice::espeak::EspeakSynthesizer voice(*espeak);
    const auto start = Clock::now();
    TITANS_TRY(const auto utterance,
               voice.begin(text::speakable(text), nullptr, {.language = std::string(language)}));
    TITANS_TRY(const audio::Audio spoken, utterance->step({}).value());
    const Milliseconds took = since(start);
    const std::vector<std::byte> wav = audio::make_wav(spoken);
    std::ofstream file{std::filesystem::path(path), std::ios::binary};
    file.write(reinterpret_cast<const char*>(wav.data()), static_cast<std::streamsize>(wav.size()));
    std::println("{:.1f}\t{:.2f}", took.count(), spoken.duration().count());
    return {};
}

int run(std::span<const std::string_view> arguments) {
    Result<void> done = fail(ErrorKind::InvalidInput, "usage: see the top of speech_check.cpp");
    if (arguments.size() >= 5 && arguments[0] == "recognize")
        done = recognize(arguments.subspan(1));
    if (arguments.size() >= 7 && arguments[0] == "hear") done = hear(arguments.subspan(1));
    if (arguments.size() >= 4 && arguments[0] == "segment")
        done = print_segments(arguments.subspan(1));
    if (arguments.size() == 3 && arguments[0] == "probabilities")
        done = print_probabilities(arguments[1], arguments[2]);
    if (arguments.size() == 3 && arguments[0] == "speak") done = speak(arguments[1], arguments[2]);
    if (done) return 0;
    std::println(stderr, "speech_check: {} ({})", done.error().message, done.error().detail);
    return 1;
}

}  // namespace
}  // namespace titans

int main(int count, char** words) {
    const std::vector<std::string_view> arguments(words + 1, words + count);
    return titans::run(arguments);
}
