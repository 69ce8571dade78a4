#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The weights of one model, wherever they come from: tensors by name, in files that are mapped.
class Checkpoint {
public:
    /// The weights in a folder as Hugging Face's libraries write it: model.safetensors or the files
    /// that model.safetensors.index.json names. Errors: NotFound if there is none; InvalidInput or
    /// Unsupported, naming the file, if one of them is broken or lies outside the folder.
    static Result<Checkpoint> open_folder(const std::filesystem::path& folder);

    /// CTranslate2's model.bin. Errors: as MappedFile::open and parse_ctranslate2, naming the file.
    static Result<Checkpoint> open_ctranslate2(const std::filesystem::path& file);

    /// Valid while this object lives, wherever it is moved.
    const Tensors& tensors() const { return tensors_; }

    /// Of all its files, one after the other in the order of their names.
    std::string source_sha256() const;

private:
    using Parser = std::function<Result<Tensors>(std::span<const std::byte>)>;

    Checkpoint() = default;

    static Result<Checkpoint> open_shards(const std::filesystem::path& folder,
                                          std::string_view index, const Parser& parse);
    Result<void> add_file(const std::filesystem::path& path, const Parser& parse);

    std::vector<MappedFile> files_;
    Tensors tensors_;
};

}  // namespace titans::checkpoint
