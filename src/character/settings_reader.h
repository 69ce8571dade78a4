#pragma once

#include <cstdint>
#include <format>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::character {

/// The parsed JSON, its keys in their order; a discarded value if `text` is none, or nested deeper
/// than `max_depth`.
nlohmann::ordered_json parse_bounded(std::string_view text, int max_depth);

/// What can be told about settings beside their values.
struct SettingsReport {
    std::vector<std::string> unknown;  // keys that mean nothing here, as "<field>.<key>"
    std::string shown = "{}";          // as given, and with the defaults of what was left out
    bool has_api_key = false;          // the key api_key was given, empty or not
};

/// Reads a JSON object key by key and keeps the first mistake, named as `<field>.<key>`.
///
/// The value that a variable has when it is read is the default of its key.
class SettingsReader {
public:
    /// Nesting deeper than this is refused: no setting needs it, and parsers recurse.
    static constexpr int kMaxDepth = 16;

    SettingsReader(std::string_view field, std::string_view json);
    SettingsReader(std::string field, nlohmann::ordered_json object);

    void read(std::string& value, const char* key, std::size_t longest = 4096);
    void read(std::vector<std::string>& value, const char* key);
    void read(bool& value, const char* key);
    void read(int& value, const char* key, int lowest, int highest);
    void read(float& value, const char* key, float lowest, float highest);
    void read(double& value, const char* key, double lowest, double highest);
    void read(std::uint64_t& value, const char* key, std::uint64_t highest);

    /// A key without a default.
    template <typename T, typename... Limits>
    void read(std::optional<T>& value, const char* key, Limits... limits) {
        if (find(key) == nullptr) return;
        T given{};
        read(given, key, limits...);
        value = std::move(given);
    }

    /// A text that must be one of `known`.
    void read_one_of(std::string& value, const char* key, std::span<const std::string_view> known);
    /// Reads the object under `key`, if there is one, with `read_keys(reader of that object)`.
    void read_object(const char* key, const std::function<void(SettingsReader&)>& read_keys);

    const std::optional<Error>& mistake() const { return mistake_; }
    SettingsReport report() const;

private:
    /// Null if absent or null; `key` is known from now on.
    const nlohmann::ordered_json* find(const char* key);
    /// The same; if it is absent, it is shown with `standard`.
    template <typename T>
    const nlohmann::ordered_json* find(const char* key, const T& standard) {
        const nlohmann::ordered_json* const given = find(key);
        if (given == nullptr) shown_[key] = standard;
        return given;
    }
    void expected(const char* key, std::string_view what);

    std::string field_;
    nlohmann::ordered_json object_;
    nlohmann::ordered_json shown_;
    std::set<std::string> known_;
    std::vector<std::string> unknown_within_;  // of the objects that were read
    std::optional<Error> mistake_;
};

}  // namespace titans::character
