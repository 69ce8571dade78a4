#include "engine/layers/weights.h"

#include <ggml.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <format>
#include <thread>

#include "engine/layers/packed_matrix.h"

namespace titans::engine {
namespace {

constexpr std::size_t kMostTensors = 8192;
constexpr std::size_t kAlignment = 32;  // of ggml's processor buffers
/// As much as this costs more to copy into fresh memory than a copy in the kernels' order gains.
constexpr std::size_t kWorthNoCopy = 512U << 20U;

ggml_type ggml_type_of(GgufFile::Type type) {
    switch (type) {
        case GgufFile::Type::F16:
            return GGML_TYPE_F16;
        case GgufFile::Type::Bf16:
            return GGML_TYPE_BF16;
        default:
            return GGML_TYPE_F32;
    }
}

PackedMatrix::Source source_of(const GgufFile::Tensor& tensor) {
    return {.type = tensor.type, .bytes = tensor.bytes};
}

/// Of the pages that are wholly the tensor's.
void advise(std::span<const std::byte> bytes, int advice) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto first = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
    if (first < end) madvise(reinterpret_cast<void*>(first), end - first, advice);
}

/// Takes the file's pages out of this process's memory; the file's cache still has them.
void forget(std::span<const std::byte> bytes) { advise(bytes, MADV_DONTNEED); }

/// Takes them into it, so that the first to compute need not wait for the disk.
void bring(std::span<const std::byte> bytes) {
#ifdef MADV_POPULATE_READ
    advise(bytes, MADV_POPULATE_READ);
#else
    advise(bytes, MADV_WILLNEED);
#endif
}

Result<void> check_type(const GgufFile::Tensor& tensor, const std::string& name) {
    if (tensor.type != GgufFile::Type::Other) return {};
    return fail(
        ErrorKind::Unsupported,
        std::format("the model file has the tensor {} of a type that is not supported", name));
}

std::vector<float> to_f32(const GgufFile::Tensor& tensor) {
    std::size_t count = 1;
    for (const std::int64_t axis : tensor.shape) count *= static_cast<std::size_t>(axis);
    std::vector<float> values(count);
    const auto length = static_cast<std::int64_t>(count);
    switch (tensor.type) {
        case GgufFile::Type::F16:
            ggml_fp16_to_fp32_row(reinterpret_cast<const ggml_fp16_t*>(tensor.bytes.data()),
                                  values.data(), length);
            break;
        case GgufFile::Type::Bf16:
            ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t*>(tensor.bytes.data()),
                                  values.data(), length);
            break;
        default:
            std::memcpy(values.data(), tensor.bytes.data(), count * sizeof(float));
    }
    return values;
}

}  // namespace

/// A tensor that waits for its memory, and where its bytes come from.
struct Weights::Pending {
    ggml_tensor* tensor;
    std::vector<std::span<const std::byte>> parts;  // of the file
    std::vector<float> values;                      // or made
};

struct Weights::Storage {
    ggml_context_ptr placed;    // tensors that lie in the file's mapping
    ggml_context_ptr uploaded;  // tensors in `buffer`
    std::vector<ggml_backend_buffer_ptr> mappings;
    ggml_backend_buffer_ptr buffer;
    std::vector<Pending> pending;
    std::vector<std::unique_ptr<PackedMatrix>> matrices;
    AlignedMemory packed;

    const PackedMatrix* pack(const PackedMatrix::Shape& shape,
                             std::vector<PackedMatrix::Source> sources) {
        matrices.push_back(std::make_unique<PackedMatrix>(shape, std::move(sources)));
        return matrices.back().get();
    }

    ggml_tensor* upload(ggml_type type, std::initializer_list<std::int64_t> shape,
                        std::vector<std::span<const std::byte>> parts, std::vector<float> values) {
        ggml_tensor* tensor = make(uploaded.get(), type, shape);
        pending.push_back({tensor, std::move(parts), std::move(values)});
        return tensor;
    }

    /// `shape` slowest axis first.
    static ggml_tensor* make(ggml_context* context, ggml_type type,
                             std::initializer_list<std::int64_t> shape) {
        std::vector<std::int64_t> axes(shape);
        std::ranges::reverse(axes);
        return ggml_new_tensor(context, type, static_cast<int>(axes.size()), axes.data());
    }

