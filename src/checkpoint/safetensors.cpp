#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <format>
#include <nlohmann/json.hpp>

#include "checkpoint/json_file.h"

namespace titans::checkpoint {
namespace {

constexpr std::uint64_t kLongestHeader = 32 << 20;
constexpr std::size_t kHighestRank = 8;

std::optional<Dtype> find_dtype(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, Dtype>, 10> kDtypes{{{"F64", Dtype::F64},
                                                                          {"F32", Dtype::F32},
                                                                          {"F16", Dtype::F16},
                                                                          {"BF16", Dtype::BF16},
                                                                          {"I64", Dtype::I64},
                                                                          {"I32", Dtype::I32},
                                                                          {"I16", Dtype::I16},
                                                                          {"I8", Dtype::I8},
                                                                          {"U8", Dtype::U8},
                                                                          {"BOOL", Dtype::Bool}}};
    const auto* const found =
        std::ranges::find(kDtypes, word, [](const auto& pair) { return pair.first; });
    if (found == kDtypes.end()) return std::nullopt;
    return found->second;
}

struct Place {
    TensorView tensor;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// `data`: everything after the header.
Result<Place> parse_entry(const std::string& name, const nlohmann::json& entry,
                          std::span<const std::byte> data) {
    const auto bad = [&](std::string_view why, ErrorKind kind = ErrorKind::InvalidInput) {
        return fail(kind, std::format("tensor {}: {}", name, why));
    };
    if (!entry.is_object()) return bad("its entry is not an object");
    const auto dtype_word = entry.find("dtype");
    if (dtype_word == entry.end() || !dtype_word->is_string()) return bad("dtype is not a string");
    const auto dtype = find_dtype(dtype_word->get_ref<const std::string&>());
    if (!dtype) return bad("dtype is unknown", ErrorKind::Unsupported);

    const auto shape = entry.find("shape");
    if (shape == entry.end() || !shape->is_array() || shape->size() > kHighestRank)
        return bad("shape is not a list");
    Place place{.tensor = {.name = name, .dtype = *dtype, .shape = {}, .bytes = {}}};
    for (const auto& dimension : *shape) {
        if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > INT64_MAX) {
            return bad("shape has a dimension that is no size");
        }
        place.tensor.shape.push_back(dimension.get<std::int64_t>());
    }

    const auto offsets = entry.find("data_offsets");
    if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 ||
        !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned()) {
        return bad("data_offsets are not two offsets");
    }
    place.begin = (*offsets)[0].get<std::uint64_t>();
    place.end = (*offsets)[1].get<std::uint64_t>();
    if (place.begin > place.end || place.end > data.size())
        return bad("data_offsets lie outside the file");
    place.tensor.bytes = data.subspan(place.begin, place.end - place.begin);
    return place;
}

}  // namespace

Result<Tensors> parse_safetensors(std::span<const std::byte> file) {
    std::uint64_t header_length = 0;
    if (file.size() < sizeof header_length)
        return fail(ErrorKind::InvalidInput, "is too short for safetensors");
    std::memcpy(&header_length, file.data(), sizeof header_length);
    file = file.subspan(sizeof header_length);
    if (header_length > file.size())
        return fail(ErrorKind::InvalidInput, "its header is longer than the file");
    if (header_length > kLongestHeader)
        return fail(ErrorKind::InvalidInput, "its header is too long");

    // {"name": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}} is three deep.
    TITANS_TRY(const nlohmann::json header,
               parse_json({reinterpret_cast<const char*>(file.data()), header_length}, 3));
    if (!header.is_object()) return fail(ErrorKind::InvalidInput, "its header is not an object");
    const auto data = file.subspan(header_length);

    std::vector<Place> places;
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__") continue;
        TITANS_TRY(Place place, parse_entry(name, entry, data));
        places.push_back(std::move(place));
    }
    std::ranges::sort(places, {},
                      [](const Place& place) { return std::pair(place.begin, place.end); });
    Tensors tensors;
    std::uint64_t covered = 0;
    for (Place& place : places) {
        if (place.begin != covered) {
            const std::string_view fault =
                place.begin < covered ? "overlaps another" : "follows a gap";
            return fail(ErrorKind::InvalidInput,
                        std::format("tensor {}: {}", place.tensor.name, fault));
        }
        covered = place.end;
        TITANS_TRY_VOID(tensors.add(std::move(place.tensor)));
    }
    if (covered != data.size())
        return fail(ErrorKind::InvalidInput, "has bytes after its last tensor");
    return tensors;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
    TITANS_TRY(MappedFile file, MappedFile::open(path));
    auto tensors = parse_safetensors(file.bytes());
    if (!tensors) {
        return fail(tensors.error().kind,
                    std::format("{}: {}", path.filename().string(), tensors.error().message));
    }
    return SafetensorsFile(std::move(file), *std::move(tensors));
}

}  // namespace titans::checkpoint
