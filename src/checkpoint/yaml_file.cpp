#include "checkpoint/yaml_file.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>
#include <ranges>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.h"

namespace titans::checkpoint {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLargest = 64 << 10;
constexpr std::size_t kDeepest = 8;

std::string_view trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

/// Without a remark, which stands at the beginning or after a space.
std::string_view without_remark(std::string_view text) {
    if (text.starts_with('#')) return {};
    return text.substr(0, text.find(" #"));
}

bool is_key(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
               c == '-' || c == '.';
    }) && !text.starts_with('-');
}

/// Discarded if it is more than a plain or quoted word or number.
Json scalar(std::string_view text) {
    const Json discarded(Json::value_t::discarded);
    if (text.starts_with('"') || text.starts_with('\'')) {
        const char quote = text.front();
        const bool ends = text.size() >= 2 && text.ends_with(quote);
        if (!ends) return discarded;
        text = text.substr(1, text.size() - 2);
        if (text.contains(quote) || text.contains('\\')) return discarded;
        return text;
    }
    constexpr std::string_view kOther = "[]{}&*!|>%@`,?-";  // what these begin is no plain scalar
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
    if (kOther.contains(text.front()) || text.contains(": ")) return discarded;
    if (text == "true") return true;
    if (text == "false") return false;
    if (text == "null" || text == "~") return nullptr;
    return text;
}

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
    struct Level {
        std::size_t indent;
        Json* object;
    };
    Json all = Json::object();
    std::vector<Level> levels{{0, &all}};
    Json* begun = nullptr;  // the value of a key whose line has none
    std::size_t number = 0;
    const auto bad = [&](std::string_view why) {
        return fail(ErrorKind::InvalidInput, std::format("line {} {}", number, why));
    };
    for (const auto part : std::views::split(text, '\n')) {
        ++number;
        const std::string_view line(part);
        const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
        const std::string_view content = trim(without_remark(line.substr(indent)));
        if (content.empty()) continue;
        if (std::ranges::any_of(content, [](unsigned char c) { return c < ' '; }))
            return bad("has a control character");
        const std::size_t colon = content.find(':');
        const std::string_view key = content.substr(0, colon);
        const bool has_value = colon != content.npos && colon + 1 < content.size();
        if (colon == content.npos || !is_key(key) || (has_value && content[colon + 1] != ' '))
            return bad("is not \"key: value\"");

        if (begun != nullptr && indent > levels.back().indent) {
            if (levels.size() == kDeepest) return bad("nests too deep");
            *begun = Json::object();
            levels.push_back({indent, begun});
        }
        while (levels.back().indent > indent) levels.pop_back();
        if (levels.back().indent != indent) return bad("is indented like none before it");
        const auto [place, is_new] = levels.back().object->emplace(key, nullptr);
        if (!is_new) return bad("has a key that is there already");
        begun = has_value ? nullptr : &*place;
        if (has_value) *place = scalar(trim(content.substr(colon + 1)));
        if (place->is_discarded()) return bad("has a value that is more than a word or a number");
    }
    return all;
}

Result<Json> read_yaml(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    TITANS_TRY(const MappedFile file, MappedFile::open(path));
    if (file.bytes().size() > kLargest)
        return fail(ErrorKind::InvalidInput, name + ": is too large");
    auto parsed = parse_yaml(file.text());
    if (!parsed) return fail(parsed.error().kind, name + ": " + parsed.error().message);
    return parsed;
}

}  // namespace titans::checkpoint
