#include "config/dotenv.h"

#include <algorithm>
#include <cctype>
#include <format>

namespace titans::config {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_name(std::string_view text) {
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
           std::ranges::all_of(text,
                               [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

/// The value without its quotes, or without the comment behind it.
std::string_view unquote(std::string_view value) {
    if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
        const std::size_t end = value.find(value.front(), 1);
        if (end != std::string_view::npos) return value.substr(1, end - 1);
    }
    return trim(value.substr(0, value.find(" #")));
}

}  // namespace

DotEnv parse_dotenv(std::string_view text) {
    DotEnv result;
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        if (line.starts_with("export ")) line = trim(line.substr(7));
        const std::size_t equals = line.find('=');
        const std::string_view name = trim(line.substr(0, equals));
        if (equals == std::string_view::npos || !is_name(name)) {
            result.faults.push_back(std::format(".env line {}: expected NAME=value", number));
            continue;
        }
        result.variables[std::string(name)] = unquote(trim(line.substr(equals + 1)));
    }
    return result;
}

}  // namespace titans::config
