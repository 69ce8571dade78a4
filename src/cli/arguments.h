#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::cli {

/// A word's arguments, told apart: `--name value` or `--name=value`, `--flag`, and the rest.
class Arguments {
public:
    struct Accepted {
        std::vector<std::string_view> options;  // that take a value, without "--"
        std::vector<std::string_view> flags;
        std::size_t most_positional = 0;
    };

    /// After "--" everything is positional.
    /// InvalidInput: an option that is not accepted, stands twice or has no value, or too many
    /// positional arguments.
    static Result<Arguments> parse(std::span<const std::string_view> arguments,
                                   const Accepted& accepted);

    const std::string* find(std::string_view option) const;
    bool has(std::string_view flag) const { return find(flag) != nullptr; }
    const std::vector<std::string>& positional() const { return positional_; }

private:
    std::map<std::string, std::string, std::less<>> options_;
    std::vector<std::string> positional_;
};

}  // namespace titans::cli
