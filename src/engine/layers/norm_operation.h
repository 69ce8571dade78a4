#pragma once

#include "engine/layers/operation.h"
#include "engine/layers/weights.h"

namespace titans::engine {

/// Each row to mean 0 and variance 1, scaled, shifted, activated. Source: x, [rows, width].
class RowNorm : public Operation {
public:
    RowNorm(const Norm& layer, Activation activation) : layer_(layer), activation_(activation) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;

private:
    Norm layer_;
    Activation activation_;
};

/// The same of each column.
class ColumnNorm : public Operation {
public:
    ColumnNorm(const Norm& layer, Activation activation) : layer_(layer), activation_(activation) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;

private:
    Norm layer_;
    Activation activation_;
};

/// Source: x, [rows, width].
class ActivateOperation : public Operation {
public:
    explicit ActivateOperation(Activation activation) : activation_(activation) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;

private:
    Activation activation_;
};

}  // namespace titans::engine
