#pragma once

#include <format>
#include <string>
#include <utility>

namespace titans {

/// A key or token: prints as ***, and is read only where it is sent.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    bool empty() const { return value_.empty(); }
    const std::string& reveal() const { return value_; }

private:
    std::string value_;
};

}  // namespace titans

template <>
struct std::formatter<titans::Secret> : std::formatter<std::string_view> {
    auto format(const titans::Secret& secret, std::format_context& context) const {
        return std::formatter<std::string_view>::format(secret.empty() ? "" : "***", context);
    }
};
