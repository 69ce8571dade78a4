#pragma once

#include "engine/layers/operation.h"
#include "engine/layers/weights.h"
#include "engine/layers/workspace.h"

namespace titans::engine {

/// Each row to mean 0 and variance 1, scaled, shifted, activated. Source: x, [rows, width].
class RowNorm : public Operation {
public:
    RowNorm(const Norm& layer, Activation activation) : layer_(layer), activation_(activation) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "norm"; }

private:
    Norm layer_;
    Activation activation_;
};

/// The same of each column.
class ColumnNorm : public Operation {
public:
    ColumnNorm(const Norm& layer, Activation activation) : layer_(layer), activation_(activation) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "norm over time"; }

private:
    Norm layer_;
    Activation activation_;
};

/// Each row to mean 0 and variance 1, times 1 + scale, plus shift. Sources: x, [rows, width]; scale
/// and shift, [1, width].
class ModulatedNorm : public Operation {
public:
    explicit ModulatedNorm(float epsilon) : epsilon_(epsilon) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "norm"; }

private:
    float epsilon_;
};

/// The root of the sum of squares of each column of each sequence: [sequences, width]. Source: x,
/// [sequences x time, width].
class ColumnLengths : public Operation {
public:
    explicit ColumnLengths(std::int64_t sequences) : sequences_(sequences) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "norm of responses"; }

private:
    std::int64_t sequences_;
};

/// x * (1 + scale * lengths / (their mean + epsilon)) + shift. Sources: x, [sequences x time,
/// width], and its ColumnLengths.
class ResponseNorm : public Operation {
public:
    ResponseNorm(Workspace& workspace, const Norm& layer, const ggml_tensor* x,
                 std::int64_t sequences);
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "norm of responses"; }

private:
    const Workspace& workspace_;
    Norm layer_;
    std::int64_t sequences_;
};

/// Each row times a number. Sources: x, [rows, width]; the numbers, [rows, 1].
class ScaleRows : public Operation {
public:
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "masking"; }
};

/// Source: x, [rows, width].
class ActivateOperation : public Operation {
public:
    explicit ActivateOperation(Activation activation) : activation_(activation) {}
    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "activation"; }

private:
    Activation activation_;
};

}  // namespace titans::engine
