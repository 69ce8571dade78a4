#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>

#include "foundation/error.h"

struct AVTXContext;

namespace titans::audio {

/// The Fourier transform of real samples. Not thread-safe.
class RealFourier {
public:
    /// `size`: even, best without prime factors above 5. Errors: Internal.
    static Result<RealFourier> make(int size);

    int size() const { return size_; }
    /// samples: [size], 64-byte aligned for the full speed. bins: [size / 2 + 1].
    void transform(std::span<const float> samples, std::span<std::complex<float>> bins) const;

private:
    struct Free {
        void operator()(AVTXContext* context) const noexcept;
    };

    RealFourier() = default;

    int size_ = 0;
    std::unique_ptr<AVTXContext, Free> context_;
    void (*function_)(AVTXContext*, void* out, void* in, std::ptrdiff_t stride) = nullptr;
};

}  // namespace titans::audio
