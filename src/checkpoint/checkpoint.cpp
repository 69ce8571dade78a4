#include "checkpoint/checkpoint.h"

#include <format>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/ctranslate2.h"
#include "checkpoint/json_file.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/source_hash.h"

namespace titans::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostShards = 1024;

/// Whether `name` names a file of its folder and nothing else.
bool is_file_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && !name.contains('/') &&
           !name.contains('\\') && !name.contains('\0');
}

}  // namespace

Result<Checkpoint> Checkpoint::open_folder(const fs::path& folder) {
    Checkpoint checkpoint;
    if (fs::exists(folder / "model.safetensors")) {
        TITANS_TRY_VOID(checkpoint.add_file(folder / "model.safetensors", parse_safetensors));
        return checkpoint;
    }
    if (fs::exists(folder / "model.safetensors.index.json"))
        return open_shards(folder, "model.safetensors.index.json", parse_safetensors);
    return fail(ErrorKind::NotFound, "model.safetensors: is missing");
}

Result<Checkpoint> Checkpoint::open_ctranslate2(const fs::path& file) {
    Checkpoint checkpoint;
    TITANS_TRY_VOID(checkpoint.add_file(file, [](std::span<const std::byte> bytes) {
        return parse_ctranslate2(bytes).transform(
            [](Ctranslate2Model model) { return std::move(model.tensors); });
    }));
    return checkpoint;
}

/// {"metadata": {...}, "weight_map": {"tensor name": "file name"}}
Result<Checkpoint> Checkpoint::open_shards(const fs::path& folder, std::string_view index,
                                           const Parser& parse) {
    TITANS_TRY(const nlohmann::json json, read_json(folder / index));
    const auto bad = [&](std::string_view why) {
        return fail(ErrorKind::InvalidInput, std::format("{}: {}", index, why));
    };
    const auto map = json.find("weight_map");
    if (map == json.end() || !map->is_object() || map->empty()) return bad("has no weight_map");
    std::set<std::string> names;
    for (const auto& [tensor, file] : map->items()) {
        if (!file.is_string() || !is_file_name(file.get_ref<const std::string&>()))
            return bad("names a file outside its folder");
        names.insert(file.get<std::string>());
    }
    if (names.size() > kMostShards) return bad("names too many files");

    Checkpoint checkpoint;
    for (const std::string& name : names)
        TITANS_TRY_VOID(checkpoint.add_file(folder / name, parse));
    for (const auto& [tensor, file] : map->items()) {
        if (!checkpoint.tensors_.contains(tensor))
            return bad(std::format("names the tensor {}, which is in no file", tensor));
    }
    return checkpoint;
}

Result<void> Checkpoint::add_file(const fs::path& path, const Parser& parse) {
    TITANS_TRY(MappedFile file, MappedFile::open(path));
    const auto read = [&] -> Result<void> {
        TITANS_TRY(const Tensors tensors, parse(file.bytes()));
        for (const std::string_view name : tensors.names()) {
            TITANS_TRY(TensorView tensor, tensors.tensor(name));
            TITANS_TRY_VOID(tensors_.add(std::move(tensor)));
        }
        return {};
    };
    if (auto done = read(); !done) {
        return fail(done.error().kind,
                    std::format("{}: {}", path.filename().string(), done.error().message));
    }
    files_.push_back(std::move(file));
    return {};
}

std::string Checkpoint::source_sha256() const {
    std::vector<std::span<const std::byte>> parts;
    for (const MappedFile& file : files_) parts.push_back(file.bytes());
    return sha256(parts);
}

}  // namespace titans::checkpoint
