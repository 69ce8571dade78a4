#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace titans::api {

/// A part of a file. `count` of 0: what was asked for lies behind the file's end.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

/// What a Range header asks of a file of `size` bytes. Nothing, and so all of the file, for what is
/// no range of bytes and for several at once (RFC 9110, 14.2 lets a server ignore them).
std::optional<ByteRange> parse_byte_range(std::string_view header, std::uint64_t size);

/// True if an If-None-Match header has `etag`, with its quotes, or "*".
bool names_etag(std::string_view header, std::string_view etag);

}  // namespace titans::api
