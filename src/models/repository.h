#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::models {

/// A file of a repository. One of the hashes is there: large files have a SHA-256, small ones
/// git's name of their bytes.
struct RepositoryFile {
    std::string name;  // with folders, "Q4_K_M/model.gguf"; safe to put below a folder of ours
    std::uint64_t bytes = 0;
    std::string sha256;
    std::string git_sha1;

    const std::string& hash() const { return sha256.empty() ? git_sha1 : sha256; }
};

/// What a repository of the hub holds at one revision.
struct RepositoryListing {
    std::string revision;
    std::vector<RepositoryFile> files;
};

/// The files of a repository that make one model.
struct RepositoryChoice {
    std::vector<RepositoryFile> files;
    std::string gguf;  // the one of them that is loaded; empty: a checkpoint
};

/// InvalidInput, naming `model_name`, unless `name` is "org/name" as the hub has them.
Result<void> check_repository_name(std::string_view name);

/// Reads the hub's JSON about a repository. Files with names that no model needs (absolute,
/// climbing, hidden, not printable ASCII) are left out. Errors: Upstream.
Result<RepositoryListing> parse_listing(std::string_view json);

/// The files that are needed.
///
/// With GGUF files: one quantisation, all its parts. `wanted` names one of its files, or the
/// quantisation as a whole word of the file's name ("Q4_K_M", in any case). If it is empty: the
/// largest of at most 70 % of `free_memory` bytes, where F16, BF16 and F32 count only if there is
/// nothing else. Without: the safetensors of the repository's own folder (or, if there are none,
/// pytorch_model*.bin), its configuration and its tokenizer.
///
/// Errors: InvalidInput, naming `file`, if `wanted` means several or the repository has no GGUF
/// files; NotFound if it means none, or the repository has no model; Conflict if none fits memory;
/// Upstream if what is needed is beyond all bounds.
Result<RepositoryChoice> choose_files(std::string_view repository, const RepositoryListing& listing,
                                      std::string_view wanted, std::uint64_t free_memory);

/// True if `wanted` names `file`, or is a whole word of its name.
bool is_wanted(std::string_view file, std::string_view wanted);

}  // namespace titans::models
