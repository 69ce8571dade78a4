#include "audio/decoder.h"

#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "audio/kind.h"
#include "audio/mono_resampler.h"
#include "audio/truncation.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mathematics.h>
}

namespace titans::audio {
namespace {

// FFmpeg reads hundreds of formats. Only these are ever opened.
constexpr const char* kCodecs =
    "mp3,mp3float,flac,vorbis,opus,aac,alac,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,"
    "pcm_s32le,"
    "pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw";
constexpr int kMaxChannels = 8;
constexpr int kMinRate = 1000;
constexpr int kMaxRate = 768'000;

const char* demuxer(AudioKind kind) {
    switch (kind) {
        case AudioKind::Wav:
            return "wav";
        case AudioKind::Mp3:
            return "mp3";
        case AudioKind::Flac:
            return "flac";
        case AudioKind::Ogg:
            return "ogg";
        case AudioKind::Matroska:
            return "matroska";
        case AudioKind::Mp4:
            return "mov";
        case AudioKind::Aac:
            return "aac";
        case AudioKind::Aiff:
            return "aiff";
    }
    std::unreachable();
}

struct FormatDeleter {
    void operator()(AVFormatContext* context) const noexcept { avformat_close_input(&context); }
};
struct IoDeleter {
    void operator()(AVIOContext* context) const noexcept {
        av_freep(&context->buffer);
        avio_context_free(&context);
    }
};
struct CodecDeleter {
    void operator()(AVCodecContext* context) const noexcept { avcodec_free_context(&context); }
};
struct PacketDeleter {
    void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};
struct FrameDeleter {
    void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};

class Options {
public:
    void set(const char* name, const char* value) { av_dict_set(&options_, name, value, 0); }
    void set(const char* name, std::int64_t value) { av_dict_set_int(&options_, name, value, 0); }
    AVDictionary** get() { return &options_; }
    Options() = default;
    Options(const Options&) = delete;
    Options& operator=(const Options&) = delete;
    ~Options() { av_dict_free(&options_); }

private:
    AVDictionary* options_ = nullptr;
};

/// The bytes of the recording, as FFmpeg reads a file.
struct Memory {
    std::span<const std::byte> bytes;
    std::size_t offset = 0;

    static int read(void* self, std::uint8_t* buffer, int size) noexcept {
        auto& memory = *static_cast<Memory*>(self);
        const std::size_t count =
            std::min(static_cast<std::size_t>(size), memory.bytes.size() - memory.offset);
        if (count == 0) return AVERROR_EOF;
        std::memcpy(buffer, memory.bytes.data() + memory.offset, count);
        memory.offset += count;
        return static_cast<int>(count);
    }

    static std::int64_t seek(void* self, std::int64_t offset, int whence) noexcept {
        auto& memory = *static_cast<Memory*>(self);
        const auto size = static_cast<std::int64_t>(memory.bytes.size());
        if ((whence & AVSEEK_SIZE) != 0) return size;
        switch (whence & ~AVSEEK_FORCE) {
            case SEEK_SET:
                break;
            case SEEK_CUR:
                offset += static_cast<std::int64_t>(memory.offset);
                break;
            case SEEK_END:
                offset += size;
                break;
            default:
                return AVERROR(EINVAL);
        }
        if (offset < 0 || offset > size) return AVERROR(EINVAL);
        memory.offset = static_cast<std::size_t>(offset);
        return offset;
    }
};

int is_stopped(void* stop) noexcept {
    return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

/// A recording may name other files and addresses; none is opened.
int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) noexcept {
    return AVERROR(EPERM);
}

std::string words(int status) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
    av_strerror(status, text.data(), text.size());
    return text.data();
}

std::unexpected<Error> broken(std::string detail) {
    return fail(ErrorKind::InvalidInput, "the recording is broken or incomplete",
                std::move(detail));
}

/// One recording on its way from bytes to samples.
class Decoder {
public:
    Decoder(std::span<const std::byte> bytes, AudioKind kind, SampleRate rate,
            const DecodeLimits& limits, std::stop_token stop)
        : kind_(kind), rate_(rate), limits_(limits), stop_(std::move(stop)), memory_{bytes} {}
    Decoder(const Decoder&) = delete;  // FFmpeg holds pointers into it
    Decoder& operator=(const Decoder&) = delete;

    /// Finds the track and opens its codec.
    Result<void> open();
    Result<Audio> run();

private:
    Result<void> take_packet();
    Result<void> take_frames();
    Result<void> start_resampler();
    Result<void> finish_resampler();
    Result<void> check_complete() const;
    std::unexpected<Error> explain(int status, const char* where) const;

    const AudioKind kind_;
    const SampleRate rate_;
    const DecodeLimits& limits_;
    std::stop_token stop_;
    Memory memory_;
    std::unique_ptr<AVIOContext, IoDeleter> io_;
    std::unique_ptr<AVFormatContext, FormatDeleter> format_;
    std::unique_ptr<AVCodecContext, CodecDeleter> codec_;
    std::unique_ptr<AVPacket, PacketDeleter> packet_{av_packet_alloc()};
    std::unique_ptr<AVFrame, FrameDeleter> frame_{av_frame_alloc()};
    AVStream* stream_ = nullptr;

