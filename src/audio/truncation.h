#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/kind.h"

namespace titans::audio {

/// Whether a recording breaks off before the end that its container announces. Demuxers are silent
/// about that: they hand out what is there. A recorder that was stopped leaves sizes open, which is
/// no fault; nor can a stream cut between two Ogg pages or Matroska blocks be told from one that
/// was stopped there.
///
/// Fed with the recording piece by piece; remembers a header at most.
class EndCheck {
public:
    explicit EndCheck(AudioKind kind) : kind_(kind) {}

    void feed(std::span<const std::byte> bytes);

    /// If nothing more comes.
    bool ends_early() const;

    /// What an MP3's Xing or Info header announces; 0 where it is silent.
    std::int64_t announced_mp3_frames() const { return mp3_frames_; }

private:
    /// Takes `header_` if it is whole: then it knows how much to skip until the next.
    bool take_header();
    bool take_wav();
    bool take_ogg();
    bool take_mp4();
    bool take_matroska();
    bool take_mp3();

    AudioKind kind_;
    std::vector<std::byte> header_;  // what has come of the header that is next
    std::uint64_t skip_ = 0;         // bytes until the header that is next
    bool in_file_ = false;           // the file's own header has been read
    bool last_ = false;              // no header follows
    std::int64_t fed_ = 0;
    std::int64_t mp3_begin_ = 0;  // where its first frame stands
    std::int64_t mp3_bytes_ = 0;  // announced, from the first frame on
    std::int64_t mp3_frames_ = 0;
};

}  // namespace titans::audio
