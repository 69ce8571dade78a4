#include "audio/pull_decoder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
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
constexpr int kMaxFrame = 1 << 20;  // samples
constexpr std::size_t kMaxAllocation = kMaxFrame * kMaxChannels * sizeof(double);
constexpr double kRounding = 1e-6;  // seconds

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

/// A recording may name other files and addresses; none is opened.
int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) noexcept {
    return AVERROR(EPERM);
}

std::string words(int status) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
    av_strerror(status, text.data(), text.size());
    return text.data();
}

}  // namespace

void FormatDeleter::operator()(AVFormatContext* context) const noexcept {
    avformat_close_input(&context);
}
void IoDeleter::operator()(AVIOContext* context) const noexcept {
    av_freep(&context->buffer);
    avio_context_free(&context);
}
void CodecDeleter::operator()(AVCodecContext* context) const noexcept {
    avcodec_free_context(&context);
}
void PacketDeleter::operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
void FrameDeleter::operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }

bool is_streamable(AudioKind kind) {
    // The index of an MP4 may stand at its end, and an AIFF's format behind its samples.
    return kind != AudioKind::Mp4 && kind != AudioKind::Aiff;
}

PullDecoder::PullDecoder(ByteSource& source, AudioKind kind, SampleRate rate,
                         const DecodeLimits& limits, std::stop_token stop)
    : source_(source),
      kind_(kind),
      rate_(rate),
      limits_(limits),
      stop_(std::move(stop)),
      packet_(av_packet_alloc()),
      frame_(av_frame_alloc()) {
    assert(rate.hz >= kMinRate && rate.hz <= kMaxRate);
    // FFmpeg would write what it thinks of foreign files to standard error; its status codes say
    // enough.
    // And its demuxers allocate whatever size a file states; this limit is the process's.
    static const bool tamed = [] {
        av_log_set_level(AV_LOG_QUIET);
        av_max_alloc(kMaxAllocation);
        return true;
    }();
    static_cast<void>(tamed);
}

PullDecoder::~PullDecoder() = default;

int PullDecoder::read(void* self, std::uint8_t* buffer, int size) noexcept {
    // Demuxers that search through junk ask for nothing else.
    if (is_over(self) != 0) return AVERROR_EXIT;
    const int count = static_cast<PullDecoder*>(self)->source_.read(buffer, size);
    if (count < 0) return AVERROR_EXIT;
    return count == 0 ? AVERROR_EOF : count;
}

std::int64_t PullDecoder::seek(void* self, std::int64_t offset, int whence) noexcept {
    auto& decoder = *static_cast<PullDecoder*>(self);
    // The MP3 demuxer takes a size that is refused for a huge one, then doubts the header and
    // leaves the encoder's padding in.
    if (is_streamable(decoder.kind_)) return (whence & AVSEEK_SIZE) != 0 ? 0 : AVERROR(EINVAL);
    const std::int64_t position = decoder.source_.seek(offset, whence);
    return position < 0 ? AVERROR(EINVAL) : position;
}

int PullDecoder::is_over(void* self) noexcept {
    return static_cast<PullDecoder*>(self)->check_time() ? 0 : 1;
}

