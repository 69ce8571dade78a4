#include "models/conversion.h"

#include <chrono>
#include <format>
#include <string>

#include "models/child_process.h"
#include "models/disk.h"
#include "net/verified_file.h"

namespace titans::models {

namespace fs = std::filesystem;

Result<void> convert_model(const fs::path& program, std::string_view kind, const fs::path& input,
                           const fs::path& result, std::uint64_t source_bytes,
                           const std::stop_token& stop) {
    constexpr std::chrono::minutes kTime{10};
    constexpr std::string_view kOwnWords = "titans: ";
    const fs::path output = result.string() + ".part";
    const auto end = run_child(
        {program.string(), "convert", std::string(kind), input.string(), output.string()},
        {.time = kTime, .output = output, .output_bytes = 3 * source_bytes + (1U << 26)}, stop);
    if (!end && end.error().kind == ErrorKind::Cancelled) return std::unexpected(end.error());
    if (!end) {
        return fail(ErrorKind::Internal, "the converter failed",
                    end.error().message + ": " + end.error().detail);
    }
    if (end->status == 1 && end->last_line.starts_with(kOwnWords))
        return fail(ErrorKind::InvalidInput, end->last_line.substr(kOwnWords.size()));
    std::error_code missing;
    if (end->status != 0 || fs::file_size(output, missing) == 0 || missing) {
        return fail(ErrorKind::Internal, "the converter failed",
                    std::format("status {}: {}", end->status, end->last_line));
    }
    TITANS_TRY_VOID(net::sync_path(output));
    return rename_file(output, result);
}

Result<void> link_or_copy(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    fs::create_directories(to.parent_path(), failed);
    fs::create_hard_link(from, to, failed);
    if (failed) fs::copy_file(from, to, fs::copy_options::overwrite_existing, failed);
    if (failed) return disk_error("a model could not be stored", to, failed);
    return {};
}

}  // namespace titans::models
