// How long a recogniser takes: recogniser FAMILY MODEL.gguf f32|bf16|int8 RUNS WHAT... with WHAT a
// WAV file, or so many seconds of seeded noise. Prints JSON: medians, in seconds; where the time
// goes; memory in MB.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <print>
#include <random>
#include <thread>

#include "audio/decoder.h"
#include "hearing/families.h"
#include "program.h"
#include "shares.h"

namespace {

using namespace titans;
using titans::bench::or_exit;
using titans::bench::seconds_of;
using Json = nlohmann::ordered_json;

audio::Audio read(const std::string& what, SampleRate rate) {
    if (!what.ends_with(".wav")) {
        std::mt19937 random(1);
        std::normal_distribution<float> normal(0, 0.1F);
        std::vector<float> samples(static_cast<std::size_t>(std::stod(what) * rate.hz));
        for (float& sample : samples) sample = std::clamp(normal(random), -1.0F, 1.0F);
        return {rate, std::move(samples)};
    }
    std::ifstream file(what, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    return or_exit(audio::decode(std::as_bytes(std::span(bytes)), rate, {}, {}));
}

engine::Precision precision_of(std::string_view word) {
    return word == "bf16"   ? engine::Precision::Bf16
           : word == "int8" ? engine::Precision::Int8
                            : engine::Precision::F32;
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.size() < 5) return 2;
    const hearing::RecognizerFamily* const family = hearing::find_family(words[0]);
    const int runs = std::atoi(words[3].c_str());
    if (family == nullptr || runs < 1) return 2;
    const auto threads = static_cast<int>(std::thread::hardware_concurrency());
    const engine::Compute compute{.device = or_exit(engine::Device::open({.threads = threads})),
                                  .precision = precision_of(words[2])};
    std::unique_ptr<hearing::SpeechRecognizer> ears;
    const double load = seconds_of([&] { ears = or_exit(family->load(words[1], compute)); });
    Json rows = Json::array();
    for (std::size_t i = 4; i < words.size(); ++i) {
        const audio::Audio speech = read(words[i], ears->input_rate());
        std::vector<double> times;
        std::string text;
        for (int run = 0; run <= runs; ++run) {  // the first one warms
            times.push_back(seconds_of(
                [&] { text = or_exit(ears->recognize(speech, {.language = "en"}, {})).text; }));
        }
        std::ranges::sort(times.begin() + 1, times.end());
        engine::Profile profile;
        compute.device->set_profile(&profile);
        or_exit(ears->recognize(speech, {.language = "en"}, {}));
        compute.device->set_profile(nullptr);
        rows.push_back({{"what", words[i]},
                        {"audio_s", speech.duration().count()},
                        {"first_s", times[0]},
                        {"s", times[1 + static_cast<std::size_t>(runs) / 2]},
                        {"text", text},
                        {"profile", bench::shares_of(profile)}});
    }
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::println("{}", Json{{"load_s", load},
                            {"rows", rows},
                            {"peak_mb", static_cast<double>(used.ru_maxrss) / 1024}}
                           .dump());
}
