#include "checkpoint/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <optional>
#include <ranges>

namespace titans::checkpoint {
namespace {

// Of APPNOTE.TXT, the format's description.
constexpr std::uint32_t kFileSignature = 0x04034b50;
constexpr std::uint32_t kEntrySignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::size_t kFileSize = 30;
constexpr std::size_t kEntrySize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kLocator64Size = 20;
constexpr std::uint16_t kIn64 = 0xFFFF;  // the number stands in the 64-bit form
constexpr std::uint32_t kIn64Long = 0xFFFFFFFF;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint64_t kMostFiles = 1 << 18;

std::unexpected<Error> bad(std::string_view why, ErrorKind kind = ErrorKind::InvalidInput) {
    return fail(kind, std::format("its archive {}", why));
}

using Bytes = std::span<const std::byte>;

/// The number at `place`, which must lie inside.
template <typename Number>
Number at(Bytes bytes, std::size_t place) {
    Number value{};
    std::memcpy(&value, bytes.data() + place, sizeof value);
    return value;
}

/// Where the directory lies and how many files it has.
struct Directory {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t count = 0;
};

/// The place of the end record: the only one whose comment ends where the archive does.
std::optional<std::size_t> find_end(Bytes bytes) {
    constexpr std::size_t kLongestComment = 0xFFFF;
    std::optional<std::size_t> found;
    if (bytes.size() < kEndSize) return found;
    const std::size_t last = bytes.size() - kEndSize;
    const std::size_t first = last - std::min(last, kLongestComment);
    for (std::size_t place = first; place <= last; ++place) {
        if (at<std::uint32_t>(bytes, place) != kEndSignature) continue;
        if (at<std::uint16_t>(bytes, place + 20) != last - place) continue;
        if (found) return std::nullopt;
        found = place;
    }
    return found;
}

Result<Directory> find_directory(Bytes bytes) {
    const auto end = find_end(bytes);
    if (!end) return bad("has no end, or two");
    const auto disks = at<std::uint32_t>(bytes, *end + 4);
    const auto here = at<std::uint16_t>(bytes, *end + 8);
    const auto all = at<std::uint16_t>(bytes, *end + 10);
    const auto size = at<std::uint32_t>(bytes, *end + 12);
    const auto offset = at<std::uint32_t>(bytes, *end + 16);
    if (disks != 0 || here != all) return bad("lies on several disks", ErrorKind::Unsupported);
    Directory directory{.offset = offset, .size = size, .count = all};
    std::size_t limit = *end;  // where the directory must end

    const bool has_locator = *end >= kLocator64Size + kEnd64Size &&
                             at<std::uint32_t>(bytes, *end - kLocator64Size) == kLocator64Signature;
    if (has_locator) {
        limit = *end - kLocator64Size - kEnd64Size;
        const std::size_t locator = *end - kLocator64Size;
        if (at<std::uint64_t>(bytes, locator + 8) != limit ||
            at<std::uint32_t>(bytes, limit) != kEnd64Signature ||
            at<std::uint64_t>(bytes, limit + 4) != kEnd64Size - 12) {
            return bad("has no 64-bit end where it says");
        }
        if (at<std::uint32_t>(bytes, locator + 4) != 0 ||
            at<std::uint32_t>(bytes, locator + 16) > 1 ||
            at<std::uint64_t>(bytes, limit + 16) != 0 ||
            at<std::uint64_t>(bytes, limit + 24) != at<std::uint64_t>(bytes, limit + 32)) {
            return bad("lies on several disks", ErrorKind::Unsupported);
        }
        directory = {.offset = at<std::uint64_t>(bytes, limit + 48),
                     .size = at<std::uint64_t>(bytes, limit + 40),
                     .count = at<std::uint64_t>(bytes, limit + 32)};
        if ((all != kIn64 && all != directory.count) ||
            (size != kIn64Long && size != directory.size) ||
            (offset != kIn64Long && offset != directory.offset)) {
            return bad("says two things about its directory");
        }
    }
    if (directory.offset > limit || directory.size != limit - directory.offset)
        return bad("has its directory elsewhere than it says");
    if (directory.count > kMostFiles) return bad("has too many files");
    return directory;
}

/// An entry of the directory.
struct Entry {
    std::string_view name;
    std::uint64_t offset = 0;
    std::uint64_t packed = 0;
    std::uint64_t size = 0;
    std::uint32_t checksum = 0;
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::size_t length = 0;  // of the entry itself
};

/// Replaces the numbers that stand in the extra field of 64-bit ones.
Result<void> read_extra(Bytes extra, Entry& entry) {
    constexpr std::uint16_t kZip64 = 1;
    std::optional<Bytes> numbers;
    while (extra.size() >= 4) {
        const auto kind = at<std::uint16_t>(extra, 0);
        const auto size = at<std::uint16_t>(extra, 2);
        if (size > extra.size() - 4) return bad("has an extra field longer than itself");
        if (kind == kZip64) {
            if (numbers) return bad("has the 64-bit sizes of a file twice");
            numbers = extra.subspan(4, size);
        }
        extra = extra.subspan(4 + size);
    }
    for (std::uint64_t* const number : {&entry.size, &entry.packed, &entry.offset}) {
        if (*number != kIn64Long) continue;
        if (!numbers) continue;  // the number itself, in an archive without 64-bit ones
        if (numbers->size() < 8) return bad("lacks the 64-bit size of a file");
        *number = at<std::uint64_t>(*numbers, 0);
        numbers = numbers->subspan(8);
    }
    return {};
}

/// Whether a name stays inside the folder that it is unpacked to, on any system.
bool is_inside(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.contains('\0') || name.contains('\\') ||
        name.contains(':')) {
        return false;
    }
    return std::ranges::none_of(std::views::split(name, '/'), [](const auto part) {
        return std::string_view(part) == ".." || std::string_view(part) == ".";
    });
}

Result<Entry> read_entry(Bytes rest) {
    if (rest.size() < kEntrySize || at<std::uint32_t>(rest, 0) != kEntrySignature)
        return bad("has fewer files than it says");
    Entry entry{.offset = at<std::uint32_t>(rest, 42),
                .packed = at<std::uint32_t>(rest, 20),
                .size = at<std::uint32_t>(rest, 24),
                .checksum = at<std::uint32_t>(rest, 16),
                .flags = at<std::uint16_t>(rest, 8),
                .method = at<std::uint16_t>(rest, 10)};
    const std::size_t name = at<std::uint16_t>(rest, 28);
    const std::size_t extra = at<std::uint16_t>(rest, 30);
    const std::size_t comment = at<std::uint16_t>(rest, 32);
    entry.length = kEntrySize + name + extra + comment;
    if (entry.length > rest.size()) return bad("ends in the middle of its directory");
    entry.name = {reinterpret_cast<const char*>(rest.data()) + kEntrySize, name};
    if (!is_inside(entry.name)) return bad("names a file outside its folder");
    if (at<std::uint16_t>(rest, 34) != 0)
        return bad("lies on several disks", ErrorKind::Unsupported);
    TITANS_TRY_VOID(read_extra(rest.subspan(kEntrySize + name, extra), entry));
    constexpr std::uint16_t kEncrypted = 0x2041;  // the file, by either method, or the directory
    if ((entry.flags & kEncrypted) != 0) return bad("is encrypted", ErrorKind::Unsupported);
    if (entry.method != kStored && entry.method != kDeflated)
        return bad("is packed by a method that is not supported", ErrorKind::Unsupported);
    if (entry.method == kStored && entry.packed != entry.size)
        return bad("says two sizes of a file");
    return entry;
}

/// What stands before the directory: the file's own header, which must say the same, and its bytes.
Result<Bytes> find_bytes(Bytes files, const Entry& entry) {
    if (entry.offset > files.size() || files.size() - entry.offset < kFileSize)
        return bad("has a file outside itself");
    const Bytes file = files.subspan(entry.offset);
    const std::size_t name = at<std::uint16_t>(file, 26);
    const std::size_t begin = kFileSize + name + at<std::uint16_t>(file, 28);
    if (at<std::uint32_t>(file, 0) != kFileSignature || begin > file.size() ||
        entry.packed > file.size() - begin) {
        return bad("has a file outside itself");
    }
    const std::string_view own_name(reinterpret_cast<const char*>(file.data()) + kFileSize, name);
    constexpr std::uint16_t kSizesFollow = 0x0008;
    const auto says = [&](std::size_t place, std::uint64_t number) {
        const auto own = at<std::uint32_t>(file, place);
        return own == kIn64Long || own == number;
    };
    const bool agrees =
        own_name == entry.name && at<std::uint16_t>(file, 8) == entry.method &&
        at<std::uint16_t>(file, 6) == entry.flags &&
        ((entry.flags & kSizesFollow) != 0 || (says(18, entry.packed) && says(22, entry.size)));
    if (!agrees) return bad("says two things about a file");
    return file.subspan(begin, entry.packed);
}

}  // namespace

