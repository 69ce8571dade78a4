#include "audio/fourier.h"

extern "C" {
#include <libavutil/tx.h>
}

#include <cassert>

namespace titans::audio {

void RealTransform::Free::operator()(AVTXContext* context) const noexcept {
    av_tx_uninit(&context);
}

Result<RealTransform> RealTransform::open(int size, bool inverse) {
    assert(size > 0 && size % 2 == 0);
    RealTransform made;
    made.size_ = size;
    AVTXContext* context = nullptr;
    const float scale = inverse ? 1.0F / static_cast<float>(size) : 1;
    const int done = av_tx_init(&context, &made.function_, AV_TX_FLOAT_RDFT, inverse ? 1 : 0, size,
                                &scale, AV_TX_UNALIGNED);
    if (done < 0) return fail(ErrorKind::Internal, "there is no Fourier transform of this size");
    made.context_.reset(context);
    return made;
}

void RealTransform::run(const void* from, void* to, std::size_t step) const {
    // Only the inverse writes there, and was given what it may write.
    function_(context_.get(), to, const_cast<void*>(from), static_cast<std::ptrdiff_t>(step));
}

Result<RealFourier> RealFourier::make(int size) {
    TITANS_TRY(RealTransform transform, open(size, /*inverse=*/false));
    return RealFourier(std::move(transform));
}

void RealFourier::transform(std::span<const float> samples,
                            std::span<std::complex<float>> bins) const {
    assert(std::ssize(samples) == size() && std::ssize(bins) == size() / 2 + 1);
    run(samples.data(), bins.data(), sizeof(float));
}

Result<InverseRealFourier> InverseRealFourier::make(int size) {
    TITANS_TRY(RealTransform transform, open(size, /*inverse=*/true));
    return InverseRealFourier(std::move(transform));
}

void InverseRealFourier::transform(std::span<std::complex<float>> bins,
                                   std::span<float> samples) const {
    assert(std::ssize(samples) == size() && std::ssize(bins) == size() / 2 + 1);
    run(bins.data(), samples.data(), sizeof(std::complex<float>));
}

}  // namespace titans::audio