    /// The tensor in place where the device reads the file's mapping, else to be uploaded.
    ggml_tensor* take(const Device& device, GgufFile::Type type, std::span<const std::byte> bytes,
                      std::initializer_list<std::int64_t> shape) {
        const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0;
        if (device.is_gpu() || !aligned) return upload(ggml_type_of(type), shape, {bytes}, {});
        auto* mapped = const_cast<std::byte*>(bytes.data());  // weights are only read
        mappings.emplace_back(ggml_backend_cpu_buffer_from_ptr(mapped, bytes.size()));
        ggml_tensor* made = make(placed.get(), ggml_type_of(type), shape);
        ggml_backend_tensor_alloc(mappings.back().get(), made, mapped);
        return made;
    }

    /// A large network of F32 is read where it lies in the file, if its matrices allow it.
    void spare_copies(Use use) {
        std::size_t bytes = 0;
        for (const auto& matrix : matrices)
            if (matrix->precision() == Precision::F32) bytes += matrix->bytes();
        if (use == Use::Often && bytes < kWorthNoCopy) return;
        for (const auto& matrix : matrices) matrix->read_in_place();
    }

    void leave_file() const {
        for (const auto& matrix : matrices)
            for (const PackedMatrix::Source& source : matrix->sources()) forget(source.bytes);
    }

    /// Lays out the matrices on several threads, and leaves the file's pages as they are done.
    void pack_all(int threads) {
        struct Work {
            PackedMatrix* matrix;
            std::int64_t panel;
            std::atomic<std::int64_t>* left;  // panels of the matrix
        };
        std::size_t bytes = 0;
        for (const auto& matrix : matrices) bytes += matrix->bytes();
        packed = AlignedMemory(bytes);
        std::byte* to = packed.get();
        std::vector<Work> work;
        std::vector<std::atomic<std::int64_t>> left(matrices.size());
        for (std::size_t i = 0; i < matrices.size(); ++i) {
            PackedMatrix& matrix = *matrices[i];
            left[i] = matrix.panels();
            if (!matrix.in_place()) matrix.place(to);
            to += matrix.bytes();
            for (std::int64_t panel = 0; panel < matrix.panels(); ++panel)
                work.push_back({&matrix, panel, &left[i]});
        }
        std::atomic<std::size_t> next = 0;
        const auto pack_some = [&] {
            for (std::size_t i = next++; i < work.size(); i = next++) {
                const auto [matrix, panel, of_matrix] = work[i];
                if (!matrix->in_place()) matrix->pack(panel);
                if (--*of_matrix > 0) continue;
                for (const PackedMatrix::Source& source : matrix->sources())
                    matrix->in_place() ? bring(source.bytes) : forget(source.bytes);
            }
        };
        std::vector<std::jthread> others;
        for (int i = 1; i < threads; ++i) others.emplace_back(pack_some);
        pack_some();
    }
};

Weights::Weights(std::shared_ptr<const GgufFile> file, Device& device, Precision precision, Use use)
    : file_(std::move(file)),
      device_(device),
      precision_(precision),
      use_(use),
      storage_(std::make_unique<Storage>()) {
    const ggml_init_params room{
        .mem_size = ggml_tensor_overhead() * kMostTensors, .mem_buffer = nullptr, .no_alloc = true};
    storage_->placed.reset(ggml_init(room));
    storage_->uploaded.reset(ggml_init(room));
}

Weights::~Weights() {
    if (use_ == Use::Seldom) storage_->leave_file();
}

Precision Weights::not_in_bytes() const {
    return precision_ == Precision::Int8 ? native_precision() : computed_precision(precision_);
}

void Weights::take(Linear& layer, std::vector<PackedMatrix::Source> sources, Precision precision) {
    if (device_.arithmetic() == Device::Arithmetic::Ours) {
        layer.packed = storage_->pack({.out = layer.out, .in = layer.in, .precision = precision},
                                      std::move(sources));
        return;
    }
    if (sources.size() == 1) {
        layer.weight =
            storage_->take(device_, sources[0].type, sources[0].bytes, {layer.out, layer.in});
        return;
    }
    std::vector<std::span<const std::byte>> parts;
    for (const PackedMatrix::Source& source : sources) parts.push_back(source.bytes);
    layer.weight = storage_->upload(ggml_type_of(sources[0].type), {layer.out, layer.in},
                                    std::move(parts), {});
}

