#pragma once

#include <zlib.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/test_files.h"

// Pickles, zip archives and files of torch.save()'s, put together byte by byte for tests.
namespace titans::checkpoint::test {

namespace pickle {

inline std::string text(std::string_view text) {
    return "X" + raw(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

inline std::string number(std::int64_t number) { return "\x8a\x08" + raw(number); }

inline std::string global(std::string_view module, std::string_view name) {
    return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

inline std::string tuple(const std::vector<std::string>& items) {
    std::string code = "(";
    for (const std::string& item : items) code += item;
    return code + "t";
}

inline std::string numbers(const Shape& sizes) {
    std::vector<std::string> items;
    for (const std::int64_t size : sizes) items.push_back(number(size));
    return tuple(items);
}

inline std::string call(const std::string& callable, const std::string& arguments) {
    return callable + arguments + "R";
}

inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string code = "}(";
    for (const auto& [key, value] : entries) code += text(key) + value;
    return code + "u";
}

inline std::string storage(std::string_view type, std::string_view key, std::int64_t count) {
    return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count)}) +
           "Q";
}

inline std::string tensor(const std::string& storage, std::int64_t offset, const Shape& shape,
                          const Shape& strides) {
    return call(global("torch._utils", "_rebuild_tensor_v2"),
                tuple({storage, number(offset), numbers(shape), numbers(strides), "\x89",
                       call(global("collections", "OrderedDict"), ")")}));
}

inline std::string program(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

struct ZippedFile {
    std::string name;
    std::string content;
    bool is_deflated = false;
};

inline std::string deflate(const std::string& content) {
    std::string packed(content.size() + 1024, '\0');
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    ::deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

inline std::uint32_t checksum(std::string_view content) {
    return static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
}

/// A zip archive, in the 64-bit form if `is_64` says so.
inline std::string zip(const std::vector<ZippedFile>& files, bool is_64 = false) {
    std::string archive;
    std::string directory;
    for (const ZippedFile& file : files) {
        const std::string packed = file.is_deflated ? deflate(file.content) : file.content;
        const auto size = [&](const std::string& bytes) {
            return is_64 ? raw(~std::uint32_t{0}) : raw(static_cast<std::uint32_t>(bytes.size()));
        };
        const std::string common =
            raw(std::uint16_t{0}) + raw(static_cast<std::uint16_t>(file.is_deflated ? 8 : 0)) +
            raw(std::uint32_t{0}) + raw(checksum(file.content)) + size(packed) +
            size(file.content) + raw(static_cast<std::uint16_t>(file.name.size()));
        std::string extra;
        if (is_64) {
            extra = raw(std::uint16_t{1}) + raw(std::uint16_t{24}) +
                    raw(std::uint64_t{file.content.size()}) + raw(std::uint64_t{packed.size()}) +
                    raw(std::uint64_t{archive.size()});
        }
        directory +=
            "PK\1\2" + raw(std::uint32_t{20}) + common +
            raw(static_cast<std::uint16_t>(extra.size())) + std::string(10, '\0') +
            (is_64 ? raw(~std::uint32_t{0}) : raw(static_cast<std::uint32_t>(archive.size()))) +
            file.name + extra;
        archive +=
            "PK\3\4" + raw(std::uint16_t{20}) + common + raw(std::uint16_t{0}) + file.name + packed;
    }
    const std::size_t begin = archive.size();
    archive += directory;
    if (is_64) {
        const std::size_t end = archive.size();
        archive += "PK\6\6" + raw(std::uint64_t{44}) + raw(std::uint32_t{45}) +
                   raw(std::uint64_t{0}) + raw(std::uint64_t{files.size()}) +
                   raw(std::uint64_t{files.size()}) + raw(std::uint64_t{directory.size()}) +
                   raw(std::uint64_t{begin});
        archive +=
            "PK\6\7" + raw(std::uint32_t{0}) + raw(std::uint64_t{end}) + raw(std::uint32_t{1});
    }
    const auto count = static_cast<std::uint16_t>(files.size());
    return archive + "PK\5\6" + raw(std::uint32_t{0}) + raw(count) + raw(count) +
           raw(static_cast<std::uint32_t>(directory.size())) +
           raw(static_cast<std::uint32_t>(begin)) + raw(std::uint16_t{0});
}

/// Storages by key.
using Storages = std::vector<std::pair<std::string, std::string>>;

/// What torch.save() writes since version 1.6.
inline std::string pytorch_archive(const std::string& value, const Storages& storages,
                                   bool is_deflated = false) {
    std::vector<ZippedFile> files{{"archive/data.pkl", pickle::program(value), is_deflated},
                                  {"archive/byteorder", "little"}};
    for (const auto& [key, bytes] : storages)
        files.push_back({"archive/data/" + key, bytes, is_deflated});
    return zip(files);
}

/// What it wrote before. `element`: how many bytes a number of the storages takes.
inline std::string pytorch_pickles(const std::string& value, const Storages& storages,
                                   std::size_t element = 4) {
    std::vector<std::string> keys;
    std::string data;
    for (const auto& [key, bytes] : storages) {
        keys.push_back(pickle::text(key));
        data += raw(std::uint64_t{bytes.size() / element}) + bytes;
    }
    const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
    return magic + pickle::program(pickle::number(1001)) +
           pickle::program(pickle::dict({{"little_endian", "\x88"}})) + pickle::program(value) +
           pickle::program(pickle::tuple(keys)) + data;
}

/// Tensors in a dictionary, each with a storage of its own.
inline std::string pytorch_file(const std::vector<Array>& arrays) {
    std::vector<std::pair<std::string, std::string>> entries;
    Storages storages;
    for (const Array& array : arrays) {
        const std::string key = std::to_string(storages.size());
        Shape strides(array.shape.size(), 1);
        for (std::size_t axis = strides.size(); axis-- > 1;)
            strides[axis - 1] = strides[axis] * array.shape[axis];
        entries.emplace_back(
            array.name, pickle::tensor(pickle::storage("FloatStorage", key, count(array.shape)), 0,
                                       array.shape, strides));
        storages.emplace_back(key, array.bytes);
    }
    return pytorch_archive(pickle::dict(entries), storages);
}

}  // namespace titans::checkpoint::test
