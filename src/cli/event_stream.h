#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "foundation/error.h"

namespace titans::cli {

/// Cuts a text/event-stream body, which comes in pieces of any size, into events (WHATWG HTML,
/// "Server-sent events"; without `id` and `retry`, which a single answer does not have).
class EventStream {
public:
    /// Called with each event's name and data.
    using Sink = std::function<Result<void>(std::string_view name, std::string_view data)>;

    explicit EventStream(Sink sink) : sink_(std::move(sink)) {}

    /// Errors: TooLarge if one event has more than 64 MiB; the sink's own.
    Result<void> add(std::string_view bytes);

private:
    Result<void> take_line(std::string_view line);

    Sink sink_;
    std::string rest_;  // the begin of a line whose end has not come
    std::string name_;
    std::string data_;
};

}  // namespace titans::cli