Result<void> PullDecoder::check_time() const {
    if (stop_.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    if (std::chrono::steady_clock::now() > deadline_) {
        return fail(ErrorKind::TooLarge, "the recording takes too long to decode");
    }
    return {};
}

std::unexpected<Error> PullDecoder::broken(std::string detail) const {
    return fail(ErrorKind::InvalidInput,
                std::format("the recording is broken or incomplete after {:.1f} s", seconds_),
                std::move(detail));
}

std::unexpected<Error> PullDecoder::explain(int status, const char* where) const {
    TITANS_TRY_VOID(check_time());
    if (status == AVERROR(ENOMEM)) {
        return fail(ErrorKind::Internal, "the recording could not be decoded", "out of memory");
    }
    return broken(std::format("{} {}: {}", demuxer(kind_), where, words(status)));
}

Result<void> PullDecoder::open() {
    constexpr int kBuffer = 32 << 10;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
    io_.reset(avio_alloc_context(buffer, kBuffer, 0, this, &PullDecoder::read, nullptr,
                                 &PullDecoder::seek));
    if (!io_ || !packet_ || !frame_) return explain(AVERROR(ENOMEM), "open");
    if (is_streamable(kind_)) io_->seekable = 0;

    AVFormatContext* format = avformat_alloc_context();
    if (format == nullptr) return explain(AVERROR(ENOMEM), "open");
    format->pb = io_.get();
    format->io_open = &refuse_to_open;
    format->interrupt_callback = {.callback = &PullDecoder::is_over, .opaque = this};
    Options options;
    options.set("codec_whitelist", kCodecs);
    options.set("protocol_whitelist", "");
    options.set("max_streams", 16);
    options.set("probesize", 1 << 20);
    options.set("max_probe_packets", 1);  // 16-bit PCM is PCM, never something hidden in it
    options.set("analyzeduration", 1);    // microseconds: a live recording is not waited for
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
    codec_options.set("max_samples", kMaxFrame);
    status = avcodec_open2(codec_.get(), codec, codec_options.get());
    if (status < 0) return explain(status, "codec");
    return {};
}

Result<void> PullDecoder::run() {
    TITANS_TRY_VOID(open());
    while (true) {
        TITANS_TRY_VOID(check_time());
        const int status = av_read_frame(format_.get(), packet_.get());
        if (status == AVERROR_EOF) break;
        if (status < 0) return explain(status, "read");
        const Result<void> taken = take_packet();
        av_packet_unref(packet_.get());
        if (!taken) return std::unexpected(taken.error());
    }
    // Some demuxers call a failed read an end.
    if (io_->error < 0) return explain(io_->error, "read");
    if (const int status = avcodec_send_packet(codec_.get(), nullptr); status < 0) {
        return explain(status, "end");
    }
    TITANS_TRY_VOID(take_frames());
    TITANS_TRY_VOID(finish_resampler());
    return check_complete();
}

Result<std::vector<float>> PullDecoder::take_samples() {
    for (float& sample : samples_) {
        if (!std::isfinite(sample)) return broken("a sample is not a number");
        sample = std::clamp(sample, -1.0F, 1.0F);
    }
    return std::exchange(samples_, {});
}

Result<void> PullDecoder::take_packet() {
    if (packet_->stream_index != stream_->index) return {};
    ++packets_;
    if (const int status = avcodec_send_packet(codec_.get(), packet_.get()); status < 0) {
        return explain(status, "packet");
    }
    return take_frames();
}

Result<void> PullDecoder::take_frames() {
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
        seconds_ += static_cast<double>(frame_->nb_samples) / frame_rate_;
        decoded_bytes_ += std::uint64_t{static_cast<unsigned>(frame_->nb_samples)} *
                          static_cast<unsigned>(frame_channels_) *
                          static_cast<unsigned>(
                              av_get_bytes_per_sample(static_cast<AVSampleFormat>(frame_format_)));
        if (seconds_ > static_cast<double>(limits_.duration.count()) + kRounding) {
            return fail(ErrorKind::TooLarge, std::format("the recording is longer than {} seconds",
                                                         limits_.duration.count()));
        }
        if (decoded_bytes_ > limits_.decoded_bytes) {
            return fail(ErrorKind::TooLarge,
                        std::format("the recording unpacks to more than {} MiB",
                                    limits_.decoded_bytes >> 20));
        }
        TITANS_TRY_VOID(resampler_->push(frame_->extended_data, frame_->nb_samples, samples_));
        av_frame_unref(frame_.get());
        TITANS_TRY_VOID(check_time());
    }
}

Result<void> PullDecoder::start_resampler() {
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

Result<void> PullDecoder::finish_resampler() {
    if (!resampler_) return {};
    TITANS_TRY_VOID(resampler_->finish(samples_));
    resampler_.reset();
    return {};
}

/// Compares what came with the length that the header states, where EndCheck cannot know.
Result<void> PullDecoder::check_complete() const {
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

}  // namespace titans::audio
