#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/pickle.h"
#include "checkpoint/zip_archive.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The numbers that the tensors of a PyTorch file are made of, by key.
class PytorchStorages {
public:
    /// Those in `folder` (with a slash at its end) of a zip archive. `buffers` gets what is
    /// deflated.
    static PytorchStorages of_archive(ZipArchive archive, std::string folder,
                                      std::vector<std::vector<std::byte>>& buffers);

    /// Those that lie one after the other in `bytes`, each after its count, in the order that the
    /// list of keys in `keys` says; how many bytes an element takes stands in `pickle`. Errors:
    /// InvalidInput if they do not fill `bytes`.
    static Result<PytorchStorages> of_list(const Pickle& pickle, const Pickle& keys,
                                           std::span<const std::byte> bytes);

    /// Errors: InvalidInput if it is not there or has another size than it says.
    Result<std::span<const std::byte>> find(const PickledStorage& storage);

private:
    std::optional<ZipArchive> archive_;
    std::string folder_;
    std::vector<std::vector<std::byte>>* buffers_ = nullptr;
    std::map<std::string, std::span<const std::byte>, std::less<>> found_;
};

}  // namespace titans::checkpoint
