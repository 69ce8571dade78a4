// make_recordings FOLDER: short recordings of every kind that the decoder reads, for corpus/audio.

#include <fstream>

#include "audio/encode_for_test.h"

using namespace titans;

int main(int count, char** words) {
    if (count != 2) return 1;
    struct Kind {
        const char* muxer;
        const char* encoder;
        int rate;
        int channels;
    };
    const Kind kinds[] = {
        {"wav", "pcm_u8", 8'000, 1},      {"wav", "pcm_s16le", 8'000, 2},
        {"wav", "pcm_s24le", 8'000, 3},   {"wav", "pcm_f32le", 8'000, 1},
        {"wav", "pcm_f64le", 8'000, 1},   {"wav", "pcm_alaw", 8'000, 1},
        {"wav", "pcm_mulaw", 8'000, 1},   {"aiff", "pcm_s16be", 8'000, 1},
        {"aiff", "pcm_f32be", 8'000, 1},  {"flac", "flac", 8'000, 1},
        {"ogg", "flac", 8'000, 2},        {"mp3", "libmp3lame", 16'000, 1},
        {"mp3", "libmp3lame", 44'100, 2}, {"ogg", "libvorbis", 16'000, 1},
        {"ogg", "libopus", 48'000, 1},    {"webm", "libopus", 48'000, 2},
        {"webm", "libvorbis", 16'000, 1}, {"mp4", "aac", 16'000, 1},
        {"ipod", "alac", 16'000, 1},      {"mp4", "libmp3lame", 44'100, 1},
        {"adts", "aac", 16'000, 1},       {"matroska", "pcm_s16le", 8'000, 1},
    };
    for (const Kind& kind : kinds) {
        const auto sound = audio::make_sine(SampleRate{kind.rate}, 0.1, 440);
        const auto bytes = audio::encode_for_test(sound, kind.muxer, kind.encoder, kind.channels);
        if (bytes.empty()) return 1;
        const std::string name =
            std::format("{}/{}-{}-{}", words[1], kind.muxer, kind.encoder, kind.channels);
        std::ofstream file(name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        if (!file.flush()) return 1;
    }
    return 0;
}
