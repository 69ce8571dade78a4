#include "audio/decoder.h"

#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "audio/kind.h"
#include "audio/pull_decoder.h"
#include "audio/truncation.h"

extern "C" {
#include <libavformat/avio.h>
}

namespace titans::audio {
namespace {

using SteadyClock = std::chrono::steady_clock;

SteadyClock::duration steady(std::chrono::duration<double> time) {
    return std::chrono::duration_cast<SteadyClock::duration>(time);
}

std::unexpected<Error> unknown_kind() {
    return fail(ErrorKind::InvalidInput,
                "the recording is not of a known type (WAV, MP3, FLAC, Ogg, WebM, MP4, AAC, AIFF)");
}

std::unexpected<Error> nothing_heard() {
    return fail(ErrorKind::NothingHeard, "the recording is empty");
}

/// Whether all has come that the container announced.
Result<void> check_end(const EndCheck& check, const PullDecoder& decoder) {
    if (check.ends_early()) return decoder.broken("it ends before its announced size");
    // Programs disagree on whether the frame with this header counts.
    const std::int64_t announced = check.announced_mp3_frames();
    if (decoder.packets() + 1 < announced) {
        return decoder.broken(std::format("{} of {} frames", decoder.packets(), announced));
    }
    return {};
}

/// A recording that is there as a whole.
class Memory final : public ByteSource {
public:
    explicit Memory(std::span<const std::byte> bytes) : bytes_(bytes) {}

    int read(std::uint8_t* buffer, int size) noexcept override {
        const std::size_t count = std::min(static_cast<std::size_t>(size), bytes_.size() - offset_);
        if (count > 0) std::memcpy(buffer, bytes_.data() + offset_, count);
        offset_ += count;
        return static_cast<int>(count);
    }

    std::int64_t seek(std::int64_t offset, int whence) noexcept override {
        const auto size = static_cast<std::int64_t>(bytes_.size());
        if ((whence & AVSEEK_SIZE) != 0) return size;
        switch (whence & ~AVSEEK_FORCE) {
            case SEEK_SET:
                break;
            case SEEK_CUR:
                offset += static_cast<std::int64_t>(offset_);
                break;
            case SEEK_END:
                offset += size;
                break;
            default:
                return -1;
        }
        if (offset < 0 || offset > size) return -1;
        offset_ = static_cast<std::size_t>(offset);
        return offset;
    }

private:
    std::span<const std::byte> bytes_;
    std::size_t offset_ = 0;
};

}  // namespace

Result<Audio> decode(std::span<const std::byte> bytes, SampleRate rate, const DecodeLimits& limits,
                     std::stop_token stop) {
    const std::optional<AudioKind> kind = find_audio_kind(bytes);
    if (!kind) return unknown_kind();
    EndCheck check(*kind);
    check.feed(bytes);

    Memory memory(bytes);
    PullDecoder decoder(memory, *kind, rate, limits, std::move(stop));
    decoder.set_deadline(SteadyClock::now() + steady(limits.time));
    TITANS_TRY_VOID(decoder.run());
    TITANS_TRY_VOID(check_end(check, decoder));
    TITANS_TRY(std::vector<float> samples, decoder.take_samples());
    if (samples.empty()) return nothing_heard();
    return Audio(rate, std::move(samples));
}

/// A thread that decodes what it is given and waits for more. Only one of it and its owner runs at
/// a time.
class Decoder::Worker final : public ByteSource {
public:
    Worker(AudioKind kind, SampleRate rate, const DecodeLimits& limits, std::stop_token stop)
        : check_(kind),
          time_left_(steady(limits.time)),
          decoder_(*this, kind, rate, limits, std::move(stop)),
          thread_([this] { work(); }) {}

    ~Worker() override {
        {
            const std::lock_guard lock(mutex_);
            abandoned_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    /// Returns when all of `bytes` have been taken.
    Result<std::vector<float>> feed(std::span<const std::byte> bytes) {
        check_.feed(bytes);
        return take_turn(bytes, false);
    }

    Result<std::vector<float>> finish() {
        TITANS_TRY(std::vector<float> samples, take_turn({}, true));
        TITANS_TRY_VOID(check_end(check_, decoder_));
        return samples;
    }

private:
    int read(std::uint8_t* buffer, int size) noexcept override {
        std::unique_lock lock(mutex_);
        if (input_.empty() && !ended_) {
            hungry_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !hungry_ || abandoned_; });
        }
        if (abandoned_) return -1;
        const std::size_t count = std::min(static_cast<std::size_t>(size), input_.size());
        if (count > 0) std::memcpy(buffer, input_.data(), count);
        input_ = input_.subspan(count);
        return static_cast<int>(count);
    }

