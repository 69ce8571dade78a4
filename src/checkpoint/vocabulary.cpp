#include "checkpoint/vocabulary.h"

#include <nlohmann/json.hpp>
#include <ranges>

#include "checkpoint/json_file.h"
#include "checkpoint/mapped_file.h"

namespace titans::checkpoint {

Result<std::vector<std::string>> read_vocabulary(const std::filesystem::path& path) {
    constexpr std::size_t kLargest = 32 << 20;
    const std::string name = path.filename().string();
    TITANS_TRY(const MappedFile file, MappedFile::open(path));
    if (file.bytes().size() > kLargest)
        return fail(ErrorKind::InvalidInput, name + ": is too large");
    std::vector<std::string> tokens;
    if (path.extension() == ".json") {
        auto list = parse_json(file.text(), 1);
        const bool fits = list && list->is_array() &&
                          std::ranges::all_of(
                              *list, [](const nlohmann::json& token) { return token.is_string(); });
        if (!fits) return fail(ErrorKind::InvalidInput, name + ": is not a JSON list of tokens");
        for (const auto& token : *list) tokens.push_back(token.get<std::string>());
    } else {
        for (const auto line : std::views::split(file.text(), '\n'))
            tokens.emplace_back(std::string_view(line));
        if (!tokens.empty() && tokens.back().empty())
            tokens.pop_back();  // what follows the last line's end
    }
    return tokens;
}

}  // namespace titans::checkpoint
