#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "foundation/error.h"

namespace titans::checkpoint {

/// The tokens of a model by number, put together from the files that a tokenizer is spread over.
class TokenTable {
public:
    /// The tokens of a folder of Hugging Face's: tokenizer.json, or else vocab.json or vocab.txt;
    /// and added_tokens.json if it is there. Errors: NotFound if there is none of the three;
    /// InvalidInput, naming the file, if one is broken.
    static Result<TokenTable> read(const std::filesystem::path& folder);

    /// The same without tokenizer.json, for tokenizers that are nothing but a list.
    static Result<TokenTable> read_list(const std::filesystem::path& folder);

    bool contains(int id) const { return tokens_.contains(id); }
    bool contains(const std::string& token) const { return ids_.contains(token); }
    int id(const std::string& token) const { return ids_.at(token); }

    /// Errors: InvalidInput if the number has another token already, or the token another number.
    Result<void> add(const std::string& token, int id);

    /// The tokens 0, 1, ... up to the last one below `size`. Errors: InvalidInput if one of them
    /// is missing.
    Result<std::vector<std::string>> list(int size) const;

private:
    /// {"token": id, ...}
    Result<void> add_ids(const nlohmann::json& ids);
    /// {"model": {"vocab": {"token": id}}, "added_tokens": [{"id": id, "content": "token"}]}
    Result<void> add_tokenizer(const nlohmann::json& tokenizer);

    std::map<int, std::string> tokens_;
    std::map<std::string, int, std::less<>> ids_;
};

/// The token that `key` of a tokenizer's settings names, as text or as {"content": text}; an empty
/// one if there is none.
std::string named_token(const nlohmann::json& config, std::string_view key);

}  // namespace titans::checkpoint