    std::int64_t seek(std::int64_t, int) noexcept override { return -1; }

    Result<std::vector<float>> take_turn(std::span<const std::byte> bytes, bool last) {
        const auto started = SteadyClock::now();
        {
            std::unique_lock lock(mutex_);
            // It has to ask first: until then it opens the container.
            changed_.wait(lock, [this] { return hungry_ || over_; });
            if (!over_ && (last || !bytes.empty())) {
                decoder_.set_deadline(started + time_left_);
                input_ = bytes;
                ended_ = last;
                hungry_ = false;
                changed_.notify_all();
                changed_.wait(lock, [this] { return hungry_ || over_; });
                input_ = {};
            }
        }
        time_left_ -= SteadyClock::now() - started;
        if (thrown_) std::rethrow_exception(thrown_);
        if (!outcome_) return std::unexpected(outcome_.error());
        return decoder_.take_samples();
    }

    void work() noexcept {
        Result<void> outcome;
        std::exception_ptr thrown;
        try {
            outcome = decoder_.run();
        } catch (...) {
            thrown = std::current_exception();
        }
        const std::lock_guard lock(mutex_);
        outcome_ = std::move(outcome);
        thrown_ = thrown;
        over_ = true;
        changed_.notify_all();
    }

    EndCheck check_;
    SteadyClock::duration time_left_;

    // Says whose turn it is; all below is touched only by who has it.
    std::mutex mutex_;
    std::condition_variable changed_;
    bool hungry_ = false;  // the thread waits for bytes
    bool over_ = false;    // the thread is done
    bool ended_ = false;   // no bytes follow `input_`
    bool abandoned_ = false;
    std::span<const std::byte> input_;
    Result<void> outcome_;
    std::exception_ptr thrown_;
    PullDecoder decoder_;
    std::thread thread_;
};

Decoder::Decoder(SampleRate rate, const DecodeLimits& limits, std::stop_token stop)
    : rate_(rate), limits_(limits), stop_(std::move(stop)) {}

Decoder::~Decoder() = default;

Result<std::vector<float>> Decoder::feed(std::span<const std::byte> bytes) {
    if (error_) return std::unexpected(*error_);
    Result<std::vector<float>> samples = advance(bytes);
    if (!samples) error_ = samples.error();
    if (samples && !samples->empty()) heard_ = true;
    return samples;
}

Result<std::vector<float>> Decoder::finish() {
    if (error_) return std::unexpected(*error_);
    Result<std::vector<float>> samples = end();
    if (samples && samples->empty() && !heard_) samples = nothing_heard();
    error_ = samples ? Error{ErrorKind::Internal, "the recording was finished before", {}}
                     : samples.error();
    return samples;
}

Result<std::vector<float>> Decoder::advance(std::span<const std::byte> bytes) {
    if (worker_) return worker_->feed(bytes);
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    if (held_.size() > limits_.held_bytes) {
        return fail(ErrorKind::TooLarge,
                    std::format("the recording is larger than {} MiB", limits_.held_bytes >> 20));
    }
    // What decides may stand behind a tag.
    constexpr std::size_t kEnough = 12;
    if (held_.size() < id3_size(held_) + kEnough) return std::vector<float>();
    const std::optional<AudioKind> kind = find_audio_kind(held_);
    if (!kind) return unknown_kind();
    if (!is_streamable(*kind)) return std::vector<float>();
    worker_ = std::make_unique<Worker>(*kind, rate_, limits_, stop_);
    const std::vector<std::byte> begun = std::exchange(held_, {});
    return worker_->feed(begun);
}

Result<std::vector<float>> Decoder::end() {
    if (worker_) return worker_->finish();
    TITANS_TRY(const Audio audio, decode(held_, rate_, limits_, stop_));
    held_ = {};
    return std::vector<float>(audio.samples().begin(), audio.samples().end());
}

}  // namespace titans::audio
