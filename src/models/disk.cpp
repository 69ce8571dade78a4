#include "models/disk.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "net/verified_file.h"

namespace titans::models {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::unexpected<Error> disk_error(std::string message, const fs::path& path,
                                  const std::error_code& code) {
    if (code == std::errc::no_space_on_device)
        return fail(ErrorKind::Busy, "not enough disk space", path.string());
    return fail(ErrorKind::Internal, std::move(message), path.string() + ": " + code.message());
}

bool has_size(const fs::path& file, std::uint64_t bytes) {
    std::error_code failed;
    return fs::is_regular_file(file, failed) && fs::file_size(file, failed) == bytes && !failed;
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    fs::rename(from, to, failed);
    if (failed) return disk_error("a model could not be stored", to, failed);
    return {};
}

Json read_record(const fs::path& file, std::uintmax_t max_bytes) {
    std::error_code failed;
    if (fs::file_size(file, failed) > max_bytes || failed) return Json::value_t::discarded;
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Result<void> write_record(const Json& record, const fs::path& file) {
    std::ofstream stream(file, std::ios::binary | std::ios::trunc);
    stream << record.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    stream.close();
    if (!stream) {
        // The stream does not say why, but a full disk is what happens.
        std::error_code failed;
        const fs::space_info space = fs::space(file.parent_path(), failed);
        if (!failed && space.available < (1U << 16))
            return fail(ErrorKind::Busy, "not enough disk space", file.string());
        return fail(ErrorKind::Internal, "a model could not be stored", file.string());
    }
    return net::sync_path(file);
}

}  // namespace titans::models
