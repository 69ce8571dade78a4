#include "checkpoint/json_file.h"

#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.h"

namespace titans::checkpoint {

Result<nlohmann::json> parse_json(std::string_view text, int max_depth) {
    using Json = nlohmann::json;
    bool too_deep = false;
    bool repeated = false;
    std::vector<std::set<std::string>> keys;  // of the objects around the current place
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
        switch (event) {
            case Json::parse_event_t::object_start:
                keys.emplace_back();
                [[fallthrough]];
            case Json::parse_event_t::array_start:
                too_deep = too_deep || depth >= max_depth;
                break;
            case Json::parse_event_t::object_end:
                keys.pop_back();
                break;
            case Json::parse_event_t::key:
                repeated =
                    repeated || !keys.back().insert(parsed.get_ref<const std::string&>()).second;
                break;
            default:
                break;
        }
        return !too_deep && !repeated;  // false: what follows is read over and not kept
    };
    Json value = Json::parse(text, watch, /*allow_exceptions=*/false);
    if (too_deep) return fail(ErrorKind::InvalidInput, "the JSON nests too deep");
    if (repeated) return fail(ErrorKind::InvalidInput, "the JSON names a key twice");
    if (value.is_discarded()) return fail(ErrorKind::InvalidInput, "is not JSON");
    return value;
}

namespace {

Result<nlohmann::json> read_file(const std::filesystem::path& path, std::size_t largest,
                                 int max_depth) {
    TITANS_TRY(const MappedFile file, MappedFile::open(path));
    const std::string name = path.filename().string();
    if (file.bytes().size() > largest)
        return fail(ErrorKind::InvalidInput, name + ": is too large");
    auto value = parse_json(file.text(), max_depth);
    if (!value) return fail(value.error().kind, std::format("{}: {}", name, value.error().message));
    return value;
}

}  // namespace

Result<nlohmann::json> read_json(const std::filesystem::path& path) {
    return read_file(path, 32 << 20, 12);
}

Result<nlohmann::json> read_config(const std::filesystem::path& path) {
    TITANS_TRY(nlohmann::json value, read_file(path, 1 << 20, 8));
    if (!value.is_object()) {
        return fail(ErrorKind::InvalidInput, path.filename().string() + ": is not a JSON object");
    }
    return value;
}

Result<nlohmann::json> read_config_if_there(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) return nlohmann::json::object();
    return read_config(path);
}

}  // namespace titans::checkpoint