    std::optional<MonoResampler> resampler_;
    int frame_rate_ = 0;  // what the resampler was made for
    int frame_channels_ = 0;
    int frame_format_ = AV_SAMPLE_FMT_NONE;

    std::vector<float> samples_;
    std::int64_t packets_ = 0;
    std::int64_t frame_samples_ = 0;  // of one channel
    std::uint64_t decoded_bytes_ = 0;
};

std::unexpected<Error> Decoder::explain(int status, const char* where) const {
    if (stop_.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    if (status == AVERROR(ENOMEM)) {
        return fail(ErrorKind::Internal, "the recording could not be decoded", "out of memory");
    }
    return broken(std::format("{} {}: {}", demuxer(kind_), where, words(status)));
}

Result<void> Decoder::open() {
    constexpr int kBuffer = 32 << 10;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
    io_.reset(
        avio_alloc_context(buffer, kBuffer, 0, &memory_, &Memory::read, nullptr, &Memory::seek));
    if (!io_ || !packet_ || !frame_) return explain(AVERROR(ENOMEM), "open");

    AVFormatContext* format = avformat_alloc_context();
    if (format == nullptr) return explain(AVERROR(ENOMEM), "open");
    format->pb = io_.get();
    format->io_open = &refuse_to_open;
    format->interrupt_callback = {.callback = &is_stopped, .opaque = &stop_};
    Options options;
    options.set("codec_whitelist", kCodecs);
    options.set("protocol_whitelist", "");
    options.set("max_streams", 16);
    options.set("probesize", 1 << 20);
    options.set("skip_estimate_duration_from_pts", 1);
    const AVInputFormat* input = av_find_input_format(demuxer(kind_));
    if (input == nullptr) {
        avformat_free_context(format);
        return fail(ErrorKind::Unsupported,
                    std::format("recordings of type {} are not read here", media_type(kind_)));
    }
    options.set("format_whitelist", input->name);
    int status =
        avformat_open_input(&format, nullptr, input, options.get());  // frees it if it fails
    if (status < 0) return explain(status, "open");
    format_.reset(format);

    for (unsigned i = 0; i < format->nb_streams; ++i) {
        if (format->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) {
            format->streams[i]->discard = AVDISCARD_ALL;
        }
    }
    status = avformat_find_stream_info(format, nullptr);
    if (status < 0) return explain(status, "streams");
    const int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
    if (best < 0) return explain(best, "audio stream");
    for (unsigned i = 0; i < format->nb_streams; ++i) {
        if (static_cast<int>(i) != best) format->streams[i]->discard = AVDISCARD_ALL;
    }
    stream_ = format->streams[best];

    const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
    codec_.reset(avcodec_alloc_context3(codec));
    if (codec == nullptr || !codec_) return explain(AVERROR_DECODER_NOT_FOUND, "codec");
    status = avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
    if (status < 0) return explain(status, "codec");
    codec_->pkt_timebase = stream_->time_base;
    codec_->thread_count = 1;
    // A FLAC frame with a wrong checksum is no sound.
    if (kind_ == AudioKind::Flac) codec_->err_recognition |= AV_EF_CRCCHECK | AV_EF_EXPLODE;
    Options codec_options;
    codec_options.set("codec_whitelist", kCodecs);
    codec_options.set("max_samples", 1 << 22);  // of a frame
    status = avcodec_open2(codec_.get(), codec, codec_options.get());
    if (status < 0) return explain(status, "codec");
    return {};
}

Result<Audio> Decoder::run() {
    while (true) {
        if (stop_.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
        const int status = av_read_frame(format_.get(), packet_.get());
        if (status == AVERROR_EOF) break;
        if (status < 0) return explain(status, "read");
        const Result<void> taken = take_packet();
        av_packet_unref(packet_.get());
        if (!taken) return std::unexpected(taken.error());
    }
    // Some demuxers call a failed read an end.
    if (io_->error < 0) return explain(io_->error, "read");
    if (const int status = avcodec_send_packet(codec_.get(), nullptr); status < 0)
        return explain(status, "end");
    TITANS_TRY_VOID(take_frames());
    TITANS_TRY_VOID(finish_resampler());
    TITANS_TRY_VOID(check_complete());

    if (samples_.empty()) return fail(ErrorKind::NothingHeard, "the recording is empty");
    for (float& sample : samples_) {
        if (!std::isfinite(sample)) return broken("a sample is not a number");
        sample = std::clamp(sample, -1.0F, 1.0F);
    }
    return Audio(rate_, std::move(samples_));
}

Result<void> Decoder::take_packet() {
    if (packet_->stream_index != stream_->index) return {};
    ++packets_;
    if (const int status = avcodec_send_packet(codec_.get(), packet_.get()); status < 0) {
        return explain(status, "packet");
    }
    return take_frames();
}

Result<void> Decoder::take_frames() {
    while (true) {
        const int status = avcodec_receive_frame(codec_.get(), frame_.get());
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return {};
        if (status < 0) return explain(status, "frame");

        // A stream may change its format on the way: the resampler then starts anew.
        if (!resampler_ || frame_->sample_rate != frame_rate_ || frame_->format != frame_format_ ||
            frame_->ch_layout.nb_channels != frame_channels_) {
            TITANS_TRY_VOID(finish_resampler());
            TITANS_TRY_VOID(start_resampler());
        }
        frame_samples_ += frame_->nb_samples;
        decoded_bytes_ += std::uint64_t{static_cast<unsigned>(frame_->nb_samples)} *
                          static_cast<unsigned>(frame_channels_) *
                          static_cast<unsigned>(
                              av_get_bytes_per_sample(static_cast<AVSampleFormat>(frame_format_)));
        TITANS_TRY_VOID(resampler_->push(frame_->extended_data, frame_->nb_samples, samples_));
        av_frame_unref(frame_.get());

        const auto most =
            static_cast<std::uint64_t>(limits_.duration.count()) * static_cast<unsigned>(rate_.hz);
        if (samples_.size() > most) {
            return fail(ErrorKind::TooLarge, std::format("the recording is longer than {} seconds",
                                                         limits_.duration.count()));
        }
        if (decoded_bytes_ > limits_.decoded_bytes) {
            return fail(ErrorKind::TooLarge,
                        std::format("the recording unpacks to more than {} MiB",
                                    limits_.decoded_bytes >> 20));
        }
    }
}

Result<void> Decoder::start_resampler() {
    frame_rate_ = frame_->sample_rate;
    frame_format_ = frame_->format;
    frame_channels_ = frame_->ch_layout.nb_channels;
    if (frame_rate_ < kMinRate || frame_rate_ > kMaxRate) {
        return fail(ErrorKind::InvalidInput,
                    "the recording's sample rate is not between 1 and 768 kHz");
    }
    if (frame_channels_ < 1 || frame_channels_ > kMaxChannels) {
        return fail(ErrorKind::InvalidInput,
                    std::format("the recording has more than {} channels", kMaxChannels));
    }
    // A layout that FFmpeg has no rule to mix becomes the usual one of as many channels.
    AVChannelLayout layout{};
    av_channel_layout_default(&layout, frame_channels_);
    if (frame_->ch_layout.order == AV_CHANNEL_ORDER_NATIVE)
        layout.u.mask = frame_->ch_layout.u.mask;
    TITANS_TRY(resampler_, MonoResampler::open(layout, static_cast<AVSampleFormat>(frame_format_),
                                               SampleRate{frame_rate_}, rate_));
    return {};
}

Result<void> Decoder::finish_resampler() {
    if (!resampler_) return {};
    TITANS_TRY_VOID(resampler_->finish(samples_));
    resampler_.reset();
    return {};
}

/// Compares what came with what the header announced, where ends_early() cannot know.
Result<void> Decoder::check_complete() const {
    if (kind_ == AudioKind::Mp3) {
        // Programs disagree on whether the frame with this header counts.
        const std::int64_t announced = announced_mp3_size(memory_.bytes).frames;
        if (packets_ + 1 < announced)
            return broken(std::format("{} of {} frames", packets_, announced));
        return {};
    }
    const bool exact =
        kind_ == AudioKind::Flac || kind_ == AudioKind::Aiff || kind_ == AudioKind::Mp4;
    if (!exact || stream_->duration <= 0 || frame_rate_ <= 0) return {};
    // AAC's delay and padding stand in the duration of some MP4 files: up to three frames of 2048.
    const std::int64_t slack = kind_ == AudioKind::Mp4 ? 3 * 2048 : 0;
    const std::int64_t announced =
        av_rescale_q(stream_->duration, stream_->time_base, AVRational{1, frame_rate_});
    if (frame_samples_ + slack < announced) {
        return broken(std::format("{} of {} samples", frame_samples_, announced));
    }
    return {};
}

}  // namespace

Result<Audio> decode(std::span<const std::byte> bytes, SampleRate rate, const DecodeLimits& limits,
                     std::stop_token stop) {
    assert(rate.hz >= kMinRate && rate.hz <= kMaxRate);
    // FFmpeg would write what it thinks of foreign files to standard error; its status codes say
    // enough.
    static const bool quiet = [] {
        av_log_set_level(AV_LOG_QUIET);
        return true;
    }();
    assert(quiet);

    const std::optional<AudioKind> kind = find_audio_kind(bytes);
    if (!kind) {
        return fail(
            ErrorKind::InvalidInput,
            "the recording is not of a known type (WAV, MP3, FLAC, Ogg, WebM, MP4, AAC, AIFF)");
    }
    if (ends_early(*kind, bytes)) return broken("it ends before its announced size");
    Decoder decoder(bytes, *kind, rate, limits, std::move(stop));
    TITANS_TRY_VOID(decoder.open());
    return decoder.run();
}

}  // namespace titans::audio
