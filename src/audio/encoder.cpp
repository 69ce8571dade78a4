#include "audio/encoder.h"

#include <algorithm>
#include <memory>
#include <string>

#include "audio/resample.h"
#include "audio/wav.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace titans::audio {
namespace {

struct Recipe {
    const char* muxer;
    const char* encoder;
    AVSampleFormat sample_format;
    std::int64_t bits_per_second;  // 0: the encoder's own choice
    int quality;                   // of a variable bit rate, the best is 0; -1: the bit rate rules
};

Recipe recipe(AudioFormat format) {
    switch (format) {
        case AudioFormat::Mp3:
            return {"mp3", "libmp3lame", AV_SAMPLE_FMT_FLTP, 0, 2};
        case AudioFormat::Opus:
            return {"ogg", "libopus", AV_SAMPLE_FMT_FLT, 96'000, -1};
        case AudioFormat::Flac:
            return {"flac", "flac", AV_SAMPLE_FMT_S16, 0, -1};
        case AudioFormat::Wav:
            break;
    }
    std::unreachable();
}

struct MuxerDeleter {
    void operator()(AVFormatContext* muxer) const noexcept {
        if (muxer->pb != nullptr) {
            std::uint8_t* buffer = nullptr;
            avio_close_dyn_buf(muxer->pb, &buffer);
            av_free(buffer);
        }
        avformat_free_context(muxer);
    }
};
struct EncoderDeleter {
    void operator()(AVCodecContext* encoder) const noexcept { avcodec_free_context(&encoder); }
};
struct EncodedDeleter {
    void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};
struct InputDeleter {
    void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};

std::unexpected<Error> failed(const char* where, int status) {
    return fail(ErrorKind::Internal, "the audio could not be encoded",
                std::format("{}: {}", where, status));
}

/// `rate`, or 48 kHz if `codec` does not encode it.
SampleRate nearest_rate(const AVCodec* codec, SampleRate rate) {
    const void* rates = nullptr;
    int count = 0;
    if (avcodec_get_supported_config(nullptr, codec, AV_CODEC_CONFIG_SAMPLE_RATE, 0, &rates,
                                     &count) < 0 ||
        rates == nullptr) {
        return rate;
    }
    const std::span<const int> known(static_cast<const int*>(rates),
                                     static_cast<std::size_t>(count));
    return std::ranges::contains(known, rate.hz) ? rate : SampleRate{48'000};
}

/// One file on its way from samples to bytes.
class Encoder {
public:
    Result<void> open(const AVCodec* codec, const Recipe& recipe, SampleRate rate);

    /// `samples` in the recipe's format.
    template <typename Sample>
    Result<void> put(std::span<const Sample> samples, const std::stop_token& stop);

    Result<std::vector<std::byte>> finish();

private:
    Result<void> send(const AVFrame* frame);

    std::unique_ptr<AVFormatContext, MuxerDeleter> muxer_;
    std::unique_ptr<AVCodecContext, EncoderDeleter> encoder_;
    std::unique_ptr<AVPacket, EncodedDeleter> packet_{av_packet_alloc()};
    AVStream* stream_ = nullptr;
};

Result<void> Encoder::open(const AVCodec* codec, const Recipe& recipe, SampleRate rate) {
    AVFormatContext* muxer = nullptr;
    int status = avformat_alloc_output_context2(&muxer, nullptr, recipe.muxer, nullptr);
    if (status < 0) return failed("muxer", status);
    muxer_.reset(muxer);
    // No random serial numbers, dates or versions.
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    if (status = avio_open_dyn_buf(&muxer->pb); status < 0) return failed("buffer", status);

    encoder_.reset(avcodec_alloc_context3(codec));
    stream_ = avformat_new_stream(muxer, codec);
    if (!encoder_ || stream_ == nullptr || !packet_) return failed("memory", AVERROR(ENOMEM));
    AVCodecContext& encoder = *encoder_;
    encoder.sample_fmt = recipe.sample_format;
    encoder.sample_rate = rate.hz;
    encoder.time_base = {1, rate.hz};
    encoder.thread_count = 1;
    encoder.flags |= AV_CODEC_FLAG_BITEXACT;
    encoder.ch_layout = AV_CHANNEL_LAYOUT_MONO;
    if (recipe.bits_per_second > 0) encoder.bit_rate = recipe.bits_per_second;
    if (recipe.quality >= 0) {
        encoder.flags |= AV_CODEC_FLAG_QSCALE;
        encoder.global_quality = recipe.quality * FF_QP2LAMBDA;
    }
    if ((muxer->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
        encoder.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    if (status = avcodec_open2(&encoder, codec, nullptr); status < 0) {
        return failed("encoder", status);
    }
    status = avcodec_parameters_from_context(stream_->codecpar, &encoder);
    if (status < 0) return failed("parameters", status);
    stream_->time_base = encoder.time_base;
    if (status = avformat_write_header(muxer, nullptr); status < 0) return failed("header", status);
    return {};
}

template <typename Sample>
Result<void> Encoder::put(std::span<const Sample> samples, const std::stop_token& stop) {
    constexpr std::size_t kBlock = 4096;  // where the encoder takes any
    const std::size_t most =
        encoder_->frame_size > 0 ? static_cast<std::size_t>(encoder_->frame_size) : kBlock;
    std::int64_t time = 0;
    while (!samples.empty()) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
        const std::size_t count = std::min(samples.size(), most);
        // Each its own: the encoder may keep it.
        const std::unique_ptr<AVFrame, InputDeleter> frame(av_frame_alloc());
        if (!frame) return failed("memory", AVERROR(ENOMEM));
        frame->nb_samples = static_cast<int>(count);
        frame->format = encoder_->sample_fmt;
        frame->sample_rate = encoder_->sample_rate;
        frame->ch_layout = AV_CHANNEL_LAYOUT_MONO;
        frame->pts = time;
        if (const int status = av_frame_get_buffer(frame.get(), 0); status < 0) {
            return failed("frame", status);
        }
        std::ranges::copy(samples.first(count), reinterpret_cast<Sample*>(frame->data[0]));
        TITANS_TRY_VOID(send(frame.get()));
        time += static_cast<std::int64_t>(count);
        samples = samples.subspan(count);
    }
    return {};
}

Result<void> Encoder::send(const AVFrame* frame) {
    int status = avcodec_send_frame(encoder_.get(), frame);
    if (status < 0) return failed("encode", status);
    while ((status = avcodec_receive_packet(encoder_.get(), packet_.get())) >= 0) {
        // An MP3 that ends with a frame of nothing but padding would state that frame's alone.
        if (packet_->duration <= 0) {
            av_packet_unref(packet_.get());
            continue;
        }
        av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
        packet_->stream_index = stream_->index;
        status = av_interleaved_write_frame(muxer_.get(), packet_.get());
        if (status < 0) return failed("write", status);
    }
    if (status != AVERROR(EAGAIN) && status != AVERROR_EOF) return failed("packet", status);
    return {};
}

Result<std::vector<std::byte>> Encoder::finish() {
    TITANS_TRY_VOID(send(nullptr));
    if (const int status = av_write_trailer(muxer_.get()); status < 0) {
        return failed("trailer", status);
    }
    // The muxer may have gone back to its header; the buffer is closed where it stands.
    avio_seek(muxer_->pb, avio_size(muxer_->pb), SEEK_SET);
    std::uint8_t* buffer = nullptr;
    const int size = avio_close_dyn_buf(std::exchange(muxer_->pb, nullptr), &buffer);
    const auto* begin = reinterpret_cast<const std::byte*>(buffer);
    std::vector<std::byte> bytes(begin, begin + std::max(size, 0));
    av_free(buffer);
    return bytes;
}

}  // namespace

Result<std::vector<std::byte>> encode(const Audio& audio, AudioFormat format,
                                      std::stop_token stop) {
    const Recipe how = recipe(format);
    const AVCodec* codec = avcodec_find_encoder_by_name(how.encoder);
    if (codec == nullptr) {
        return fail(ErrorKind::Unsupported,
                    std::format("audio of type {} is not written here", media_type(format)));
    }
    const Audio fitting = resample(audio, nearest_rate(codec, audio.rate()));
    Encoder encoder;
    TITANS_TRY_VOID(encoder.open(codec, how, fitting.rate()));
    if (how.sample_format == AV_SAMPLE_FMT_S16) {
        const std::vector<std::int16_t> samples = dither(fitting.samples());
        TITANS_TRY_VOID(encoder.put(std::span(samples), stop));
    } else {
        TITANS_TRY_VOID(encoder.put(fitting.samples(), stop));
    }
    return encoder.finish();
}

}  // namespace titans::audio
