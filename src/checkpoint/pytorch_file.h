#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// What is in a file of torch.save()'s. Dictionaries and lists within others are read as one: what
/// Python finds as file["model"]["layer.weight"] or file["layers"][3] is called
/// "model.layer.weight" and "layers.3".
struct PytorchFile {
    /// A tensor that something depends on that is not read is there as an unreadable one.
    Tensors tensors;
    /// The whole numbers that stand in dictionaries: sizes, most of all.
    std::map<std::string, std::int64_t, std::less<>> numbers;
    /// What `tensors` borrows besides the file: unpacked storages, and tensors put in order.
    std::vector<std::vector<std::byte>> buffers;
};

/// Reads what torch.save() wrote: a zip archive since version 1.6, before that several pickles and
/// then the numbers. Nothing in it is run; weights stay where they lie unless they are deflated, or
/// not row-major. The views borrow `file`. Takes time and memory in proportion to the file. Errors:
/// InvalidInput if it is broken; Unsupported for what such files have but is not read.
Result<PytorchFile> parse_pytorch(std::span<const std::byte> file);

}  // namespace titans::checkpoint
