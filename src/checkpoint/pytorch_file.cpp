#include "checkpoint/pytorch_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <format>
#include <optional>

#include "checkpoint/pickle.h"
#include "checkpoint/pytorch_storages.h"
#include "checkpoint/zip_archive.h"

namespace titans::checkpoint {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kLongestPickle = std::size_t{64} << 20;
constexpr std::size_t kLongestName = 512;
constexpr int kDeepest = 16;
constexpr std::size_t kMostVisits = 1 << 18;

/// How the older form begins: a pickle of protocol 2 of the number 0x1950a86a20f9469cfc6c.
constexpr std::array<unsigned char, 15> kMagic{0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                               0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

std::unexpected<Error> bad(std::string_view why) {
    return fail(ErrorKind::InvalidInput, std::string(why));
}

std::string name_of(const PickledGlobal& global) {
    constexpr std::size_t kShown = 64;
    std::string name = global.module.empty() ? std::string(global.name)
                                             : std::format("{}.{}", global.module, global.name);
    if (name.size() > kShown) name = name.substr(0, kShown) + "...";
    // It is said in a message: what is not plain text is not.
    std::ranges::replace_if(name, [](char c) { return c < ' ' || c > '~'; }, '?');
    return name;
}

/// Puts the values of a pickle into a PytorchFile.
class Collector {
public:
    Collector(const Pickle& pickle, PytorchStorages storages, std::uint64_t file_size,
              PytorchFile& out)
        : pickle_(pickle),
          storages_(std::move(storages)),
          copyable_((std::uint64_t{16} << 20) + file_size),
          out_(out) {}

    Result<void> run() {
        std::vector<Visit> open{{pickle_.root, "", 0}};
        std::size_t visits = 0;
        while (!open.empty()) {
            const Visit visit = std::move(open.back());
            open.pop_back();
            const auto* const dict = pickle_.get_if<PickledDict>(visit.value);
            const auto* const list = pickle_.get_if<PickledSequence>(visit.value);
            const std::size_t children =
                dict != nullptr ? dict->entries.size() : (list != nullptr ? list->items.size() : 0);
            visits += 1 + children;
            // The same dictionary may stand in many: the file says more than it is long.
            if (visits > kMostVisits) return bad("has too many values within others");
            if (children > 0 && visit.depth == kDeepest) return bad("nests too deep");
            for (std::size_t i = 0; i < children; ++i) {
                const auto key = dict != nullptr ? key_of(dict->entries[i].first)
                                                 : std::optional(std::to_string(i));
                if (!key || visit.name.size() + key->size() >= kLongestName) continue;
                open.push_back({dict != nullptr ? dict->entries[i].second : list->items[i],
                                visit.depth == 0 ? *key : visit.name + "." + *key,
                                visit.depth + 1});
            }
            if (children == 0) TITANS_TRY_VOID(collect(visit.value, visit.name));
        }
        return {};
    }

private:
    struct Visit {
        PickleRef value;
        std::string name;
        int depth;
    };

    /// A dictionary's key as a part of a name.
    std::optional<std::string> key_of(PickleRef ref) const {
        if (const auto* const text = pickle_.get_if<std::string_view>(ref))
            return std::string(text->substr(0, kLongestName));
        if (const auto* const number = pickle_.get_if<std::int64_t>(ref))
            return std::to_string(*number);
        return std::nullopt;
    }

    Result<void> collect(PickleRef value, const std::string& name) {
        if (const auto* const number = pickle_.get_if<std::int64_t>(value)) {
            out_.numbers.insert_or_assign(name, *number);
        } else if (const auto* const tensor = pickle_.get_if<PickledTensor>(value)) {
            return collect_tensor(*tensor, name);
        } else if (const auto* const opaque = pickle_.get_if<PickledOpaque>(value)) {
            return out_.tensors.add_unreadable(
                name, std::format("is made by {}, which is not read", name_of(opaque->of)));
        }
        return {};
    }

    Result<void> collect_tensor(const PickledTensor& tensor, const std::string& name) {
        const auto* const storage = pickle_.get_if<PickledStorage>(tensor.storage);
        if (storage == nullptr || !storage->dtype || !tensor.dtype)
            return out_.tensors.add_unreadable(name, "is of a type that is not read");
        TITANS_TRY(const Bytes bytes, storages_.find(*storage));
        TensorView view{.name = name, .dtype = *tensor.dtype, .shape = tensor.shape, .bytes = {}};
        const auto size = byte_count(tensor.shape, view.dtype);
        const auto reach = reach_of(tensor);
        const std::uint64_t element = size_of(view.dtype);
        if (!size || !reach || *reach > bytes.size() / element)
            return bad(std::format("tensor {}: lies outside its storage", name));
        const Bytes all = bytes.subspan(std::min<std::size_t>(tensor.offset, *reach) * element);
        if (is_row_major(tensor)) {
            view.bytes = all.first(*size);
        } else {
            // One that repeats its numbers may be far larger than the file.
            if (*size > copyable_)
                return bad(std::format("tensor {}: is larger than its storage", name));
            copyable_ -= *size;
            view.bytes = out_.buffers.emplace_back(in_order(tensor, all, *size));
        }
        return out_.tensors.add(std::move(view));
    }

    /// How many elements of the storage the tensor needs; none if that overflows.
    static std::optional<std::uint64_t> reach_of(const PickledTensor& tensor) {
        if (std::ranges::contains(tensor.shape, 0)) return 0;
        std::uint64_t reach = tensor.offset;
        for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
            std::uint64_t steps = 0;
            if (__builtin_mul_overflow(static_cast<std::uint64_t>(tensor.shape[axis] - 1),
                                       static_cast<std::uint64_t>(tensor.strides[axis]), &steps) ||
                __builtin_add_overflow(reach, steps, &reach)) {
                return std::nullopt;
            }
        }
        if (__builtin_add_overflow(reach, std::uint64_t{1}, &reach)) return std::nullopt;
        return reach;
    }

    /// Whether the elements lie one after the other. An axis of one may have any stride.
    static bool is_row_major(const PickledTensor& tensor) {
        if (std::ranges::contains(tensor.shape, 0)) return true;
        std::int64_t expected = 1;
        for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
            if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
            expected *= tensor.shape[axis];
        }
        return true;
    }

