#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>

#include "foundation/error.h"

namespace titans::checkpoint {

/// A file that appears whole or not at all: written under a temporary name beside its own
/// (NAME.PID.converting), and renamed by commit(). Without a commit it is removed; a killed process
/// leaves the temporary one.
class OutputFile {
public:
    /// Errors: Internal if it cannot be made.
    static Result<OutputFile> create(const std::filesystem::path& path);

    OutputFile(OutputFile&&) = default;
    OutputFile& operator=(OutputFile&&) = delete;
    ~OutputFile();

    std::FILE* stream() const { return stream_.get(); }
    const std::filesystem::path& temporary() const { return temporary_; }

    /// Brings all of it to the disk, then gives it its name. Errors: Internal if anything was not
    /// written.
    Result<void> commit();

private:
    struct Closer {
        void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
    };

    OutputFile(std::filesystem::path path, std::filesystem::path temporary, std::FILE* stream)
        : path_(std::move(path)), temporary_(std::move(temporary)), stream_(stream) {}

    std::filesystem::path path_;
    std::filesystem::path temporary_;
    std::unique_ptr<std::FILE, Closer> stream_;  // none after commit() or a move
};

}  // namespace titans::checkpoint
