#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>

#include "foundation/error.h"

struct AVTXContext;

namespace titans::audio {

/// What does a Fourier transform of real samples, one way.
class RealTransform {
public:
    int size() const { return size_; }

protected:
    /// `size`: even, best without prime factors above 5. Errors: Internal.
    static Result<RealTransform> open(int size, bool inverse);
    void run(const void* from, void* to, std::size_t step) const;

private:
    struct Free {
        void operator()(AVTXContext* context) const noexcept;
    };

    RealTransform() = default;

    int size_ = 0;
    std::unique_ptr<AVTXContext, Free> context_;
    void (*function_)(AVTXContext*, void* out, void* in, std::ptrdiff_t stride) = nullptr;
};

/// The Fourier transform of real samples. Not thread-safe.
class RealFourier : public RealTransform {
public:
    /// `size`: even, best without prime factors above 5. Errors: Internal.
    static Result<RealFourier> make(int size);

    /// samples: [size], 64-byte aligned for the full speed. bins: [size / 2 + 1].
    void transform(std::span<const float> samples, std::span<std::complex<float>> bins) const;

private:
    explicit RealFourier(RealTransform transform) : RealTransform(std::move(transform)) {}
};

/// The way back: what RealFourier makes `bins` of. Not thread-safe.
class InverseRealFourier : public RealTransform {
public:
    /// As RealFourier::make().
    static Result<InverseRealFourier> make(int size);

    /// bins: [size / 2 + 1], lost thereby; of the first and the last only the real part counts.
    /// samples: [size]. Both 64-byte aligned for the full speed.
    void transform(std::span<std::complex<float>> bins, std::span<float> samples) const;

private:
    explicit InverseRealFourier(RealTransform transform) : RealTransform(std::move(transform)) {}
};

}  // namespace titans::audio