Result<Linear> Weights::linear(const std::string& name, std::int64_t in, std::int64_t out,
                               Bias bias) {
    Linear layer{.in = in, .out = out};
    const std::string weight = name + ".weight";
    TITANS_TRY(const GgufFile::Tensor tensor, file_->find(weight, {out, in}));
    TITANS_TRY_VOID(check_type(tensor, weight));
    take(layer, {source_of(tensor)}, computed_precision(precision_));
    if (bias == Bias::Yes) {
        TITANS_TRY(layer.bias, this->tensor(name + ".bias", {out}));
    }
    return layer;
}

Result<Linear> Weights::joined_linear(std::initializer_list<std::string> names, std::int64_t in,
                                      std::int64_t out_of_each,
                                      std::initializer_list<Bias> biases) {
    const auto out = out_of_each * static_cast<std::int64_t>(names.size());
    Linear layer{.in = in, .out = out};
    std::vector<PackedMatrix::Source> parts;
    std::vector<float> bias;
    std::optional<GgufFile::Type> type;
    const Bias* has_bias = biases.begin();
    for (const std::string& name : names) {
        const std::string weight = name + ".weight";
        TITANS_TRY(const GgufFile::Tensor tensor, file_->find(weight, {out_of_each, in}));
        TITANS_TRY_VOID(check_type(tensor, weight));
        if (type.value_or(tensor.type) != tensor.type) {
            return fail(ErrorKind::Unsupported,
                        std::format("the model file has the tensor {} of another type than the "
                                    "ones beside it",
                                    weight));
        }
        type = tensor.type;
        parts.push_back(source_of(tensor));
        if (*has_bias++ == Bias::Yes) {
            TITANS_TRY(const GgufFile::Tensor own, file_->find(name + ".bias", {out_of_each}));
            TITANS_TRY_VOID(check_type(own, name + ".bias"));
            const std::vector<float> values = to_f32(own);
            bias.insert(bias.end(), values.begin(), values.end());
        } else {
            bias.resize(bias.size() + static_cast<std::size_t>(out_of_each));
        }
    }
    take(layer, std::move(parts), computed_precision(precision_));
    layer.bias = storage_->upload(GGML_TYPE_F32, {out}, {}, std::move(bias));
    return layer;
}

Result<Linear> Weights::linear_columns(const std::string& name, std::int64_t in, std::int64_t first,
                                       std::int64_t count, std::int64_t out, Bias bias) {
    Linear layer{.in = count, .out = out};
    const std::string weight = name + ".weight";
    TITANS_TRY(const GgufFile::Tensor tensor, file_->find(weight, {out, in}));
    TITANS_TRY_VOID(check_type(tensor, weight));
    const std::size_t number = tensor.bytes.size() / static_cast<std::size_t>(out * in);
    const auto from = tensor.bytes.subspan(static_cast<std::size_t>(first) * number);
    const auto row = static_cast<std::size_t>(in);
    if (device_.arithmetic() == Device::Arithmetic::Ours) {
        layer.packed = storage_->pack({.out = out, .in = count, .precision = not_in_bytes()},
                                      {{.type = tensor.type, .bytes = from, .row = row}});
    } else {
        std::vector<std::span<const std::byte>> rows;
        for (std::size_t i = 0; i < static_cast<std::size_t>(out); ++i)
            rows.push_back(
                from.subspan(i * row * number, static_cast<std::size_t>(count) * number));
        layer.weight =
            storage_->upload(ggml_type_of(tensor.type), {out, count}, std::move(rows), {});
    }
    if (bias == Bias::Yes) {
        TITANS_TRY(layer.bias, this->tensor(name + ".bias", {out}));
    }
    return layer;
}

Result<Linear> Weights::tied_linear(const std::string& name, std::int64_t in, std::int64_t out) {
    Linear layer{.in = in, .out = out};
    TITANS_TRY(const GgufFile::Tensor tensor, file_->find(name, {out, in}));
    TITANS_TRY_VOID(check_type(tensor, name));
    // The answer hangs on the smallest differences here.
    take(layer, {source_of(tensor)}, not_in_bytes());
    return layer;
}

