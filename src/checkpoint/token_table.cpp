#include "checkpoint/token_table.h"

#include <format>
#include <nlohmann/json.hpp>

#include "checkpoint/json_file.h"
#include "checkpoint/vocabulary.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr int kMostTokens = 1 << 20;

Result<int> token_id(const nlohmann::json& value) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() < kMostTokens)
        return value.get<int>();
    return fail(ErrorKind::InvalidInput, "has a token whose number is no whole number below 2^20");
}

std::unexpected<Error> in_file(std::string_view name, const Error& error) {
    return fail(error.kind, std::format("{}: {}", name, error.message));
}

}  // namespace

Result<void> TokenTable::add(const std::string& token, int id) {
    const auto [by_id, is_new_id] = tokens_.try_emplace(id, token);
    const auto [by_token, is_new_token] = ids_.try_emplace(token, id);
    if (by_id->second != token || by_token->second != id) {
        return fail(ErrorKind::InvalidInput,
                    std::format("has two tokens of number {}, or one twice", id));
    }
    return {};
}

Result<void> TokenTable::add_ids(const nlohmann::json& ids) {
    if (!ids.is_object()) return fail(ErrorKind::InvalidInput, "is not a list of numbered tokens");
    for (const auto& [token, number] : ids.items()) {
        TITANS_TRY(const int id, token_id(number));
        TITANS_TRY_VOID(add(token, id));
    }
    return {};
}

Result<void> TokenTable::add_tokenizer(const nlohmann::json& tokenizer) {
    const auto bad = [] { return fail(ErrorKind::InvalidInput, "has no list of tokens"); };
    if (!tokenizer.is_object()) return bad();
    const auto model = tokenizer.find("model");
    if (model == tokenizer.end() || !model->is_object()) return bad();
    const auto vocabulary = model->find("vocab");
    if (vocabulary == model->end()) return bad();
    TITANS_TRY_VOID(add_ids(*vocabulary));
    const auto added = tokenizer.find("added_tokens");
    if (added == tokenizer.end() || !added->is_array()) return {};
    for (const nlohmann::json& entry : *added) {
        if (!entry.is_object() || !entry.contains("id")) return bad();
        const std::string content = named_token({{"token", entry}}, "token");
        TITANS_TRY(const int id, token_id(entry["id"]));
        TITANS_TRY_VOID(add(content, id));
    }
    return {};
}

Result<TokenTable> TokenTable::read(const fs::path& folder) {
    if (!fs::exists(folder / "tokenizer.json")) return read_list(folder);
    TITANS_TRY(const nlohmann::json tokenizer, read_json(folder / "tokenizer.json"));
    TokenTable table;
    if (const auto done = table.add_tokenizer(tokenizer); !done)
        return in_file("tokenizer.json", done.error());
    return table;
}

Result<TokenTable> TokenTable::read_list(const fs::path& folder) {
    TokenTable table;
    if (fs::exists(folder / "vocab.json")) {
        TITANS_TRY(const nlohmann::json ids, read_json(folder / "vocab.json"));
        if (const auto done = table.add_ids(ids); !done) return in_file("vocab.json", done.error());
    } else if (fs::exists(folder / "vocab.txt")) {
        TITANS_TRY(const auto tokens, read_vocabulary(folder / "vocab.txt"));
        if (tokens.size() > kMostTokens)
            return fail(ErrorKind::InvalidInput, "vocab.txt: has too many tokens");
        for (int id = 0; const std::string& token : tokens) {
            if (const auto done = table.add(token, id++); !done)
                return in_file("vocab.txt", done.error());
        }
    } else {
        return fail(ErrorKind::NotFound, "the vocabulary (vocab.json or vocab.txt) is missing");
    }
    if (fs::exists(folder / "added_tokens.json")) {
        TITANS_TRY(const nlohmann::json added, read_json(folder / "added_tokens.json"));
        if (const auto done = table.add_ids(added); !done)
            return in_file("added_tokens.json", done.error());
    }
    return table;
}

Result<std::vector<std::string>> TokenTable::list(int size) const {
    std::vector<std::string> tokens;
    for (const auto& [id, token] : tokens_) {
        if (id >= size) break;
        if (std::cmp_not_equal(id, tokens.size())) {
            return fail(ErrorKind::InvalidInput,
                        std::format("the vocabulary has no token of number {}", tokens.size()));
        }
        tokens.push_back(token);
    }
    return tokens;
}

std::string named_token(const nlohmann::json& config, std::string_view key) {
    const auto found = config.find(key);
    if (found == config.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_object()) return {};
    const auto content = found->find("content");
    return content != found->end() && content->is_string() ? content->get<std::string>()
                                                           : std::string();
}

}  // namespace titans::checkpoint
