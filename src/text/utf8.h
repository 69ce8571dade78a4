#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace titans::text {

/// Whether `bytes` are well-formed UTF-8: no overlong forms, no surrogates.
bool is_utf8(std::string_view bytes);

/// `bytes` with each malformed sequence replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);

/// `text` without the byte order mark that some editors put in front.
std::string_view without_bom(std::string_view text);

/// The longest start of `text` of at most `bytes` bytes that ends between code points.
std::string_view truncate(std::string_view text, std::size_t bytes);

std::size_t count_code_points(std::string_view text);

/// The code point at `position`, which moves behind it; a malformed sequence reads as U+FFFD.
/// `position` must be inside `text`.
char32_t next_code_point(std::string_view text, std::size_t& position);

/// The code point that ends at `position`, which moves to its start. `position` must be above 0.
char32_t previous_code_point(std::string_view text, std::size_t& position);

/// How many bytes at the end of `text` are the start of a code point whose rest is missing: what a
/// stream must keep until its next piece.
std::size_t incomplete_bytes(std::string_view text);

/// Appends `code_point` as UTF-8.
void append(std::string& text, char32_t code_point);

/// White space as Unicode has it: spaces, tabs and line ends of every script.
bool is_space(char32_t code_point);

/// `text` without white space at its ends.
std::string_view trim(std::string_view text);

}  // namespace titans::text
