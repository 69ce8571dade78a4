#include "character/settings_reader.h"

#include <algorithm>

namespace titans::character {

using nlohmann::ordered_json;

ordered_json parse_bounded(std::string_view text, int max_depth) {
    bool too_deep = false;
    auto parsed = ordered_json::parse(
        text,
        [&](int depth, ordered_json::parse_event_t, ordered_json&) {
            too_deep = too_deep || depth > max_depth;
            return !too_deep;
        },
        /*allow_exceptions=*/false);
    return too_deep ? ordered_json(ordered_json::value_t::discarded) : parsed;
}

SettingsReader::SettingsReader(std::string_view field, std::string_view json)
    : SettingsReader(std::string(field), parse_bounded(json, kMaxDepth)) {}

SettingsReader::SettingsReader(std::string field, ordered_json object)
    : field_(std::move(field)), object_(std::move(object)) {
    if (!object_.is_object()) {
        mistake_ = Error{ErrorKind::InvalidInput, std::format("{}: must be a JSON object", field_)};
        object_ = ordered_json::object();
    }
    shown_ = object_;
}

const ordered_json* SettingsReader::find(const char* key) {
    known_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void SettingsReader::expected(const char* key, std::string_view what) {
    if (mistake_) return;
    mistake_ = Error{ErrorKind::InvalidInput, std::format("{}.{}: must be {}", field_, key, what)};
}

SettingsReport SettingsReader::report() const {
    SettingsReport report{.unknown = unknown_within_,
                          .shown = shown_.dump(),
                          .has_api_key = object_.contains("api_key")};
    for (const auto& [key, value] : object_.items()) {
        if (!known_.contains(key)) report.unknown.push_back(std::format("{}.{}", field_, key));
    }
    return report;
}

void SettingsReader::read(std::string& value, const char* key, std::size_t longest) {
    const ordered_json* given = value.empty() ? find(key) : find(key, value);
    if (given == nullptr) return;
    if (!given->is_string() || given->get_ref<const std::string&>().size() > longest ||
        given->get_ref<const std::string&>().contains('\0')) {
        return expected(key, std::format("a string of at most {} bytes", longest));
    }
    value = *given;
}

void SettingsReader::read_one_of(std::string& value, const char* key,
                                 std::span<const std::string_view> known) {
    const ordered_json* given = value.empty() ? find(key) : find(key, value);
    if (given == nullptr) return;
    if (!given->is_string() ||
        !std::ranges::contains(known, given->get_ref<const std::string&>())) {
        std::string list;
        for (const std::string_view name : known)
            list += std::format("{}{}", list.empty() ? "" : ", ", name);
        return expected(key, "one of " + list);
    }
    value = *given;
}

void SettingsReader::read(std::vector<std::string>& value, const char* key) {
    const ordered_json* given = find(key);
    if (given == nullptr) return;
    constexpr std::size_t kMost = 16;
    const auto is_word = [](const ordered_json& item) {
        return item.is_string() && !item.get_ref<const std::string&>().empty() &&
               item.get_ref<const std::string&>().size() <= 256;
    };
    if (!given->is_array() || given->size() > kMost || !std::ranges::all_of(*given, is_word)) {
        return expected(key, std::format("a list of at most {} strings of 1 to 256 bytes", kMost));
    }
    value = given->get<std::vector<std::string>>();
}

void SettingsReader::read(bool& value, const char* key) {
    const ordered_json* given = find(key, value);
    if (given == nullptr) return;
    if (!given->is_boolean()) return expected(key, "true or false");
    value = *given;
}

void SettingsReader::read(int& value, const char* key, int lowest, int highest) {
    const ordered_json* given = find(key, value);
    if (given == nullptr) return;
    // As a double, so that no number is too large to compare.
    if (!given->is_number_integer() || given->get<double>() < lowest ||
        given->get<double>() > highest) {
        return expected(key, std::format("a whole number from {} to {}", lowest, highest));
    }
    value = *given;
}

void SettingsReader::read(float& value, const char* key, float lowest, float highest) {
    // Rounded, so that a default of 0.2 is not shown as what the nearest float is.
    double wide = std::round(static_cast<double>(value) * 1e4) / 1e4;
    const double before = wide;
    read(wide, key, lowest, highest);
    if (wide != before) value = static_cast<float>(wide);
}

void SettingsReader::read(double& value, const char* key, double lowest, double highest) {
    const ordered_json* given = find(key, value);
    if (given == nullptr) return;
    if (!given->is_number() || given->get<double>() < lowest || given->get<double>() > highest) {
        return expected(key, std::format("a number from {} to {}", lowest, highest));
    }
    value = *given;
}

void SettingsReader::read(std::uint64_t& value, const char* key, std::uint64_t highest) {
    const ordered_json* given = find(key, value);
    if (given == nullptr) return;
    if (!given->is_number_unsigned() || given->get<std::uint64_t>() > highest)
        return expected(key, std::format("a whole number from 0 to {}", highest));
    value = *given;
}

void SettingsReader::read_object(const char* key,
                                 const std::function<void(SettingsReader&)>& read_keys) {
    const ordered_json* given = find(key);
    if (given == nullptr) return;
    SettingsReader reader(std::format("{}.{}", field_, key), *given);
    read_keys(reader);
    if (!mistake_) mistake_ = reader.mistake();
    unknown_within_.append_range(reader.report().unknown);
}

}  // namespace titans::character
