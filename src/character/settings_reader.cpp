#include "character/settings_reader.h"

namespace titans::character {

nlohmann::json parse_bounded(std::string_view text, int max_depth) {
    bool too_deep = false;
    auto parsed = nlohmann::json::parse(
        text,
        [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
            too_deep = too_deep || depth > max_depth;
            return !too_deep;
        },
        /*allow_exceptions=*/false);
    return too_deep ? nlohmann::json(nlohmann::json::value_t::discarded) : parsed;
}

SettingsReader::SettingsReader(std::string_view field, std::string_view json)
    : field_(field), object_(parse_bounded(json, kMaxDepth)) {
    if (!object_.is_object()) {
        mistake_ = Error{ErrorKind::InvalidInput, std::format("{}: must be a JSON object", field_)};
        object_ = nlohmann::json::object();
    }
}

const nlohmann::json* SettingsReader::find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void SettingsReader::expected(const char* key, std::string_view what) {
    if (mistake_) return;
    mistake_ = Error{ErrorKind::InvalidInput, std::format("{}.{}: must be {}", field_, key, what)};
}

void SettingsReader::read(std::string& value, const char* key, std::size_t longest) {
    const nlohmann::json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_string() || given->get_ref<const std::string&>().size() > longest) {
        return expected(key, std::format("a string of at most {} bytes", longest));
    }
    value = *given;
}

void SettingsReader::read(std::vector<std::string>& value, const char* key) {
    const nlohmann::json* given = find(key);
    if (given == nullptr) return;
    constexpr std::size_t kMost = 16;
    const auto is_word = [](const nlohmann::json& item) {
        return item.is_string() && !item.get_ref<const std::string&>().empty() &&
               item.get_ref<const std::string&>().size() <= 256;
    };
    if (!given->is_array() || given->size() > kMost || !std::ranges::all_of(*given, is_word)) {
        return expected(key, std::format("a list of at most {} strings of 1 to 256 bytes", kMost));
    }
    value = given->get<std::vector<std::string>>();
}

void SettingsReader::read(bool& value, const char* key) {
    const nlohmann::json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_boolean()) return expected(key, "true or false");
    value = *given;
}

void SettingsReader::read(int& value, const char* key, int lowest, int highest) {
    const nlohmann::json* given = find(key);
    if (given == nullptr) return;
    // As a double, so that no number is too large to compare.
    if (!given->is_number_integer() || given->get<double>() < lowest ||
        given->get<double>() > highest) {
        return expected(key, std::format("a whole number from {} to {}", lowest, highest));
    }
    value = *given;
}

void SettingsReader::read(float& value, const char* key, float lowest, float highest) {
    const nlohmann::json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_number() || given->get<double>() < lowest || given->get<double>() > highest) {
        return expected(key, std::format("a number from {} to {}", lowest, highest));
    }
    value = *given;
}

}  // namespace titans::character
