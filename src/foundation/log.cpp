#include "foundation/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>

#include "foundation/error.h"

namespace titans {

std::string_view to_string(ErrorKind kind) {
    constexpr std::array<std::string_view, 13> kNames{
        "invalid_input", "nothing_heard", "unauthorized", "forbidden", "not_found",
        "conflict",      "too_large",     "unsupported",  "busy",      "timeout",
        "cancelled",     "upstream",      "internal"};
    return kNames.at(static_cast<std::size_t>(kind));
}

namespace log {
namespace {

std::atomic<Level> lowest{Level::Info};

}  // namespace

void set_level(Level level) { lowest = level; }

bool enabled(Level level) { return level >= lowest; }

void write(Level level, std::string_view event, std::string_view fields) {
    constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warn", "error"};
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    std::string line =
        std::format("{:%FT%TZ} {} {}{}{}", now, kNames.at(static_cast<std::size_t>(level)), event,
                    fields.empty() ? "" : " ", fields);
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    line += '\n';
    // One write, so that the lines of several threads do not mix. Nothing is to be done about a
    // closed standard error.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace log
}  // namespace titans
