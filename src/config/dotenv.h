#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace titans::config {

using Variables = std::map<std::string, std::string>;

/// What a `.env` file says, and a sentence for each line that says nothing.
struct DotEnv {
    Variables variables;
    std::vector<std::string> faults;
};

/// Lines of NAME=value, with an optional `export`, comments from `#`, and values in single or
/// double quotes.
DotEnv parse_dotenv(std::string_view text);

}  // namespace titans::config
