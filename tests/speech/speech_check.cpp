// speech_check recognize MODEL THREADS LANGUAGE FILE...   one line a file: milliseconds, language,
// text speech_check speak LANGUAGE FILE                        speaks standard input into FILE;
// prints milliseconds
//
// Lines are separated by tabs. What the server does with a recording and with an answer, without
// the server.

#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <print>

#include "audio/decoder.h"
#include "audio/wav.h"
#include "engine/espeak/espeak_library.h"
#include "hearing/whisper/whisper_recognizer.h"
#include "text/speakable.h"
#include "voice/espeak/espeak_synthesizer.h"

namespace titans {
namespace {

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return std::max(value, 1);
}

Result<void> recognize(std::span<const std::string_view> arguments) {
    using hearing::whisper::WhisperRecognizer;
    TITANS_TRY(const auto ears,
               WhisperRecognizer::load(arguments[0], {.threads = number(arguments[1])}));
    for (const std::string_view path : arguments.subspan(3)) {
        std::ifstream file{std::filesystem::path(path), std::ios::binary};
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        TITANS_TRY(const audio::Audio speech,
                   audio::decode(std::as_bytes(std::span(bytes)), ears->input_rate(), {}, {}));
        const auto start = Clock::now();
        TITANS_TRY(const hearing::Transcript heard,
                   ears->recognize(speech, {.language = std::string(arguments[2])}, {}));
        std::println("{:.0f}\t{}\t{}", since(start).count(), heard.language, heard.text);
    }
    return {};
}

Result<void> speak(std::string_view language, std::string_view path) {
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    TITANS_TRY(const auto espeak, engine::EspeakLibrary::open());
    voice::espeak::EspeakSynthesizer voice(*espeak);
    const auto start = Clock::now();
    TITANS_TRY(
        const audio::Audio spoken,
        voice.speak(text::speakable(text),
                    {.recording = {}, .transcript = {}, .language = std::string(language)}, {}));
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
