#include "voice/f5tts/text_pieces.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

constexpr std::string_view kAsciiStops = ";:,.!?";
constexpr std::array<std::string_view, 6> kWideStops{"；", "：", "，", "。", "！", "？"};
constexpr double kMostSeconds = 22;
constexpr std::size_t kShortText = 10;  // bytes, below which the rule fails
constexpr double kShortTextSpeed = 0.3;

/// Python's str.isspace() for what stands in texts.
std::size_t space_at(std::string_view text, std::size_t at) {
    static constexpr std::array<std::string_view, 20> kWide{
        "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
        "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200A",
        "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};
    const char c = text[at];
    if (c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1C' && c <= '\x1F')) return 1;
    for (const std::string_view space : kWide)
        if (!space.empty() && text.substr(at).starts_with(space)) return space.size();
    return 0;
}

std::string_view strip(std::string_view text) {
    while (!text.empty()) {
        const std::size_t space = space_at(text, 0);
        if (space == 0) break;
        text.remove_prefix(space);
    }
    for (std::size_t length = 1; length <= std::min<std::size_t>(3, text.size());) {
        if (space_at(text, text.size() - length) == length) {
            text.remove_suffix(length);
            length = 1;
        } else {
            ++length;
        }
    }
    return text;
}

/// Cut behind ASCII punctuation where spaces follow, which go, and behind wide punctuation.
std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto wide = std::ranges::find_if(
            kWideStops, [&](std::string_view stop) { return text.substr(at).starts_with(stop); });
        if (wide != kWideStops.end()) {
            at += wide->size();
            parts.push_back(text.substr(begin, at - begin));
            begin = at;
            continue;
        }
        const bool stop = kAsciiStops.contains(text[at]);
        ++at;
        if (!stop) continue;
        std::size_t next = at;
        while (next < text.size()) {
            const std::size_t space = space_at(text, next);
            if (space == 0) break;
            next += space;
        }
        if (next == at) continue;
        parts.push_back(text.substr(begin, at - begin));
        begin = at = next;
    }
    if (begin < text.size()) parts.push_back(text.substr(begin));
    return parts;
}

}  // namespace

std::vector<std::string> cut_text(std::string_view text, std::size_t longest) {
    std::vector<std::string> pieces;
    std::string piece;
    const auto put = [&] {
        if (!piece.empty()) pieces.emplace_back(strip(piece));
        piece.clear();
    };
    for (const std::string_view part : split(text)) {
        if (part.empty()) continue;
        if (piece.size() + part.size() > longest) put();
        piece += part;
        if (static_cast<unsigned char>(part.back()) < 0x80) piece += ' ';
    }
    put();
    return pieces;
}

std::size_t longest_piece(double seconds, std::size_t reference_bytes, double speed) {
    const double bytes =
        static_cast<double>(reference_bytes) / seconds * (kMostSeconds - seconds) * speed;
    return static_cast<std::size_t>(std::max(0.0, bytes));
}

int piece_frames(std::size_t reference_samples, std::size_t reference_bytes, std::size_t text_bytes,
                 double speed) {
    const auto frames = static_cast<double>(reference_samples / kHop);
    const double at = text_bytes < kShortText ? kShortTextSpeed : speed;
    return static_cast<int>(frames) +
           static_cast<int>(frames / static_cast<double>(reference_bytes) *
                            static_cast<double>(text_bytes) / at);
}

std::string end_reference_text(std::string text) {
    if (!text.ends_with(". ") && !text.ends_with("。")) text += text.ends_with('.') ? " " : ". ";
    return text;
}

std::string before_new_text(std::string reference_text) {
    if (static_cast<unsigned char>(reference_text.back()) < 0x80) reference_text += ' ';
    return reference_text;
}

std::vector<float> cross_fade(const std::vector<std::vector<float>>& pieces, double seconds) {
    std::vector<float> whole;
    for (const std::vector<float>& piece : pieces) {
        const auto fade = std::min({static_cast<std::size_t>(std::max(0.0, seconds) * kRate.hz),
                                    whole.size(), piece.size()});
        const std::size_t begin = whole.size() - fade;
        for (std::size_t i = 0; i < fade; ++i) {
            const float in =
                fade == 1 ? 0.0F : static_cast<float>(i) / static_cast<float>(fade - 1);
            const float out = fade == 1 ? 1.0F : 1 - in;
            whole[begin + i] = whole[begin + i] * out + piece[i] * in;
        }
        whole.insert(whole.end(), piece.begin() + static_cast<std::ptrdiff_t>(fade), piece.end());
    }
    return whole;
}

}  // namespace titans::voice::f5tts
