#include "checkpoint/pickled_call.h"

#include <algorithm>
#include <array>

namespace titans::checkpoint {
namespace {

constexpr std::size_t kHighestRank = 8;

/// The type of the numbers of PyTorch's storage classes ("FloatStorage") and types ("float32").
std::optional<Dtype> find_dtype(const PickledGlobal& global) {
    struct Name {
        std::string_view storage;
        std::string_view type;
        Dtype dtype;
    };
    constexpr std::array kNames{Name{"DoubleStorage", "float64", Dtype::F64},
                                Name{"FloatStorage", "float32", Dtype::F32},
                                Name{"HalfStorage", "float16", Dtype::F16},
                                Name{"BFloat16Storage", "bfloat16", Dtype::BF16},
                                Name{"LongStorage", "int64", Dtype::I64},
                                Name{"IntStorage", "int32", Dtype::I32},
                                Name{"ShortStorage", "int16", Dtype::I16},
                                Name{"CharStorage", "int8", Dtype::I8},
                                Name{"ByteStorage", "uint8", Dtype::U8},
                                Name{"BoolStorage", "bool", Dtype::Bool},
                                Name{"UntypedStorage", "uint8", Dtype::U8}};
    if (global.module != "torch" && global.module != "torch.storage" &&
        global.module != "torch.cuda") {
        return std::nullopt;
    }
    const auto* const found = std::ranges::find_if(kNames, [&](const Name& name) {
        return name.storage == global.name || name.type == global.name;
    });
    if (found == kNames.end()) return std::nullopt;
    return found->dtype;
}

class Caller {
public:
    explicit Caller(const std::vector<PickleValue>& values) : values_(values) {}

    template <typename Value>
    const Value* get(PickleRef ref) const {
        return std::get_if<Value>(&values_[ref]);
    }

    /// torch._utils._rebuild_tensor, _v2 (storage, offset, size, stride, ...) or _v3 (the same with
    /// the dtype seventh).
    std::optional<PickledTensor> tensor(const PickledSequence& arguments, bool has_dtype) const {
        const auto& items = arguments.items;
        if (items.size() < (has_dtype ? 7U : 4U)) return std::nullopt;
        const auto* const storage = get<PickledStorage>(items[0]);
        const auto* const offset = get<std::int64_t>(items[1]);
        auto shape = sizes(items[2]);
        auto strides = sizes(items[3]);
        if (storage == nullptr || offset == nullptr || *offset < 0 || !shape || !strides ||
            shape->size() != strides->size()) {
            return std::nullopt;
        }
        PickledTensor tensor{.storage = items[0],
                             .dtype = storage->dtype,
                             .offset = static_cast<std::uint64_t>(*offset),
                             .shape = *std::move(shape),
                             .strides = *std::move(strides)};
        if (has_dtype) {
            const auto* const type = get<PickledGlobal>(items[6]);
            tensor.dtype = type != nullptr ? find_dtype(*type) : std::nullopt;
        }
        return tensor;
    }

private:
    std::optional<Shape> sizes(PickleRef ref) const {
        const auto* const list = get<PickledSequence>(ref);
        if (list == nullptr || list->items.size() > kHighestRank) return std::nullopt;
        Shape sizes;
        for (const PickleRef item : list->items) {
            const auto* const size = get<std::int64_t>(item);
            if (size == nullptr || *size < 0) return std::nullopt;
            sizes.push_back(*size);
        }
        return sizes;
    }

    const std::vector<PickleValue>& values_;
};

}  // namespace

PickleValue pickled_call(const std::vector<PickleValue>& values, PickleRef callable,
                         PickleRef arguments) {
    const Caller caller(values);
    const auto* const global = caller.get<PickledGlobal>(callable);
    if (global == nullptr) {
        const auto* const opaque = caller.get<PickledOpaque>(callable);
        return opaque != nullptr ? *opaque : PickledOpaque{{"", "a value"}};
    }
    const PickledOpaque opaque{*global};
    const auto* const list = caller.get<PickledSequence>(arguments);
    if (list == nullptr) return opaque;
    const auto is = [&](std::string_view module, std::string_view name) {
        return global->module == module && global->name == name;
    };
    if (is("torch._utils", "_rebuild_tensor_v2") || is("torch._utils", "_rebuild_tensor")) {
        if (auto tensor = caller.tensor(*list, false)) return *std::move(tensor);
    } else if (is("torch._utils", "_rebuild_tensor_v3")) {
        if (auto tensor = caller.tensor(*list, true)) return *std::move(tensor);
    } else if (is("torch._utils", "_rebuild_parameter") ||
               is("torch._utils", "_rebuild_parameter_with_state")) {
        if (list->items.empty()) return opaque;
        if (const auto* const tensor = caller.get<PickledTensor>(list->items[0])) return *tensor;
    } else if (is("collections", "OrderedDict")) {
        if (list->items.empty()) return PickledDict{};
    } else if (is("collections", "defaultdict")) {
        return PickledDict{};
    } else if (is("torch", "Size") && list->items.size() == 1) {
        const auto* const sizes = caller.get<PickledSequence>(list->items[0]);
        // Longer ones are no shape, and copying one again and again would take long.
        if (sizes != nullptr && sizes->items.size() <= kHighestRank) return *sizes;
    }
    return opaque;
}

/// ("storage", class, key, device, count), to which the older form adds what it is a view of, or
/// None.
PickleValue pickled_storage(const std::vector<PickleValue>& values, PickleRef id) {
    const Caller caller(values);
    const PickledOpaque opaque{{"", "a persistent id"}};
    const auto* const fields = caller.get<PickledSequence>(id);
    if (fields == nullptr || fields->items.size() < 5 || fields->items.size() > 6) return opaque;
    const auto* const word = caller.get<std::string_view>(fields->items[0]);
    const auto* const kind = caller.get<PickledGlobal>(fields->items[1]);
    const auto* const key = caller.get<std::string_view>(fields->items[2]);
    const auto* const count = caller.get<std::int64_t>(fields->items[4]);
    const bool is_view =
        fields->items.size() == 6 && caller.get<std::monostate>(fields->items[5]) == nullptr;
    if (word == nullptr || *word != "storage" || kind == nullptr || key == nullptr ||
        count == nullptr || *count < 0 || is_view) {
        return opaque;
    }
    return PickledStorage{
        .key = *key, .dtype = find_dtype(*kind), .count = static_cast<std::uint64_t>(*count)};
}

}  // namespace titans::checkpoint