    /// The elements in row-major order; `size` bytes, not none.
    static std::vector<std::byte> in_order(const PickledTensor& tensor, Bytes bytes,
                                           std::uint64_t size) {
        const std::size_t element = size_of(*tensor.dtype);
        std::vector<std::byte> ordered(size);
        std::vector<std::int64_t> index(tensor.shape.size());
        std::size_t place = 0;  // in elements
        for (std::size_t to = 0; to < size; to += element) {
            std::memcpy(ordered.data() + to, bytes.data() + (place * element), element);
            for (std::size_t axis = index.size(); axis-- > 0;) {
                place += static_cast<std::size_t>(tensor.strides[axis]);
                if (++index[axis] < tensor.shape[axis]) break;
                place -= static_cast<std::size_t>(tensor.strides[axis] * tensor.shape[axis]);
                index[axis] = 0;
            }
        }
        return ordered;
    }

    const Pickle& pickle_;
    PytorchStorages storages_;
    std::uint64_t copyable_;  // how many bytes may still be copied
    PytorchFile& out_;
};

Result<Pickle> parse_some(Bytes bytes) {
    return parse_pickle(bytes.first(std::min(bytes.size(), kLongestPickle)));
}

/// FOLDER/data.pkl, and FOLDER/data/ with a file for each storage.
Result<PytorchFile> parse_archive(Bytes file) {
    TITANS_TRY(ZipArchive archive, ZipArchive::parse(file));
    std::string folder;
    for (const std::string_view name : archive.names()) {
        constexpr std::string_view kPickle = "/data.pkl";
        if (!name.ends_with(kPickle) || name.find('/') != name.size() - kPickle.size()) continue;
        if (!folder.empty()) return bad("its archive has two models");
        folder = name.substr(0, name.size() - kPickle.size() + 1);
    }
    if (folder.empty()) return bad("its archive has no data.pkl");
    PytorchFile read;
    if (archive.contains(folder + "byteorder")) {
        TITANS_TRY(const Bytes order, archive.read(folder + "byteorder", read.buffers));
        if (std::string_view(reinterpret_cast<const char*>(order.data()), order.size()) != "little")
            return fail(ErrorKind::Unsupported, "its numbers are not little-endian");
    }
    TITANS_TRY(const Bytes program, archive.read(folder + "data.pkl", read.buffers));
    TITANS_TRY(const Pickle pickle, parse_some(program));
    auto storages = PytorchStorages::of_archive(std::move(archive), folder, read.buffers);
    TITANS_TRY_VOID(Collector(pickle, std::move(storages), file.size(), read).run());
    return read;
}

/// Pickles of the magic number, the version, the writer's machine, the object and its storages'
/// keys; then the storages.
Result<PytorchFile> parse_pickles(Bytes file) {
    Bytes rest = file.subspan(kMagic.size());
    const auto next = [&] {
        auto pickle = parse_some(rest);
        if (pickle) rest = rest.subspan(pickle->length);
        return pickle;
    };
    TITANS_TRY(const Pickle version, next());
    const auto* const number = version.get_if<std::int64_t>(version.root);
    constexpr std::int64_t kVersion = 1001;
    if (number == nullptr || *number != kVersion)
        return fail(ErrorKind::Unsupported, "is of an unknown version of PyTorch's format");
    TITANS_TRY(const Pickle machine, next());
    const auto* const facts = machine.get_if<PickledDict>(machine.root);
    if (facts == nullptr) return bad("does not say what machine wrote it");
    for (const auto& [key, value] : facts->entries) {
        const auto* const word = machine.get_if<std::string_view>(key);
        const auto* const is_set = machine.get_if<bool>(value);
        if (word != nullptr && *word == "little_endian" && (is_set == nullptr || !*is_set))
            return fail(ErrorKind::Unsupported, "its numbers are not little-endian");
    }
    TITANS_TRY(const Pickle pickle, next());
    TITANS_TRY(const Pickle keys, next());
    TITANS_TRY(PytorchStorages storages, PytorchStorages::of_list(pickle, keys, rest));
    PytorchFile read;
    TITANS_TRY_VOID(Collector(pickle, std::move(storages), file.size(), read).run());
    return read;
}

}  // namespace

Result<PytorchFile> parse_pytorch(Bytes file) {
    const auto starts_with = [&](const void* bytes, std::size_t size) {
        return file.size() >= size && std::memcmp(file.data(), bytes, size) == 0;
    };
    if (starts_with("PK\3\4", 4)) return parse_archive(file);
    if (starts_with(kMagic.data(), kMagic.size())) return parse_pickles(file);
    return bad("is no PyTorch file");
}

}  // namespace titans::checkpoint
