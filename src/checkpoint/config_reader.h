#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_file.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The whole numbers that a setting may have.
struct Range {
    std::int64_t least = 0;
    std::int64_t most = 0;
};

/// Reads one file of settings, checks each, and says each that it read in a ModelFile under its own
/// name after a prefix. A key that is not there has the value that the reference gives it. The
/// first mistake is remembered and the values after it mean nothing: ask result() at the end.
class ConfigReader {
public:
    /// `name` is the file's, for messages; `prefix` is such as "whisper.". All are borrowed.
    ConfigReader(const nlohmann::json& config, std::string name, ModelFile& out,
                 std::string prefix);

    /// A whole number in `range`; none as `fallback`: it must be there.
    int integer(std::string_view key, std::optional<int> fallback, Range range);

    /// A list of at least one and at most `longest` whole numbers in `range`.
    std::vector<std::int32_t> integers(std::string_view key, std::vector<std::int32_t> fallback,
                                       std::size_t longest, Range range);

    /// A number that is greater than 0 and less than 1.
    float fraction(std::string_view key, float fallback);

    bool boolean(std::string_view key, bool fallback);

    /// One of `allowed`, the first of which is what the reference takes where the key is not there.
    std::string word(std::string_view key, std::initializer_list<std::string_view> allowed);

    /// Refuses what would make another network: `key` must be false, null or not there.
    void refuse_if_set(std::string_view key);

    /// Remembers a mistake of the caller's finding.
    void refuse(std::string_view key, std::string_view why,
                ErrorKind kind = ErrorKind::InvalidInput);

    /// Errors: InvalidInput or Unsupported, naming the file and the key.
    Result<void> result() const { return result_; }

private:
    /// None if it is not there, or null.
    const nlohmann::json* find(std::string_view key) const;
    std::string full(std::string_view key) const { return prefix_ + std::string(key); }

    const nlohmann::json& config_;
    std::string name_;
    ModelFile& out_;
    std::string prefix_;
    Result<void> result_;
};

}  // namespace titans::checkpoint
