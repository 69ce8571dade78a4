#pragma once

#include <cstdint>
#include <vector>

namespace titans::hearing::ctc {

/// A part of a recording that is computed by itself, in frames.
struct Window {
    std::int64_t first = 0;
    std::int64_t count = 0;
    std::int64_t keep_first = 0;  // of the recording; what is before, it heard as context only
    std::int64_t keep_end = 0;
};

/// Windows of the same size, at most `most`, that overlap: what they keep makes up all of
/// `frames`, and each has at least `context` frames, of the `most`'s less than half, around what it
/// keeps, but at the ends of the recording.
std::vector<Window> plan_windows(std::int64_t frames, std::int64_t most, std::int64_t context);

}  // namespace titans::hearing::ctc
