#include "audio/mono_resampler.h"

extern "C" {
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

namespace titans::audio {
namespace {

enum class Engine : std::uint8_t { Soxr, FFmpeg };

/// Nothing if `engine` cannot do it. A context that failed is not tried again: libswresample
/// confuses its engines then.
SwrHandle make_context(Engine engine, const AVChannelLayout& layout, AVSampleFormat format,
                       SampleRate from, SampleRate to) {
    const AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    SwrContext* raw = nullptr;
    const int status = swr_alloc_set_opts2(&raw, &mono, AV_SAMPLE_FMT_FLT, to.hz, &layout, format,
                                           from.hz, 0, nullptr);
    SwrHandle context(raw);
    if (status < 0) return nullptr;
    av_opt_set_double(raw, "rematrix_maxval", 1.0, 0);
    switch (engine) {
        case Engine::Soxr:
            av_opt_set_int(raw, "resampler", SWR_ENGINE_SOXR, 0);
            av_opt_set_double(raw, "precision", 28, 0);
            break;
        case Engine::FFmpeg:
            // Long enough for soxr's stop band.
            av_opt_set_int(raw, "filter_size", 128, 0);
            av_opt_set_int(raw, "filter_type", SWR_FILTER_TYPE_KAISER, 0);
            av_opt_set_double(raw, "kaiser_beta", 12, 0);
            av_opt_set_double(raw, "cutoff", 0.93, 0);
            av_opt_set_int(raw, "exact_rational", 1, 0);
            break;
    }
    return swr_init(raw) < 0 ? nullptr : std::move(context);
}

}  // namespace

void SwrDeleter::operator()(SwrContext* context) const noexcept { swr_free(&context); }

Result<MonoResampler> MonoResampler::open(const AVChannelLayout& layout, AVSampleFormat format,
                                          SampleRate from, SampleRate to) {
    for (const Engine engine : {Engine::Soxr, Engine::FFmpeg}) {
        if (SwrHandle context = make_context(engine, layout, format, from, to)) {
            return MonoResampler(std::move(context), from, to);
        }
    }
    return fail(ErrorKind::Internal, "the recording cannot be resampled",
                std::format("libswresample refuses {} to {} Hz", from.hz, to.hz));
}

Result<void> MonoResampler::push(const std::uint8_t* const* planes, int frames,
                                 std::vector<float>& output) {
    taken_ += frames;
    // What finds no room stays inside libswresample for the next call.
    const std::int64_t room = std::int64_t{frames} * to_.hz / from_.hz + 4096;
    const std::size_t before = output.size();
    output.resize(before + static_cast<std::size_t>(room));
    auto* out = reinterpret_cast<std::uint8_t*>(output.data() + before);
    const int made = swr_convert(context_.get(), &out, static_cast<int>(room), planes, frames);
    output.resize(before + static_cast<std::size_t>(std::max(made, 0)));
    if (made < 0) {
        return fail(ErrorKind::Internal, "the recording cannot be resampled",
                    std::format("swr_convert: {}", made));
    }
    given_ += made;
    return {};
}

Result<void> MonoResampler::finish(std::vector<float>& output) {
    for (std::int64_t before = -1; before != given_;) {
        before = given_;
        TITANS_TRY_VOID(push(nullptr, 0, output));
    }
    const std::int64_t due = (taken_ * to_.hz + from_.hz / 2) / from_.hz;
    const auto size = static_cast<std::int64_t>(output.size()) + due - given_;
    output.resize(static_cast<std::size_t>(size), 0.0F);
    given_ = due;
    return {};
}

}  // namespace titans::audio
