#include "checkpoint/pytorch_storages.h"

#include <cstring>
#include <format>
#include <set>

namespace titans::checkpoint {
namespace {

std::unexpected<Error> bad(std::string_view why) {
    return fail(ErrorKind::InvalidInput, std::format("its storage {}", why));
}

}  // namespace

PytorchStorages PytorchStorages::of_archive(ZipArchive archive, std::string folder,
                                            std::vector<std::vector<std::byte>>& buffers) {
    PytorchStorages storages;
    storages.archive_ = std::move(archive);
    storages.folder_ = std::move(folder);
    storages.buffers_ = &buffers;
    return storages;
}

Result<PytorchStorages> PytorchStorages::of_list(const Pickle& pickle, const Pickle& keys,
                                                 std::span<const std::byte> bytes) {
    std::map<std::string_view, std::uint64_t> sizes;  // of an element
    for (const PickleValue& value : pickle.values) {
        const auto* const storage = std::get_if<PickledStorage>(&value);
        if (storage == nullptr || !storage->dtype) continue;
        const std::uint64_t size = size_of(*storage->dtype);
        if (sizes.try_emplace(storage->key, size).first->second != size)
            return bad("is of two types");
    }
    const auto* const list = keys.get_if<PickledSequence>(keys.root);
    if (list == nullptr) return bad("list is none");
    PytorchStorages storages;
    for (const PickleRef item : list->items) {
        const auto* const key = keys.get_if<std::string_view>(item);
        const auto size = key != nullptr ? sizes.find(*key) : sizes.end();
        // How long one of another type is nobody can tell, so neither where the next begins.
        if (size == sizes.end()) return bad("list has one of an unknown type");
        std::uint64_t count = 0;
        if (bytes.size() < sizeof count) return bad("is cut off");
        std::memcpy(&count, bytes.data(), sizeof count);
        bytes = bytes.subspan(sizeof count);
        if (count > bytes.size() / size->second) return bad("is cut off");
        const auto taken = bytes.first(count * size->second);
        bytes = bytes.subspan(taken.size());
        if (!storages.found_.try_emplace(std::string(*key), taken).second)
            return bad("list has one twice");
    }
    if (!bytes.empty()) return bad("list is shorter than the file");
    return storages;
}

Result<std::span<const std::byte>> PytorchStorages::find(const PickledStorage& storage) {
    auto found = found_.find(storage.key);
    if (found == found_.end()) {
        if (!archive_) return bad("is missing");
        const std::string name = std::format("{}data/{}", folder_, storage.key);
        TITANS_TRY(const auto bytes, archive_->read(name, *buffers_));
        found = found_.emplace(std::string(storage.key), bytes).first;
    }
    const std::uint64_t size = storage.dtype ? size_of(*storage.dtype) : 0;
    if (size == 0 || storage.count != found->second.size() / size ||
        found->second.size() % size != 0) {
        return bad(std::format("{} has another size than it says", storage.key));
    }
    return found->second;
}

}  // namespace titans::checkpoint
