#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::checkpoint {

/// The files in a zip archive that lies in memory. Strict: an archive that two readers could take
/// for two different ones is refused.
///
/// Not libzip, which models/ uses for wheels: it does not say where in the archive a file lies, and
/// weights are used in place.
class ZipArchive {
public:
    /// The views borrow `bytes`. Errors: InvalidInput if the directory does not stand at the end,
    /// does not say the same twice, leads outside the archive, names a file twice or one outside
    /// its folder, or if files overlap; Unsupported for encrypted ones, those of several disks, and
    /// methods other than "stored" and "deflated".
    static Result<ZipArchive> parse(std::span<const std::byte> bytes);

    /// Sorted.
    std::vector<std::string_view> names() const;
    bool contains(std::string_view name) const { return files_.contains(name); }

    /// A stored file where it lies; a deflated one's bytes are added to `inflated`, which must
    /// outlive the view. Errors: InvalidInput if there is no such file, or it is not as long as the
    /// directory says, or it has another checksum, or all files together would be unreasonably
    /// larger than the archive.
    Result<std::span<const std::byte>> read(std::string_view name,
                                            std::vector<std::vector<std::byte>>& inflated);

private:
    struct File {
        std::span<const std::byte> bytes;  // as they lie in the archive
        std::uint64_t size = 0;
        std::uint32_t checksum = 0;
        bool is_deflated = false;
    };

    std::map<std::string_view, File> files_;
    std::uint64_t inflatable_ = 0;  // how many bytes may still be inflated
};

}  // namespace titans::checkpoint
