#include "checkpoint/checkpoint.h"

#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "checkpoint/ctranslate2.h"
#include "checkpoint/json_file.h"
#include "checkpoint/pytorch_file.h"
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
    struct Candidate {
        std::string_view name;
        Format format;
    };
    constexpr std::array kCandidates{Candidate{"model.safetensors", Format::Safetensors},
                                     Candidate{"pytorch_model.bin", Format::Pytorch}};
    for (const auto& [name, format] : kCandidates) {
        const std::string index = std::format("{}.index.json", name);
        if (fs::exists(folder / name)) return open_file(folder / name, format);
        if (fs::exists(folder / index)) return open_shards(folder, index, format);
    }
    return fail(ErrorKind::NotFound, "model.safetensors: is missing");
}

Result<Checkpoint> Checkpoint::open_ctranslate2(const fs::path& file) {
    return open_file(file, Format::Ctranslate2);
}

Result<Checkpoint> Checkpoint::open_safetensors(const fs::path& file) {
    return open_file(file, Format::Safetensors);
}

Result<Checkpoint> Checkpoint::open_pytorch(const fs::path& file) {
    return open_file(file, Format::Pytorch);
}

Result<Checkpoint> Checkpoint::open_file(const fs::path& path, Format format) {
    Checkpoint checkpoint;
    TITANS_TRY_VOID(checkpoint.add_file(path, format));
    return checkpoint;
}

/// {"metadata": {...}, "weight_map": {"tensor name": "file name"}}
Result<Checkpoint> Checkpoint::open_shards(const fs::path& folder, std::string_view index,
                                           Format format) {
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
        TITANS_TRY_VOID(checkpoint.add_file(folder / name, format));
    for (const auto& [tensor, file] : map->items()) {
        if (!checkpoint.tensors_.contains(tensor))
            return bad(std::format("names the tensor {}, which is in no file", tensor));
    }
    return checkpoint;
}

Result<void> Checkpoint::add_file(const fs::path& path, Format format) {
    TITANS_TRY(MappedFile file, MappedFile::open(path));
    if (auto done = parse(file.bytes(), format); !done) {
        return fail(done.error().kind,
                    std::format("{}: {}", path.filename().string(), done.error().message));
    }
    files_.push_back(std::move(file));
    return {};
}

Result<void> Checkpoint::parse(std::span<const std::byte> bytes, Format format) {
    switch (format) {
        case Format::Safetensors: {
            TITANS_TRY(Tensors tensors, parse_safetensors(bytes));
            return tensors_.merge(std::move(tensors));
        }
        case Format::Ctranslate2: {
            TITANS_TRY(Ctranslate2Model model, parse_ctranslate2(bytes));
            return tensors_.merge(std::move(model.tensors));
        }
        case Format::Pytorch: {
            TITANS_TRY(PytorchFile file, parse_pytorch(bytes));
            for (auto& buffer : file.buffers) buffers_.push_back(std::move(buffer));
            numbers_.merge(file.numbers);
            return tensors_.merge(std::move(file.tensors));
        }
    }
    std::unreachable();
}

std::string Checkpoint::source_sha256() const {
    std::vector<std::span<const std::byte>> parts;
    for (const MappedFile& file : files_) parts.push_back(file.bytes());
    return sha256(parts);
}

}  // namespace titans::checkpoint
