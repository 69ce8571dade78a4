#pragma once

#include <format>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::character {

/// The parsed JSON; a discarded value if `text` is none, or nested deeper than `max_depth`.
nlohmann::json parse_bounded(std::string_view text, int max_depth);

/// Reads a JSON object key by key and keeps the first mistake, named as `<field>.<key>`.
class SettingsReader {
public:
    /// Nesting deeper than this is refused: no setting needs it, and parsers recurse.
    static constexpr int kMaxDepth = 16;

    SettingsReader(std::string_view field, std::string_view json);

    void read(std::string& value, const char* key, std::size_t longest = 4096);
    void read(std::vector<std::string>& value, const char* key);
    void read(bool& value, const char* key);
    void read(int& value, const char* key, int lowest, int highest);
    void read(float& value, const char* key, float lowest, float highest);

    template <typename T, typename... Limits>
    void read(std::optional<T>& value, const char* key, Limits... limits) {
        if (find(key) == nullptr) return;
        T given{};
        read(given, key, limits...);
        value = std::move(given);
    }

    const std::optional<Error>& mistake() const { return mistake_; }

private:
    /// Null if absent or null.
    const nlohmann::json* find(const char* key) const;
    void expected(const char* key, std::string_view what);

    std::string field_;
    nlohmann::json object_;
    std::optional<Error> mistake_;
};

}  // namespace titans::character