Result<ZipArchive> ZipArchive::parse(Bytes bytes) {
    TITANS_TRY(const Directory directory, find_directory(bytes));
    const Bytes files = bytes.first(directory.offset);
    Bytes rest = bytes.subspan(directory.offset, directory.size);
    ZipArchive archive;
    struct Place {
        std::uint64_t begin, end;
    };
    std::vector<Place> places;
    for (std::uint64_t i = 0; i < directory.count; ++i) {
        TITANS_TRY(const Entry entry, read_entry(rest));
        rest = rest.subspan(entry.length);
        TITANS_TRY(const Bytes packed, find_bytes(files, entry));
        places.push_back({entry.offset, static_cast<std::uint64_t>(packed.data() - files.data()) +
                                            packed.size()});
        const File file{.bytes = packed,
                        .size = entry.size,
                        .checksum = entry.checksum,
                        .is_deflated = entry.method == kDeflated};
        if (!archive.files_.try_emplace(entry.name, file).second)
            return bad("has two files of one name");
    }
    if (!rest.empty()) return bad("has more files than it says");
    std::ranges::sort(places, {}, &Place::begin);
    for (std::size_t i = 1; i < places.size(); ++i) {
        if (places[i].begin < places[i - 1].end) return bad("has files that overlap");
    }
    // Weights hardly shrink. What small files of settings and zeros may need comes on top.
    archive.inflatable_ = (std::uint64_t{64} << 20) + (4 * std::uint64_t{bytes.size()});
    return archive;
}

