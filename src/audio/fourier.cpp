#include "audio/fourier.h"

extern "C" {
#include <libavutil/tx.h>
}

#include <cassert>

namespace titans::audio {

void RealFourier::Free::operator()(AVTXContext* context) const noexcept { av_tx_uninit(&context); }

Result<RealFourier> RealFourier::make(int size) {
    assert(size > 0 && size % 2 == 0);
    RealFourier made;
    made.size_ = size;
    AVTXContext* context = nullptr;
    const float scale = 1;
    const int done = av_tx_init(&context, &made.function_, AV_TX_FLOAT_RDFT, /*inv=*/0, size,
                                &scale, AV_TX_UNALIGNED);
    if (done < 0) return fail(ErrorKind::Internal, "there is no Fourier transform of this size");
    made.context_.reset(context);
    return made;
}

void RealFourier::transform(std::span<const float> samples,
                            std::span<std::complex<float>> bins) const {
    assert(std::ssize(samples) == size_ && std::ssize(bins) == size_ / 2 + 1);
    // The samples are only read.
    function_(context_.get(), bins.data(), const_cast<float*>(samples.data()), sizeof(float));
}

}  // namespace titans::audio
