#include "cli/event_stream.h"

namespace titans::cli {
namespace {
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
}  // namespace

Result<void> EventStream::add(std::string_view bytes) {
    while (true) {
        const std::size_t end = bytes.find('\n');
        if (end == bytes.npos) break;
        rest_ += bytes.substr(0, end);
        bytes.remove_prefix(end + 1);
        if (rest_.ends_with('\r')) rest_.pop_back();
        const std::string line = std::exchange(rest_, {});
        TITANS_TRY_VOID(take_line(line));
    }
    rest_ += bytes;
    if (rest_.size() + data_.size() > kMostBytes) {
        return fail(ErrorKind::TooLarge, "the server sent an event without an end");
    }
    return {};
}

Result<void> EventStream::take_line(std::string_view line) {
    if (line.empty()) {
        const std::string name = std::exchange(name_, {});
        std::string data = std::exchange(data_, {});
        if (data.empty()) return {};
        data.pop_back();  // the line break after its last line
        return sink_(name.empty() ? "message" : name, data);
    }
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") name_ = value;
    if (field == "data") data_.append(value).append("\n");
    return {};
}

}  // namespace titans::cli
