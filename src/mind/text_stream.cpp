#include "mind/text_stream.h"

#include <algorithm>

namespace titans::mind {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Of the character that `text` begins with, or of the bytes there that are none. `complete` is
/// false if more bytes are needed to tell (Unicode 16, table 3-7).
struct Character {
    std::size_t size;
    bool valid;
    bool complete;
};

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {1, true, true};
    const std::size_t size = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : (lead & 0xF0) == 0xE0        ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
    if (size == 0) return {1, false, true};
    for (std::size_t i = 1; i < size; ++i) {
        if (i >= text.size()) return {i, false, false};
        unsigned low = 0x80;
        unsigned high = 0xBF;
        if (i == 1) {
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        }
        if (byte(i) < low || byte(i) > high) return {i, false, true};
    }
    return {size, true, true};
}

}  // namespace

TextStream::TextStream(std::vector<std::string> stop_strings, TextSink sink)
    : stop_strings_(std::move(stop_strings)), sink_(std::move(sink)) {
    std::erase_if(stop_strings_, [](const std::string& stop) { return stop.empty(); });
}

bool TextStream::add(std::string_view bytes) {
    if (stopped_) return false;
    partial_character_ += bytes;
    std::string_view rest = partial_character_;
    while (!rest.empty()) {
        const Character character = first_character(rest);
        if (!character.complete) break;
        held_ += character.valid ? rest.substr(0, character.size) : kReplacement;
        rest.remove_prefix(character.size);
    }
    partial_character_.erase(0, partial_character_.size() - rest.size());

    std::size_t stop_at = std::string::npos;
    for (const std::string& stop : stop_strings_) stop_at = std::min(stop_at, held_.find(stop));
    if (stop_at != std::string::npos) {
        emit(stop_at);
        stopped_ = true;
        return false;
    }
    std::size_t kept = 0;  // the longest end of held_ with which a stop string begins
    for (const std::string& stop : stop_strings_) {
        for (std::size_t size = std::min(stop.size() - 1, held_.size()); size > kept; --size) {
            if (held_.ends_with(std::string_view(stop).substr(0, size))) kept = size;
        }
    }
    // A stop string that is not UTF-8 could begin in the middle of a character.
    std::size_t size = held_.size() - kept;
    while (size > 0 && size < held_.size() &&
           (static_cast<unsigned char>(held_[size]) & 0xC0) == 0x80)
        --size;
    emit(size);
    return true;
}

void TextStream::finish() {
    if (stopped_) return;
    emit(held_.size());
    stopped_ = true;
}

void TextStream::emit(std::size_t size) {
    std::string piece = held_.substr(0, size);
    held_.erase(0, size);
    if (text_.empty()) piece.erase(0, piece.find_first_not_of(" \n\r\t"));
    if (piece.empty()) return;
    text_ += piece;
    if (sink_) sink_(piece);
}

}  // namespace titans::mind
