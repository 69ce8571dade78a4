#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "foundation/error.h"

namespace titans::net {

/// Reads a stream of server-sent events (https://html.spec.whatwg.org, 9.2.6) that comes in pieces
/// cut anywhere. Of each event only the data counts; names, ids and comments do not.
class EventStream {
public:
    /// Gets the data of one event; its Error ends the stream.
    using Sink = std::function<Result<void>(std::string_view data)>;

    /// An event may have `max_event_bytes` with all its lines.
    EventStream(std::size_t max_event_bytes, Sink sink)
        : max_event_bytes_(max_event_bytes), sink_(std::move(sink)) {}

    /// Errors: TooLarge; the sink's own. After one, add no more.
    Result<void> add(std::string_view bytes);

    /// At the end of all: an event without its empty line counts too. Errors as add().
    Result<void> finish();

private:
    Result<void> end_line();
    Result<void> end_event();

    const std::size_t max_event_bytes_;
    const Sink sink_;
    std::string line_;  // as far as it has come
    std::string data_;  // of the lines before, each with its line feed
    bool first_line_ = true;
    bool after_return_ = false;  // a line feed that follows belongs to it
};

}  // namespace titans::net
