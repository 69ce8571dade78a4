#include "models/archive.h"

#include <zip.h>

#include <memory>
#include <vector>

namespace titans::models {
namespace {

struct ArchiveDeleter {
    void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};
struct MemberDeleter {
    void operator()(zip_file_t* member) const noexcept { zip_fclose(member); }
};
using ArchiveHandle = std::unique_ptr<zip_t, ArchiveDeleter>;
using MemberHandle = std::unique_ptr<zip_file_t, MemberDeleter>;

constexpr std::size_t kBlock = std::size_t{1} << 18;

}  // namespace

Result<void> extract_member(const std::filesystem::path& archive, const std::string& member,
                            net::VerifiedFile& out, const std::stop_token& stop) {
    int code = 0;
    const ArchiveHandle opened(zip_open(archive.c_str(), ZIP_RDONLY, &code));
    if (!opened)
        return fail(ErrorKind::Upstream, "an archive is damaged",
                    std::format("{}: libzip error {}", archive.string(), code));
    const MemberHandle file(zip_fopen(opened.get(), member.c_str(), 0));
    if (!file)
        return fail(ErrorKind::NotFound, "an archive does not have the file",
                    member + ": " + zip_strerror(opened.get()));
    std::vector<char> block(kBlock);
    while (!stop.stop_requested()) {
        const zip_int64_t count = zip_fread(file.get(), block.data(), block.size());
        if (count < 0)
            return fail(ErrorKind::Upstream, "an archive is damaged",
                        member + ": " + zip_file_strerror(file.get()));
        if (count == 0) return {};
        TITANS_TRY_VOID(out.append({block.data(), static_cast<std::size_t>(count)}));
    }
    return fail(ErrorKind::Cancelled, "unpacking was cancelled");
}

}  // namespace titans::models
