#pragma once

#include <cstddef>
#include <vector>

#include "audio/audio.h"

namespace titans::audio {

/// Samples [begin, end) of a recording.
struct Stretch {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool operator==(const Stretch&) const = default;
};

/// The stretches that are less than `top_db` below the loudest frame, as librosa.effects.split
/// finds them: frames of 93 ms every 23 ms (2048 and 512 samples at 22,050 Hz). In order, apart.
std::vector<Stretch> find_sound(const Audio& audio, float top_db);

/// How much of a silence stays on each side of a stretch of sound.
constexpr Milliseconds kSilenceKept{100};

/// `audio` with silences longer than twice kSilenceKept made that long, and the silences at its
/// ends kSilenceKept; where something was cut out, both sides are faded into each other.
Audio shorten_silences(const Audio& audio, float top_db);

}  // namespace titans::audio
