#pragma once

#include <cstdint>
#include <format>
#include <string_view>

namespace titans::log {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };

/// Lines below `level` are dropped. Info until called.
void set_level(Level level);
bool enabled(Level level);

/// One line on standard error: time, level, `event`, then `fields` ("family=f5tts ms=812").
/// Thread-safe. Control characters in `fields` are replaced, so that foreign text cannot forge a
/// line.
void write(Level level, std::string_view event, std::string_view fields);

template <typename... Args>
void debug(std::string_view event, std::format_string<Args...> fields, Args&&... args) {
    if (enabled(Level::Debug))
        write(Level::Debug, event, std::format(fields, std::forward<Args>(args)...));
}
template <typename... Args>
void info(std::string_view event, std::format_string<Args...> fields, Args&&... args) {
    if (enabled(Level::Info))
        write(Level::Info, event, std::format(fields, std::forward<Args>(args)...));
}
/// For what someone should act on.
template <typename... Args>
void warn(std::string_view event, std::format_string<Args...> fields, Args&&... args) {
    if (enabled(Level::Warn))
        write(Level::Warn, event, std::format(fields, std::forward<Args>(args)...));
}
template <typename... Args>
void error(std::string_view event, std::format_string<Args...> fields, Args&&... args) {
    write(Level::Error, event, std::format(fields, std::forward<Args>(args)...));
}

}  // namespace titans::log
