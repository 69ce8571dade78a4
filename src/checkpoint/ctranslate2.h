#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

struct Ctranslate2Model {
    std::string spec;  // "WhisperSpec"
    std::uint32_t revision = 0;
    Tensors tensors;
};

/// The arrays of CTranslate2's model.bin, binary version 6 (github.com/OpenNMT/CTranslate2,
/// python/ctranslate2/specs/ model_spec.py, serialize()), its aliases resolved. The views borrow
/// `file`. Errors: InvalidInput if a field does not hold or the file does not end where its last
/// field does; Unsupported for another version.
Result<Ctranslate2Model> parse_ctranslate2(std::span<const std::byte> file);

/// A model.bin, memory-mapped and checked.
class Ctranslate2File {
public:
    /// Errors: as MappedFile::open and parse_ctranslate2.
    static Result<Ctranslate2File> open(const std::filesystem::path& path);

    /// Valid while this object lives.
    const Ctranslate2Model& model() const { return model_; }

private:
    Ctranslate2File(MappedFile file, Ctranslate2Model model)
        : file_(std::move(file)), model_(std::move(model)) {}

    MappedFile file_;
    Ctranslate2Model model_;
};

}  // namespace titans::checkpoint
