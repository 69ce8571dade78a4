#include "checkpoint/config_reader.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

namespace titans::checkpoint {
namespace {

/// None if `value` is no whole number in `range`.
std::optional<std::int32_t> whole_number(const nlohmann::json& value, Range range) {
    if (!value.is_number_integer()) return std::nullopt;
    if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>()))
        return std::nullopt;
    const auto number = value.get<std::int64_t>();
    if (number < range.least || number > range.most) return std::nullopt;
    return static_cast<std::int32_t>(number);
}

std::string between(Range range) { return std::format("from {} to {}", range.least, range.most); }

}  // namespace

ConfigReader::ConfigReader(const nlohmann::json& config, std::string name, ModelFile& out,
                           std::string prefix)
    : config_(config), name_(std::move(name)), out_(out), prefix_(std::move(prefix)) {}

const nlohmann::json* ConfigReader::find(std::string_view key) const {
    const auto found = config_.find(key);
    return found == config_.end() || found->is_null() ? nullptr : &*found;
}

void ConfigReader::refuse(std::string_view key, std::string_view why, ErrorKind kind) {
    if (result_) result_ = fail(kind, std::format("{}: {} {}", name_, key, why));
}

int ConfigReader::integer(std::string_view key, std::optional<int> fallback, Range range) {
    const nlohmann::json* const value = find(key);
    const auto number = value != nullptr ? whole_number(*value, range) : fallback;
    if (!number) {
        refuse(key, "is not a whole number " + between(range));
        return static_cast<int>(range.least);
    }
    out_.set(full(key), static_cast<std::uint32_t>(*number));
    return *number;
}

std::vector<std::int32_t> ConfigReader::integers(std::string_view key,
                                                 std::vector<std::int32_t> fallback,
                                                 std::size_t longest, Range range) {
    std::vector<std::int32_t> numbers = std::move(fallback);
    if (const nlohmann::json* const value = find(key); value != nullptr) {
        numbers.clear();
        bool fits = value->is_array() && !value->empty() && value->size() <= longest;
        for (std::size_t i = 0; fits && i < value->size(); ++i) {
            const auto number = whole_number((*value)[i], range);
            fits = number.has_value();
            numbers.push_back(number.value_or(0));
        }
        if (!fits) {
            refuse(key,
                   std::format("is not a list of 1 to {} numbers {}", longest, between(range)));
            return {static_cast<std::int32_t>(range.least)};
        }
    }
    out_.set(full(key), numbers);
    return numbers;
}

float ConfigReader::fraction(std::string_view key, float fallback) {
    const nlohmann::json* const value = find(key);
    const bool fits = value == nullptr ||
                      (value->is_number() && value->get<double>() > 0 && value->get<double>() < 1);
    if (!fits) refuse(key, "is not a number between 0 and 1");
    const float number = fits && value != nullptr ? value->get<float>() : fallback;
    out_.set(full(key), number);
    return number;
}

bool ConfigReader::boolean(std::string_view key, bool fallback) {
    const nlohmann::json* const value = find(key);
    if (value != nullptr && !value->is_boolean()) refuse(key, "is neither true nor false");
    const bool is_set = value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
    out_.set(full(key), is_set);
    return is_set;
}

std::string ConfigReader::word(std::string_view key,
                               std::initializer_list<std::string_view> allowed) {
    const nlohmann::json* const value = find(key);
    std::string word(*allowed.begin());
    if (value != nullptr) {
        if (!value->is_string() ||
            !std::ranges::contains(allowed,
                                   std::string_view(value->get_ref<const std::string&>()))) {
            refuse(key, "has a value that is not supported", ErrorKind::Unsupported);
            return word;
        }
        word = value->get<std::string>();
    }
    out_.set(full(key), word);
    return word;
}

void ConfigReader::refuse_if_set(std::string_view key) {
    const nlohmann::json* const value = find(key);
    if (value != nullptr && *value != false) {
        refuse(key, "is set, which is not supported", ErrorKind::Unsupported);
    }
}

}  // namespace titans::checkpoint
