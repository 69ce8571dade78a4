// decode_audio FILE: decodes a recording to mono samples at 16 kHz, and writes them to standard
// output as floats.

#include <cstdio>
#include <fstream>
#include <iterator>

#include "audio/decoder.h"

using namespace titans;

int main(int count, char** words) {
    if (count != 2) return 2;
    std::ifstream file(words[1], std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const auto audio = audio::decode(std::as_bytes(std::span(content)), SampleRate{16'000}, {}, {});
    if (!audio) {
        std::println(stderr, "{} {}", audio.error().message, audio.error().detail);
        return 1;
    }
    const auto samples = audio->samples();
    return std::fwrite(samples.data(), sizeof(float), samples.size(), stdout) == samples.size() ? 0
                                                                                                : 1;
}
