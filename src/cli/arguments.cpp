#include "cli/arguments.h"

#include <algorithm>
#include <format>

namespace titans::cli {

Result<Arguments> Arguments::parse(std::span<const std::string_view> arguments,
                                   const Accepted& accepted) {
    Arguments parsed;
    bool only_positional = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (only_positional || !argument.starts_with("--")) {
            if (parsed.positional_.size() == accepted.most_positional) {
                return fail(ErrorKind::InvalidInput,
                            std::format("\"{}\": what is this for?", argument));
            }
            parsed.positional_.emplace_back(argument);
            continue;
        }
        if (argument == "--") {
            only_positional = true;
            continue;
        }
        const std::size_t equals = argument.find('=');
        const std::string_view name =
            argument.substr(2, equals == argument.npos ? equals : equals - 2);
        const bool is_flag = std::ranges::contains(accepted.flags, name);
        if (!is_flag && !std::ranges::contains(accepted.options, name)) {
            return fail(ErrorKind::InvalidInput,
                        std::format("--{}: there is no such option", name));
        }
        std::string value;
        if (is_flag) {
            if (equals != argument.npos) {
                return fail(ErrorKind::InvalidInput, std::format("--{} takes no value", name));
            }
        } else if (equals != argument.npos) {
            value = argument.substr(equals + 1);
        } else if (i + 1 < arguments.size()) {
            value = arguments[++i];
        } else {
            return fail(ErrorKind::InvalidInput, std::format("--{}: its value is missing", name));
        }
        if (!parsed.options_.try_emplace(std::string(name), std::move(value)).second) {
            return fail(ErrorKind::InvalidInput, std::format("--{} stands twice", name));
        }
    }
    return parsed;
}

const std::string* Arguments::find(std::string_view option) const {
    const auto found = options_.find(option);
    return found == options_.end() ? nullptr : &found->second;
}

}  // namespace titans::cli
