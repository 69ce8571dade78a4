#include <fstream>
#include <iterator>
#include <print>

#include "app/compute.h"
#include "app/model_store.h"
#include "app/words.h"
#include "audio/decoder.h"
#include "audio/wav.h"
#include "character/engines.h"
#include "engine/espeak/espeak_library.h"
#include "text/speakable.h"
#include "voice/families.h"

namespace titans::app {
namespace {

Result<std::vector<std::byte>> read_file(std::string_view path) {
    std::ifstream file{std::filesystem::path(path), std::ios::binary};
    if (!file) return fail(ErrorKind::NotFound, std::format("{}: cannot be read", path));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<std::string> recognize(std::string_view path, std::string_view language,
                              const config::Settings& settings) {
    TITANS_TRY(const auto bytes, read_file(path));
    models::ModelStore store = make_model_store(settings);
    TITANS_TRY(engine::Devices devices, open_devices(settings));
    character::Engines engines(
        store, {.threads = settings.compute.threads, .voices = {}, .devices = devices});
    TITANS_TRY(const auto ears, engines.ears({}));
    TITANS_TRY(
        const audio::Audio speech,
        audio::decode(bytes, ears->input_rate(), {.duration = settings.audio.max_seconds}, {}));
    TITANS_TRY(const auto transcript,
               ears->recognize(speech, {.language = std::string(language)}, {}));
    return transcript.text;
}

Result<void> speak(std::string_view text, std::string_view path, std::string_view language) {
    TITANS_TRY(const auto espeak, engine::EspeakLibrary::open());
    TITANS_TRY(const auto speaker,
               voice::find_family("espeak-ng")->load({}, {.espeak = espeak.get(), .networks = {}}));
    TITANS_TRY(const auto utterance,
               speaker->begin(text::speakable(text), nullptr, {.language = std::string(language)}));
    TITANS_TRY(const audio::Audio audio, utterance->step({}).value());
    const std::vector<std::byte> wav = audio::make_wav(audio);
    std::ofstream file{std::filesystem::path(path), std::ios::binary};
    file.write(reinterpret_cast<const char*>(wav.data()), static_cast<std::streamsize>(wav.size()));
    file.close();
    if (!file) return fail(ErrorKind::Internal, std::format("{}: cannot be written", path));
    return {};
}

}  // namespace

int transcribe(Arguments arguments, const config::Settings& settings) {
    if (arguments.empty() || arguments.size() > 2)
        return complain("usage: titans transcribe FILE [LANGUAGE]");
    const auto text =
        recognize(arguments[0], arguments.size() == 2 ? arguments[1] : "auto", settings);
    if (!text) return complain(text.error().message);
    std::println("{}", *text);
    return 0;
}

int say(Arguments arguments, const config::Settings&) {
    if (arguments.size() < 2 || arguments.size() > 3)
        return complain("usage: titans say TEXT OUT.wav [LANGUAGE]");
    const auto spoken =
        speak(arguments[0], arguments[1], arguments.size() == 3 ? arguments[2] : "en");
    if (!spoken) return complain(spoken.error().message);
    return 0;
}

}  // namespace titans::app