std::vector<std::string_view> ZipArchive::names() const {
    return {std::from_range, std::views::keys(files_)};
}

Result<Bytes> ZipArchive::read(std::string_view name,
                               std::vector<std::vector<std::byte>>& inflated) {
    const auto found = files_.find(name);
    if (found == files_.end()) return bad(std::format("has no file {}", name));
    const File& file = found->second;
    if (!file.is_deflated) return file.bytes;
    if (file.size > inflatable_) return bad("is unreasonably large when unpacked");
    inflatable_ -= file.size;

    std::vector<std::byte> bytes;
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return bad("cannot be unpacked");
    int status = Z_OK;
    Bytes rest = file.bytes;
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    while (status == Z_OK) {
        if (stream.avail_in == 0) {
            const Bytes block = rest.first(std::min(rest.size(), kBlock));
            rest = rest.subspan(block.size());
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(block.data()));
            stream.avail_in = static_cast<uInt>(block.size());
        }
        const std::size_t done = bytes.size();
        // One byte more than there should be, so that more than it says is noticed.
        bytes.resize(std::min<std::uint64_t>(done + kBlock, file.size + 1));
        if (bytes.size() == done) break;
        stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
        stream.avail_out = static_cast<uInt>(bytes.size() - done);
        status = inflate(&stream, Z_NO_FLUSH);
        bytes.resize(bytes.size() - stream.avail_out);
    }
    const bool took_all = stream.avail_in == 0 && rest.empty();
    inflateEnd(&stream);
    if (status != Z_STREAM_END || !took_all || bytes.size() != file.size)
        return bad(std::format("has a broken file {}", name));
    const auto checksum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    if (checksum != file.checksum) return bad(std::format("has a damaged file {}", name));
    return inflated.emplace_back(std::move(bytes));
}

}  // namespace titans::checkpoint
