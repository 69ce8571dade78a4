#include "api/byte_range.h"

#include <algorithm>
#include <charconv>
#include <ranges>

namespace titans::api {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::optional<ByteRange> parse_byte_range(std::string_view header, std::uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit)) return std::nullopt;
    header.remove_prefix(kUnit.size());
    const std::size_t dash = header.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view from = header.substr(0, dash);
    const std::string_view to = header.substr(dash + 1);
    const auto first = parse_number(from);
    const auto last = parse_number(to);
    if (from.empty()) {  // the last bytes
        if (!last) return std::nullopt;
        const std::uint64_t count = std::min(*last, size);
        return ByteRange{size - count, count};
    }
    if (!first || (!to.empty() && !last) || (last && *last < *first)) return std::nullopt;
    if (*first >= size) return ByteRange{};
    return ByteRange{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

bool names_etag(std::string_view header, std::string_view etag) {
    for (const auto part : std::views::split(header, ',')) {
        std::string_view given(part.begin(), part.end());
        while (given.starts_with(' ')) given.remove_prefix(1);
        while (given.ends_with(' ')) given.remove_suffix(1);
        if (given.starts_with("W/")) given.remove_prefix(2);
        if (given == etag || given == "*") return true;
    }
    return false;
}

}  // namespace titans::api
