#include "audio/truncation.h"

#include <array>
#include <bit>
#include <string_view>

namespace titans::audio {
namespace {

/// Reads forwards through foreign bytes; past their end all is zero and `overrun` is set.
class Cursor {
public:
    explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool overrun() const { return overrun_; }
    bool at_end() const { return offset_ >= bytes_.size(); }

    std::uint8_t next() {
        if (at_end()) {
            overrun_ = true;
            return 0;
        }
        return std::to_integer<std::uint8_t>(bytes_[offset_++]);
    }

    std::uint64_t big_endian(int count) {
        std::uint64_t number = 0;
        while (count-- > 0) number = number << 8 | next();
        return number;
    }

    std::uint32_t little_endian() {
        std::uint32_t number = 0;
        for (int shift = 0; shift < 32; shift += 8) number |= std::uint32_t{next()} << shift;
        return number;
    }

    bool next_is(std::string_view text) {
        bool same = true;
        for (const char letter : text) same = next() == static_cast<std::uint8_t>(letter) && same;
        return same;
    }

    void skip(std::uint64_t count) {
        if (count > bytes_.size() - offset_) {
            overrun_ = true;
            offset_ = bytes_.size();
        } else {
            offset_ += count;
        }
    }

private:
    std::span<const std::byte> bytes_;
    std::size_t offset_ = 0;
    bool overrun_ = false;
};

/// RIFF: chunks of name, size and as many bytes, padded to even.
bool wav_ends_early(Cursor cursor) {
    // What programs write that do not know the size yet: 0, or the largest number minus some
    // headers.
    constexpr std::uint32_t kUnknown = 0x7FFF'FF00;
    cursor.skip(12);
    while (!cursor.at_end()) {
        const bool is_data = cursor.next_is("data");
        const std::uint32_t size = cursor.little_endian();
        if (is_data) {
            if (size < kUnknown) cursor.skip(size);
            return cursor.overrun();
        }
        cursor.skip(std::uint64_t{size} + size % 2);
    }
    return true;
}

/// RFC 3533, section 6: pages of a 27-byte header, a table of segment sizes, and the segments.
bool ogg_ends_early(Cursor cursor) {
    while (!cursor.at_end()) {
        if (!cursor.next_is("OggS")) return cursor.overrun();
        cursor.skip(22);
        std::array<std::uint8_t, 256> sizes{};
        const std::uint8_t segments = cursor.next();
        for (std::size_t i = 0; i < segments; ++i) sizes[i] = cursor.next();
        for (const std::uint8_t size : sizes) cursor.skip(size);
    }
    return cursor.overrun();
}

/// ISO/IEC 14496-12, section 4.2: boxes of size (32 bits; 1: 64 bits follow the name; 0: to the
/// end) and name.
bool mp4_ends_early(Cursor cursor) {
    while (!cursor.at_end()) {
        std::uint64_t size = cursor.big_endian(4);
        std::uint64_t header = 8;
        cursor.skip(4);
        if (size == 1) {
            size = cursor.big_endian(8);
            header = 16;
        }
        if (size == 0) return cursor.overrun();
        if (size < header) return false;
        cursor.skip(size - header);
    }
    return cursor.overrun();
}

/// RFC 8794, sections 4 and 5: elements of identifier and size; a size of only ones is not known.
bool matroska_ends_early(Cursor cursor) {
    constexpr std::uint64_t kSegment = 0x1853'8067;
    constexpr std::uint64_t kCluster = 0x1F43'B675;
    while (!cursor.at_end()) {
        std::uint64_t id = cursor.next();
        const int id_rest = std::countl_zero(static_cast<std::uint8_t>(id));
        if (id_rest > 3) return false;
        id = id << (8 * id_rest) | cursor.big_endian(id_rest);

        const std::uint8_t first = cursor.next();
        const int size_rest = std::countl_zero(first);
        if (size_rest > 7) return cursor.overrun();
        std::uint64_t size = first & (0x7FU >> size_rest);
        size = size << (8 * size_rest) | cursor.big_endian(size_rest);
        const bool unknown = size == (std::uint64_t{1} << (7 * (size_rest + 1))) - 1;

        // Of what is open at its end, the parts are looked at instead.
        if (unknown && (id == kSegment || id == kCluster)) continue;
        if (unknown) return false;
        cursor.skip(size);
    }
    return cursor.overrun();
}

}  // namespace

bool ends_early(AudioKind kind, std::span<const std::byte> bytes) {
    switch (kind) {
        case AudioKind::Wav:
            return wav_ends_early(Cursor(bytes));
        case AudioKind::Ogg:
            return ogg_ends_early(Cursor(bytes));
        case AudioKind::Mp4:
            return mp4_ends_early(Cursor(bytes));
        case AudioKind::Matroska:
            return matroska_ends_early(Cursor(bytes));
        case AudioKind::Mp3:
            return announced_mp3_size(bytes).bytes >
                   static_cast<std::int64_t>(after_id3(bytes).size());
        // Here the decoder compares what came with the length that the header states, or checks
        // each frame.
        case AudioKind::Flac:
        case AudioKind::Aac:
        case AudioKind::Aiff:
            return false;
    }
    std::unreachable();
}

Mp3Size announced_mp3_size(std::span<const std::byte> bytes) {
    // The header stands in the first frame, behind a side information whose size depends on version
    // and channels.
    constexpr std::size_t kReach = 64;
    bytes = after_id3(bytes);
    const std::string_view frame(reinterpret_cast<const char*>(bytes.data()),
                                 std::min(bytes.size(), kReach));
    const std::size_t at = std::min(frame.find("Xing"), frame.find("Info"));
    if (at == std::string_view::npos) return {};
    Cursor cursor(bytes.subspan(at + 4));
    const std::uint64_t fields = cursor.big_endian(4);
    Mp3Size size;
    if ((fields & 1U) != 0) size.frames = static_cast<std::int64_t>(cursor.big_endian(4));
    if ((fields & 2U) != 0) size.bytes = static_cast<std::int64_t>(cursor.big_endian(4));
    return size;
}

}  // namespace titans::audio
