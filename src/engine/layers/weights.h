#pragma once

#include <ggml-cpp.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/device.h"
#include "engine/layers/packed_matrix.h"
#include "engine/layers/precision.h"
#include "foundation/error.h"

namespace titans::engine {

/// Parameters of one layer each. They are handles: the Weights that made them own the numbers.

/// y = x W^T + b
struct Linear {
    std::int64_t in = 0;
    std::int64_t out = 0;
    ggml_tensor* weight = nullptr;         // [out, in]; where ggml computes
    const PackedMatrix* packed = nullptr;  // where we do
    ggml_tensor* bias = nullptr;           // [out], or none
};

struct Conv1dShape {
    std::int64_t in = 0;
    std::int64_t out = 0;
    int kernel = 1;
    int stride = 1;
    int dilation = 1;
    int groups = 1;
    int pad_left = 0;  // zeros
    int pad_right = 0;
};

struct Conv1d {
    Conv1dShape shape;
    ggml_tensor* weight = nullptr;            // [out, in / groups, kernel]; where ggml computes
    std::vector<const PackedMatrix*> packed;  // where we do: one a group
    ggml_tensor* bias = nullptr;              // [out], or none
};

struct Norm {
    ggml_tensor* scale = nullptr;  // [width]
    ggml_tensor* shift = nullptr;  // [width]
    float epsilon = 0;
};

struct Embedding {
    ggml_tensor* table = nullptr;  // [rows, width], F32 or as in the file
};

enum class Bias : std::uint8_t { No, Yes };

/// How often parameters are used: hardly ever, they are read where they lie in the file, if that
/// can be, and leave the memory with their Weights.
enum class Use : std::uint8_t { Often, Seldom };

/// The parameters of a network, on a Device, in a Precision.
///
/// Make every layer, then finish(); the handles may go into graphs after that. Immutable from then
/// on and shared by any number of sessions. Errors of what makes a layer: Unsupported, naming the
/// tensor, if the file has none of that shape.
class Weights {
public:
    /// `file` stays mapped as long as the Weights live.
    Weights(std::shared_ptr<const GgufFile> file, Device& device, Precision precision,
            Use use = Use::Often);
    Weights(const Weights&) = delete;
    Weights& operator=(const Weights&) = delete;
    ~Weights();

    /// The layer of the tensors `name`.weight, [out, in], and `name`.bias, [out].
    Result<Linear> linear(const std::string& name, std::int64_t in, std::int64_t out,
                          Bias bias = Bias::Yes);

    /// Several of them with the same input as one, their outputs side by side; `outs` are the
    /// widths. Where one lacks a bias (Bias::No in `biases`), zeros stand for it.
    Result<Linear> joined_linear(std::initializer_list<std::string> names, std::int64_t in,
                                 std::int64_t out_of_each, std::initializer_list<Bias> biases);

    /// The part of the layer `name` that is for `count` of its `in` inputs, from `first` on. Never
    /// in bytes: such parts are small.
    Result<Linear> linear_columns(const std::string& name, std::int64_t in, std::int64_t first,
                                  std::int64_t count, std::int64_t out, Bias bias);

    /// A Linear over the rows of the table `name` ([rows, width]), for logits of tied embeddings.
    Result<Linear> tied_linear(const std::string& name, std::int64_t in, std::int64_t out);

    Result<Conv1d> conv1d(const std::string& name, const Conv1dShape& shape, Bias bias);
    /// Of `name`.weight and `name`.bias, [width] each.
    Result<Norm> norm(const std::string& name, std::int64_t width, float epsilon);
    /// Of the tensor `name` itself.
    Result<Embedding> embedding(const std::string& name, std::int64_t rows, std::int64_t width);
    /// The tensor `name` itself, as F32.
    Result<ggml_tensor*> tensor(const std::string& name, std::initializer_list<std::int64_t> shape);

    /// Brings all of it to the device. Errors: Internal if there is no memory.
    Result<void> finish();

    Device& device() const { return device_; }
    Precision precision() const { return precision_; }
    const GgufFile& file() const { return *file_; }
    /// Memory of its own, beside the mapped file.
    std::size_t bytes() const;

private:
    struct Pending;
    struct Storage;

    Precision not_in_bytes() const;
    void take(Linear& layer, std::vector<PackedMatrix::Source> sources, Precision precision);

    std::shared_ptr<const GgufFile> file_;
    Device& device_;
    Precision precision_;
    Use use_;
    std::unique_ptr<Storage> storage_;
};

}  // namespace titans::engine
