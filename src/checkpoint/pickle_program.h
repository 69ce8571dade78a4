#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "foundation/error.h"

namespace titans::checkpoint {

/// What every mistake in a pickle is answered with.
std::unexpected<Error> bad_pickle(std::string_view why);

/// The bytes of a pickle, read from the front.
class PickleProgram {
public:
    explicit PickleProgram(std::span<const std::byte> bytes)
        : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

    std::size_t place() const { return place_; }
    std::string_view rest() const { return text_.substr(place_); }

    Result<std::string_view> take(std::uint64_t count) {
        if (count > text_.size() - place_)
            return bad_pickle("ends in the middle of an instruction");
        const std::string_view taken = text_.substr(place_, count);
        place_ += count;
        return taken;
    }

    /// A little-endian number.
    template <typename Number>
    Result<Number> read() {
        Number value{};
        TITANS_TRY(const std::string_view bytes, take(sizeof value));
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }

    /// As many bytes as a number of type Length before them says.
    template <typename Length>
    Result<std::string_view> counted() {
        TITANS_TRY(const Length length, read<Length>());
        return take(length);
    }

    /// Up to the end of the line, which is taken too.
    Result<std::string_view> line() {
        const std::size_t end = text_.find('\n', place_);
        if (end == std::string_view::npos) return bad_pickle("has a line without an end");
        const std::string_view taken = text_.substr(place_, end - place_);
        place_ = end + 1;
        return taken;
    }

    /// A line that is a number in digits, with or without Python's L after it.
    template <typename Number>
    Result<Number> number_line() {
        TITANS_TRY(std::string_view digits, line());
        if (digits.ends_with('L')) digits.remove_suffix(1);
        Number value{};
        const char* const end = digits.data() + digits.size();
        const auto [rest, error] = std::from_chars(digits.data(), end, value);
        if (error != std::errc() || rest != end) return bad_pickle("has a number that is none");
        return value;
    }

private:
    std::string_view text_;
    std::size_t place_ = 0;
};

}  // namespace titans::checkpoint
