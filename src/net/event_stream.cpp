#include "net/event_stream.h"

#include <format>

namespace titans::net {

Result<void> EventStream::add(std::string_view bytes) {
    while (!bytes.empty()) {
        if (after_return_ && bytes.front() == '\n') bytes.remove_prefix(1);
        after_return_ = false;
        const std::size_t end = bytes.find_first_of("\r\n");
        const std::string_view piece = bytes.substr(0, end);
        if (data_.size() + line_.size() + piece.size() > max_event_bytes_)
            return fail(ErrorKind::TooLarge,
                        std::format("an event has more than {} bytes", max_event_bytes_));
        line_ += piece;
        if (end == std::string_view::npos) return {};
        after_return_ = bytes[end] == '\r';
        bytes.remove_prefix(end + 1);
        TITANS_TRY_VOID(end_line());
    }
    return {};
}

Result<void> EventStream::finish() {
    TITANS_TRY_VOID(end_line());
    return end_event();
}

Result<void> EventStream::end_line() {
    const std::string whole = std::exchange(line_, {});
    std::string_view line = whole;
    if (std::exchange(first_line_, false) && line.starts_with("\xEF\xBB\xBF"))
        line.remove_prefix(3);
    if (line.empty()) return end_event();
    const std::size_t colon = line.find(':');
    if (line.substr(0, colon) != "data") return {};
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    data_ += value;
    data_ += '\n';
    return {};
}

Result<void> EventStream::end_event() {
    if (data_.empty()) return {};
    std::string data = std::exchange(data_, {});
    data.pop_back();
    return sink_(data);
}

}  // namespace titans::net
