#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audio/decoder.h"
#include "audio/kind.h"
#include "audio/mono_resampler.h"

struct AVCodecContext;
struct AVFormatContext;
struct AVFrame;
struct AVIOContext;
struct AVPacket;
struct AVStream;

namespace titans::audio {

struct FormatDeleter {
    void operator()(AVFormatContext* context) const noexcept;
};
struct IoDeleter {
    void operator()(AVIOContext* context) const noexcept;
};
struct CodecDeleter {
    void operator()(AVCodecContext* context) const noexcept;
};
struct PacketDeleter {
    void operator()(AVPacket* packet) const noexcept;
};
struct FrameDeleter {
    void operator()(AVFrame* frame) const noexcept;
};

/// The bytes of a recording, where a PullDecoder takes them.
class ByteSource {
public:
    virtual ~ByteSource() = default;

    /// Writes up to `size` bytes to `buffer` and returns how many; 0 at the end, negative if the
    /// reader shall give up.
    virtual int read(std::uint8_t* buffer, int size) noexcept = 0;

    /// As lseek(), and the size for AVSEEK_SIZE; asked only for kinds that are not is_streamable().
    virtual std::int64_t seek(std::int64_t offset, int whence) noexcept = 0;
};

/// Whether recordings of `kind` are read from their beginning to their end, never back or ahead.
bool is_streamable(AudioKind kind);

/// FFmpeg's demuxer and decoder on one recording, on their way from bytes to mono samples.
class PullDecoder {
public:
    PullDecoder(ByteSource& source, AudioKind kind, SampleRate rate, const DecodeLimits& limits,
                std::stop_token stop);
    PullDecoder(const PullDecoder&) = delete;  // FFmpeg holds pointers into it
    PullDecoder& operator=(const PullDecoder&) = delete;
    ~PullDecoder();

    /// Decodes until the source ends. Errors: those of decode().
    Result<void> run();

    /// The samples since the last call, in [-1, 1]. While run() waits in ByteSource::read(), or is
    /// over.
    Result<std::vector<float>> take_samples();

    /// When run() gives up.
    void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }

    /// Packets of the track so far.
    std::int64_t packets() const { return packets_; }

    /// The error that the recording is broken here.
    std::unexpected<Error> broken(std::string detail) const;

private:
    static int read(void* self, std::uint8_t* buffer, int size) noexcept;
    static std::int64_t seek(void* self, std::int64_t offset, int whence) noexcept;
    static int is_over(void* self) noexcept;

    Result<void> open();
    Result<void> check_time() const;
    Result<void> take_packet();
    Result<void> take_frames();
    Result<void> start_resampler();
    Result<void> finish_resampler();
    Result<void> check_complete() const;
    std::unexpected<Error> explain(int status, const char* where) const;

    ByteSource& source_;
    const AudioKind kind_;
    const SampleRate rate_;
    const DecodeLimits limits_;
    const std::stop_token stop_;
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
    std::unique_ptr<AVIOContext, IoDeleter> io_;
    std::unique_ptr<AVFormatContext, FormatDeleter> format_;
    std::unique_ptr<AVCodecContext, CodecDeleter> codec_;
    std::unique_ptr<AVPacket, PacketDeleter> packet_;
    std::unique_ptr<AVFrame, FrameDeleter> frame_;
    AVStream* stream_ = nullptr;

    std::optional<MonoResampler> resampler_;
    int frame_rate_ = 0;  // what the resampler was made for
    int frame_channels_ = 0;
    int frame_format_ = -1;

    std::vector<float> samples_;
    std::int64_t packets_ = 0;
    std::int64_t frame_samples_ = 0;  // of one channel
    double seconds_ = 0;              // decoded
    std::uint64_t decoded_bytes_ = 0;
};

}  // namespace titans::audio
