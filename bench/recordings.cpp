// recordings minute OUT.mp3 FILE...   joins recordings to a minute of MP3, 44.1 kHz
// recordings decode FILE              writes its samples at 16 kHz, mono, to standard output, as
// floats

#include <cstdio>
#include <fstream>
#include <iterator>

#include "audio/decoder.h"
#include "audio/writer.h"

using namespace titans;

namespace {

Result<audio::Audio> load(const char* path, SampleRate rate) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    return audio::decode(std::as_bytes(std::span(content)), rate, {}, {});
}

Result<void> make_minute(const char* path, std::span<char*> files) {
    constexpr SampleRate kRate{44'100};
    constexpr std::size_t kMinute = 60 * 44'100;
    std::vector<float> samples;
    for (std::size_t i = 0; samples.size() < kMinute; ++i) {
        TITANS_TRY(const audio::Audio part, load(files[i % files.size()], kRate));
        samples.append_range(part.samples());
    }
    samples.resize(kMinute);
    TITANS_TRY(const auto bytes,
               audio::write({kRate, std::move(samples)}, {.format = audio::AudioFormat::Mp3}, {}));
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) return fail(ErrorKind::Internal, "the file cannot be written");
    return {};
}

Result<void> print_samples(const char* path) {
    TITANS_TRY(const audio::Audio audio, load(path, SampleRate{16'000}));
    const auto samples = audio.samples();
    if (std::fwrite(samples.data(), sizeof(float), samples.size(), stdout) != samples.size())
        return fail(ErrorKind::Internal, "the samples cannot be written");
    return {};
}

}  // namespace

int main(int count, char** words) {
    const std::span all(words, static_cast<std::size_t>(count));
    const std::string_view word = count > 1 ? all[1] : "";
    Result<void> done = fail(ErrorKind::InvalidInput, "usage: recordings minute|decode FILE...");
    if (word == "minute" && count > 3) done = make_minute(all[2], all.subspan(3));
    if (word == "decode" && count == 3) done = print_samples(all[2]);
    if (!done) std::println(stderr, "{} {}", done.error().message, done.error().detail);
    return done ? 0 : 1;
}
