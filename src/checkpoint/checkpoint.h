#pragma once

#include <filesystem>
#include <map>
#include <span>
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
    /// The weights in a folder as Hugging Face's libraries write it: the first that there is of
    /// model.safetensors, the files that model.safetensors.index.json names, pytorch_model.bin, and
    /// the files that pytorch_model.bin.index.json names. Errors: NotFound if there is none;
    /// InvalidInput or Unsupported, naming the file, if one of them is broken or lies outside the
    /// folder.
    static Result<Checkpoint> open_folder(const std::filesystem::path& folder);

    /// CTranslate2's model.bin. Errors: as MappedFile::open and parse_ctranslate2, naming the file.
    static Result<Checkpoint> open_ctranslate2(const std::filesystem::path& file);

    /// Errors: as MappedFile::open and parse_safetensors, naming the file.
    static Result<Checkpoint> open_safetensors(const std::filesystem::path& file);

    /// A file of torch.save()'s. Errors: as MappedFile::open and parse_pytorch, naming the file.
    static Result<Checkpoint> open_pytorch(const std::filesystem::path& file);

    /// Valid while this object lives, wherever it is moved.
    const Tensors& tensors() const { return tensors_; }

    /// The whole numbers in a PyTorch file, as PytorchFile names them.
    const std::map<std::string, std::int64_t, std::less<>>& numbers() const { return numbers_; }

    /// Of all its files, one after the other in the order of their names.
    std::string source_sha256() const;

private:
    enum class Format : std::uint8_t { Safetensors, Pytorch, Ctranslate2 };

    Checkpoint() = default;

    static Result<Checkpoint> open_file(const std::filesystem::path& path, Format format);
    static Result<Checkpoint> open_shards(const std::filesystem::path& folder,
                                          std::string_view index, Format format);
    Result<void> add_file(const std::filesystem::path& path, Format format);
    Result<void> parse(std::span<const std::byte> bytes, Format format);

    std::vector<MappedFile> files_;
    std::vector<std::vector<std::byte>> buffers_;  // that PyTorch files' tensors borrow
    Tensors tensors_;
    std::map<std::string, std::int64_t, std::less<>> numbers_;
};

}  // namespace titans::checkpoint
