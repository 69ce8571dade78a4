#include "text/byte_pairs.h"

#include <unicode/uchar.h>

#include <array>
#include <cassert>
#include <format>

#include "text/utf8.h"

namespace titans::text {
namespace {

/// A byte that Latin-1 prints is written as that character, and each other one, in order, as the
/// next character from U+0100 on.
std::map<char32_t, char> make_byte_of_character() {
    std::map<char32_t, char> bytes;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
        const bool printed =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        bytes.emplace(printed ? static_cast<char32_t>(byte) : next++, static_cast<char>(byte));
    }
    return bytes;
}

enum class Kind { Space, Letter, Digit, Other };

Kind kind_of(char32_t code_point) {
    const auto c = static_cast<UChar32>(code_point);
    if (is_space(code_point)) return Kind::Space;
    const std::uint32_t category = U_GET_GC_MASK(c);
    if ((category & U_GC_L_MASK) != 0) return Kind::Letter;
    if ((category & U_GC_N_MASK) != 0) return Kind::Digit;
    return Kind::Other;
}

Kind kind_at(std::string_view text, std::size_t at) { return kind_of(next_code_point(text, at)); }

/// Where the run of `kind` that begins at `at` ends.
std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
    while (at < text.size() && kind_at(text, at) == kind) next_code_point(text, at);
    return at;
}

/// Where the piece that begins at `at` ends: no merge crosses the border of two pieces. A piece is
/// an English ending ('s, 't, 're, ...), or letters, digits or other marks with a space before
/// them, or spaces but for the last one before a piece (GPT-2, encoder.py).
std::size_t piece_end(std::string_view text, std::size_t at) {
    static constexpr std::array<std::string_view, 7> kEndings{"'s", "'t",  "'re", "'ve",
                                                              "'m", "'ll", "'d"};
    for (const std::string_view ending : kEndings)
        if (text.substr(at).starts_with(ending)) return at + ending.size();
    if (kind_at(text, at) != Kind::Space) return run_end(text, at, kind_at(text, at));
    if (text[at] == ' ' && at + 1 < text.size() && kind_at(text, at + 1) != Kind::Space)
        return run_end(text, at + 1, kind_at(text, at + 1));
    const std::size_t end = run_end(text, at, Kind::Space);
    if (end == text.size()) return end;
    std::size_t last = end;
    previous_code_point(text, last);
    return last == at ? end : last;
}

}  // namespace

Result<BytePairs> BytePairs::make(std::span<const std::string> tokens) {
    const std::map<char32_t, char> byte_of = make_byte_of_character();
    BytePairs made;
    for (const std::string& token : tokens) {
        std::string bytes;
        for (std::size_t at = 0; at < token.size();) {
            const auto found = byte_of.find(next_code_point(token, at));
            if (found == byte_of.end()) {
                return fail(ErrorKind::Unsupported,
                            std::format("the vocabulary's token {} is not of byte-level BPE",
                                        made.tokens_.size()));
            }
            bytes += found->second;
        }
        made.ids_.try_emplace(bytes, static_cast<int>(made.tokens_.size()));
        made.tokens_.push_back(std::move(bytes));
    }
    for (int byte = 0; byte < 256; ++byte) {
        if (!made.ids_.contains(std::string(1, static_cast<char>(byte)))) {
            return fail(ErrorKind::Unsupported,
                        std::format("the vocabulary has no token for the byte {}", byte));
        }
    }
    return made;
}

std::vector<int> BytePairs::encode(std::string_view text) const {
    assert(is_utf8(text));
    std::vector<int> ids;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = piece_end(text, at);
        encode_piece(text.substr(at, end - at), ids);
        at = end;
    }
    return ids;
}

/// Merges the neighbours whose token has the lowest number, until no two are a token together.
void BytePairs::encode_piece(std::string_view piece, std::vector<int>& ids) const {
    std::vector<std::string_view> parts;
    for (std::size_t i = 0; i < piece.size(); ++i) parts.push_back(piece.substr(i, 1));
    while (true) {
        std::size_t best = parts.size();
        int lowest = static_cast<int>(tokens_.size());
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            const std::string_view both(parts[i].data(), parts[i].size() + parts[i + 1].size());
            const auto found = ids_.find(both);
            if (found == ids_.end() || found->second >= lowest) continue;
            lowest = found->second;
            best = i;
        }
        if (best == parts.size()) break;
        parts[best] = {parts[best].data(), parts[best].size() + parts[best + 1].size()};
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    for (const std::string_view part : parts) ids.push_back(ids_.find(part)->second);
}

}  // namespace titans::text
