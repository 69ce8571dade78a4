// How long F5-TTS takes: speaker F5TTS.gguf VOCOS.gguf f32|bf16|int8 RUNS FRAMES:STEPS... with
// seeded noise for a recording, 6 of 13 frames, and guidance. Prints JSON: seconds, medians
// of the runs, and the first one, which also computes what its schedule modulates; where the time
// goes, layer by layer; memory in MB. "cpu" is the time of all threads together.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <print>
#include <string>
#include <thread>

#include "program.h"
#include "shares.h"
#include "voice/f5tts/mel.h"
#include "voice/f5tts/network.h"
#include "voice/f5tts/sampling.h"
#include "voice/f5tts/sampling_schedule.h"
#include "voice/f5tts/vocoder.h"

namespace {

using namespace titans;
using titans::bench::or_exit;
using titans::bench::seconds_of;
using namespace titans::voice::f5tts;
using Json = nlohmann::ordered_json;

constexpr double kFramesOfSecond = 24'000.0 / 256;

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// Of all threads.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// What the process holds by now.
double held_mb() {
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    return static_cast<double>(pages * sysconf(_SC_PAGESIZE)) / (1U << 20U);
}

double peak_mb() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) / 1024;
}

/// Frames of the recording.
int heard_of(int frames) { return frames * 6 / 13; }

Sampling::Request request(const Config& config, int frames, int steps) {
    Noise noise(1);
    const auto mels = static_cast<std::size_t>(config.mel_dim);
    const int heard = heard_of(frames);
    Sampling::Request made{.frames = frames, .times = sampling_times(steps, -1)};
    for (int i = 0; i < frames / 8; ++i) made.text.push_back(i % config.text_num_embeds);
    made.reference = noise.draw(static_cast<std::size_t>(heard) * mels);
    made.noise = noise.draw(static_cast<std::size_t>(frames) * mels);
    return made;
}

struct Times {
    double preparation = 0;
    double sampling = 0;
    double cpu = 0;      // of the sampling
    double longest = 0;  // piece
    double vocoder = 0;
    double all() const { return preparation + sampling + vocoder; }
};

/// What the vocoder gets.
std::span<const float> spoken(std::span<const float> mel, int frames) {
    return mel.subspan(static_cast<std::size_t>(heard_of(frames)) * kMels);
}

Times speak(const std::shared_ptr<const Network>& network, const Vocoder& vocoder,
            const Sampling::Request& asked) {
    Times times;
    const auto sampling = or_exit(Sampling::begin(network, asked));
    bool more = true;
    bool prepared = false;
    while (more) {
        const double cpu = cpu_seconds();
        const double seconds = seconds_of([&] { more = or_exit(sampling->step({})); });
        (prepared ? times.sampling : times.preparation) += seconds;
        if (prepared) times.cpu += cpu_seconds() - cpu;
        times.longest = std::max(times.longest, seconds);
        prepared = prepared || sampling->is_under_way();
    }
    const std::vector<float> mel = sampling->mel();
    times.vocoder = seconds_of([&] { or_exit(vocoder.decode(spoken(mel, asked.frames), {})); });
    return times;
}

/// Where the time goes: of what is computed once for a text, of one step, of the vocoder.
Json profile(engine::Device& device, const std::shared_ptr<const Network>& network,
             const Vocoder& vocoder, Sampling::Request asked) {
    asked.times = {0, 1};
    const auto prepare = [](Sampling& sampling) {
        while (!sampling.is_under_way()) or_exit(sampling.step({}));
    };
    prepare(*or_exit(Sampling::begin(network, asked)));  // what the schedule modulates is known now
    Json stages = Json::array();
    const auto add = [&](std::string_view stage, const auto& work) {
        engine::Profile seen;
        device.set_profile(&seen);
        const double seconds = seconds_of(work);
        device.set_profile(nullptr);
        stages.push_back(
            {{"stage", stage}, {"ms", seconds * 1000}, {"kinds", bench::shares_of(seen)}});
    };
    const auto sampling = or_exit(Sampling::begin(network, asked));
    add("once a text", [&] { prepare(*sampling); });
    add("a step", [&] {
        while (or_exit(sampling->step({}))) {
        }
    });
    add("Vocos", [&] { or_exit(vocoder.decode(spoken(sampling->mel(), asked.frames), {})); });
    return stages;
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    const int runs = words.size() < 5 ? 0 : std::atoi(words[3].c_str());
    if (runs < 1) return 2;
    const engine::Precision precision = words[2] == "bf16"   ? engine::Precision::Bf16
                                        : words[2] == "int8" ? engine::Precision::Int8
                                                             : engine::Precision::F32;
    const auto threads = static_cast<int>(std::thread::hardware_concurrency());
    const engine::Compute compute{.device = or_exit(engine::Device::open({.threads = threads})),
                                  .precision = precision};
    std::shared_ptr<const Network> network;
    std::shared_ptr<const Vocoder> vocoder;
    const double load = seconds_of([&] {
        network = or_exit(Network::load(words[0], compute));
        vocoder = or_exit(Vocoder::load(words[1], compute));
    });
    const double loaded_mb = held_mb();
    Json rows = Json::array();
    for (std::size_t i = 4; i < words.size(); ++i) {
        const int frames = std::atoi(words[i].c_str());
        const int steps = std::atoi(words[i].substr(words[i].find(':') + 1).c_str());
        const Sampling::Request asked = request(network->config(), frames, steps);
        const Times first = speak(network, *vocoder, asked);
        std::vector<double> all;
        std::vector<double> preparations;
        std::vector<double> step;
        std::vector<double> cpu;
        std::vector<double> vocoders;
        double longest = 0;
        for (int run = 0; run < runs; ++run) {
            const Times times = speak(network, *vocoder, asked);
            all.push_back(times.all());
            preparations.push_back(times.preparation);
            step.push_back(times.sampling / steps);
            cpu.push_back(times.cpu / steps);
            vocoders.push_back(times.vocoder);
            longest = std::max(longest, times.longest);
        }
        const double preparation = median(preparations);
        rows.push_back({{"frames", frames},
                        {"steps", steps},
                        {"speech_s", (frames - heard_of(frames)) / kFramesOfSecond},
                        {"first_s", first.all()},
                        {"s", median(all)},
                        {"modulation_s", first.preparation - preparation},
                        {"preparation_s", preparation},
                        {"step_s", median(step)},
                        {"step_cpu_s", median(cpu)},
                        {"vocoder_s", median(vocoders)},
                        {"longest_piece_s", longest},
                        {"profile", profile(*compute.device, network, *vocoder, asked)},
                        {"held_mb", held_mb()}});
    }
    std::println(
        "{}",
        Json{{"load_s", load}, {"loaded_mb", loaded_mb}, {"rows", rows}, {"peak_mb", peak_mb()}}
            .dump());
}