Result<Conv1d> Weights::conv1d(const std::string& name, const Conv1dShape& shape, Bias bias) {
    Conv1d layer{.shape = shape};
    const std::string weight = name + ".weight";
    const std::int64_t in = shape.in / shape.groups;
    TITANS_TRY(const GgufFile::Tensor found, file_->find(weight, {shape.out, in, shape.kernel}));
    TITANS_TRY_VOID(check_type(found, weight));
    if (device_.arithmetic() == Device::Arithmetic::Ggml) {
        TITANS_TRY(layer.weight, tensor(weight, {shape.out, in, shape.kernel}));
    } else if (shape.groups > 1 && shape.groups == shape.in && shape.groups == shape.out) {
        // [channels, kernel] to [kernel, channels]
        const std::vector<float> values = to_f32(found);
        std::vector<float> turned;
        for (std::int64_t tap = 0; tap < shape.kernel; ++tap)
            for (std::int64_t channel = 0; channel < shape.out; ++channel)
                turned.push_back(values[static_cast<std::size_t>(channel * shape.kernel + tap)]);
        layer.weight =
            storage_->upload(GGML_TYPE_F32, {shape.kernel, shape.out}, {}, std::move(turned));
    } else {
        // Of one channel there is little to multiply: no reason to round the samples of a sound.
        const Precision precision =
            shape.in == 1 || precision_ == Precision::F32 ? Precision::F32 : native_precision();
        const std::size_t bytes = found.bytes.size() / static_cast<std::size_t>(shape.groups);
        for (int group = 0; group < shape.groups; ++group) {
            const auto part = found.bytes.subspan(static_cast<std::size_t>(group) * bytes, bytes);
            layer.packed.push_back(
                storage_->pack({.out = shape.out / shape.groups,
                                .in = in,
                                .taps = shape.kernel,
                                .joined_taps = shape.groups == 1 && shape.dilation == 1,
                                .precision = precision},
                               {{.type = found.type, .bytes = part}}));
        }
    }
    if (bias == Bias::Yes) {
        TITANS_TRY(layer.bias, tensor(name + ".bias", {shape.out}));
    }
    return layer;
}

Result<Norm> Weights::norm(const std::string& name, std::int64_t width, float epsilon) {
    Norm layer{.epsilon = epsilon};
    TITANS_TRY(layer.scale, tensor(name + ".weight", {width}));
    TITANS_TRY(layer.shift, tensor(name + ".bias", {width}));
    return layer;
}

Result<Embedding> Weights::embedding(const std::string& name, std::int64_t rows,
                                     std::int64_t width) {
    TITANS_TRY(const GgufFile::Tensor tensor, file_->find(name, {rows, width}));
    TITANS_TRY_VOID(check_type(tensor, name));
    return Embedding{.table = storage_->take(device_, tensor.type, tensor.bytes, {rows, width})};
}

Result<ggml_tensor*> Weights::tensor(const std::string& name,
                                     std::initializer_list<std::int64_t> shape) {
    TITANS_TRY(const GgufFile::Tensor found, file_->find(name, shape));
    TITANS_TRY_VOID(check_type(found, name));
    if (found.type == GgufFile::Type::F32)
        return storage_->take(device_, found.type, found.bytes, shape);
    return storage_->upload(GGML_TYPE_F32, shape, {}, to_f32(found));
}

Result<void> Weights::finish() {
    if (!storage_->matrices.empty()) {
        storage_->spare_copies(use_);
        storage_->pack_all(device_.threads());
    }
    if (storage_->pending.empty()) return {};
    storage_->buffer.reset(
        ggml_backend_alloc_ctx_tensors(storage_->uploaded.get(), device_.backend()));
    if (!storage_->buffer) {
        return fail(ErrorKind::Internal, "there is not enough memory for the model");
    }
    for (const Pending& pending : storage_->pending) {
        std::size_t offset = 0;
        for (const auto part : pending.parts) {
            ggml_backend_tensor_set(pending.tensor, part.data(), offset, part.size());
            offset += part.size();
        }
        if (!pending.values.empty()) {
            ggml_backend_tensor_set(pending.tensor, pending.values.data(), 0,
                                    pending.values.size() * sizeof(float));
        }
    }
    storage_->pending.clear();
    return {};
}

std::size_t Weights::bytes() const {
    return storage_->packed.size() +
           (storage_->buffer ? ggml_backend_buffer_get_size(storage_->buffer.get()) : 0);
}

}  // namespace titans::engine
