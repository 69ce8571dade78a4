#include "audio/truncation.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace titans::audio {
namespace {

std::uint64_t big_endian(std::span<const std::byte> bytes) {
    std::uint64_t number = 0;
    for (const std::byte byte : bytes) number = number << 8 | std::to_integer<std::uint64_t>(byte);
    return number;
}

std::uint64_t little_endian(std::span<const std::byte> bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    }
    return number;
}

std::string_view text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void EndCheck::feed(std::span<const std::byte> bytes) {
    fed_ += static_cast<std::int64_t>(bytes.size());
    while (!bytes.empty()) {
        if (skip_ > 0) {
            const auto count = std::min<std::uint64_t>(skip_, bytes.size());
            skip_ -= count;
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (last_) {
            return;
        } else {
            header_.push_back(bytes.front());
            bytes = bytes.subspan(1);
            if (take_header()) header_.clear();
        }
    }
}

bool EndCheck::ends_early() const {
    switch (kind_) {
        case AudioKind::Wav:
            return !last_ || skip_ > 0;
        case AudioKind::Ogg:
        case AudioKind::Mp4:
        case AudioKind::Matroska:
            return skip_ > 0 || (!last_ && !header_.empty());
        case AudioKind::Mp3:
            return mp3_bytes_ > fed_ - mp3_begin_;
        // Here the decoder compares what came with the length that the header states, or checks
        // each frame.
        case AudioKind::Flac:
        case AudioKind::Aac:
        case AudioKind::Aiff:
            return false;
    }
    std::unreachable();
}

bool EndCheck::take_header() {
    switch (kind_) {
        case AudioKind::Wav:
            return take_wav();
        case AudioKind::Ogg:
            return take_ogg();
        case AudioKind::Mp4:
            return take_mp4();
        case AudioKind::Matroska:
            return take_matroska();
        case AudioKind::Mp3:
            return take_mp3();
        case AudioKind::Flac:
        case AudioKind::Aac:
        case AudioKind::Aiff:
            last_ = true;
            return true;
    }
    std::unreachable();
}

/// RIFF: chunks of name, size and as many bytes, padded to even.
bool EndCheck::take_wav() {
    // What programs write that do not know the size yet: 0, or the largest number minus some
    // headers.
    constexpr std::uint64_t kUnknown = 0x7FFF'FF00;
    if (!in_file_) return in_file_ = header_.size() == 12;
    if (header_.size() < 8) return false;
    const std::span<const std::byte> header = header_;
    const std::uint64_t size = little_endian(header.subspan(4));
    last_ = text(header.first(4)) == "data";
    skip_ = last_ ? (size < kUnknown ? size : 0) : size + size % 2;
    return true;
}

/// RFC 3533, section 6: pages of a 27-byte header, a table of segment sizes, and the segments.
bool EndCheck::take_ogg() {
    constexpr std::size_t kFixed = 27;
    if (header_.size() == 4 && text(header_) != "OggS") return last_ = true;
    if (header_.size() < kFixed) return false;
    const auto segments = std::to_integer<std::size_t>(header_[kFixed - 1]);
    if (header_.size() < kFixed + segments) return false;
    for (const std::byte size : std::span(header_).subspan(kFixed)) {
        skip_ += std::to_integer<std::uint64_t>(size);
    }
    return true;
}

/// ISO/IEC 14496-12, section 4.2: boxes of size (32 bits; 1: 64 bits follow the name; 0: to the
/// end) and name.
bool EndCheck::take_mp4() {
    if (header_.size() < 8) return false;
    const std::span<const std::byte> header = header_;
    std::uint64_t size = big_endian(header.first(4));
    if (size == 1) {
        if (header.size() < 16) return false;
        size = big_endian(header.subspan(8));
    }
    if (size < header.size()) return last_ = true;
    skip_ = size - header.size();
    return true;
}

/// RFC 8794, sections 4 and 5: elements of identifier and size; a size of only ones is not known.
bool EndCheck::take_matroska() {
    constexpr std::uint64_t kSegment = 0x1853'8067;
    constexpr std::uint64_t kCluster = 0x1F43'B675;
    const std::span<const std::byte> header = header_;
    const auto length = [&](std::size_t at) {
        return static_cast<std::size_t>(
            std::countl_zero(std::to_integer<std::uint8_t>(header[at])) + 1);
    };
    const std::size_t id_length = length(0);
    if (id_length > 4) return last_ = true;
    if (header.size() <= id_length) return false;
    const std::size_t size_length = length(id_length);
    if (size_length > 8) return last_ = true;
    if (header.size() < id_length + size_length) return false;

    const std::uint64_t id = big_endian(header.first(id_length));
    const std::uint64_t mask = (std::uint64_t{1} << (7 * size_length)) - 1;
    const std::uint64_t size = big_endian(header.subspan(id_length)) & mask;
    if (size != mask) {
        skip_ = size;
    } else if (id != kSegment && id != kCluster) {
        last_ = true;
    }  // Of what is open at its end, the parts are looked at instead.
    return true;
}

/// The header with the sizes stands in the first frame, behind a side information whose size
/// depends on version and channels; before them perhaps a tag.
bool EndCheck::take_mp3() {
    constexpr std::size_t kTag = 10;
    constexpr std::size_t kReach = 64;
    constexpr std::size_t kFields = 12;
    if (!in_file_ && header_.size() == kTag) {
        in_file_ = true;
        mp3_begin_ = static_cast<std::int64_t>(id3_size(header_));
        if (mp3_begin_ > 0) {
            skip_ = static_cast<std::uint64_t>(mp3_begin_) - kTag;
            return true;
        }
    }
    if (header_.size() < kReach + 4 + kFields) return false;
    const std::string_view frame = text(std::span(header_).first(kReach));
    const std::size_t at = std::min(frame.find("Xing"), frame.find("Info"));
    if (at != std::string_view::npos) {
        std::span<const std::byte> rest = std::span<const std::byte>(header_).subspan(at + 4);
        const auto next = [&rest] {
            const std::uint64_t number = big_endian(rest.first(4));
            rest = rest.subspan(4);
            return static_cast<std::int64_t>(number);
        };
        const std::int64_t fields = next();
        if ((fields & 1) != 0) mp3_frames_ = next();
        if ((fields & 2) != 0) mp3_bytes_ = next();
    }
    return last_ = true;
}

}  // namespace titans::audio
