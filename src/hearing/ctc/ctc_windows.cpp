#include "hearing/ctc/ctc_windows.h"

#include <algorithm>
#include <cassert>

namespace titans::hearing::ctc {

std::vector<Window> plan_windows(std::int64_t frames, std::int64_t most, std::int64_t context) {
    assert(most > 2 * context);
    if (frames <= 0) return {};
    if (frames <= most) return {{.first = 0, .count = frames, .keep_first = 0, .keep_end = frames}};
    const auto divide_up = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
    const std::int64_t inside = frames - 2 * context;  // what no end of the recording is near
    const std::int64_t count = divide_up(inside, most - 2 * context);
    const std::int64_t step = divide_up(inside, count);
    const std::int64_t size = step + 2 * context;
    std::vector<Window> windows;
    std::int64_t kept = 0;
    while (kept < frames) {
        const std::int64_t first = std::min(kept == 0 ? 0 : kept - context, frames - size);
        const std::int64_t end = first + size;
        windows.push_back({.first = first,
                           .count = size,
                           .keep_first = kept,
                           .keep_end = end == frames ? frames : end - context});
        kept = windows.back().keep_end;
    }
    return windows;
}

}  // namespace titans::hearing::ctc
