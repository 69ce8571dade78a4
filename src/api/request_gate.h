#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/request_head.h"
#include "foundation/secret.h"
#include "foundation/units.h"

namespace titans::api {

/// Who may come in, and with how much.
struct GateRules {
    Secret api_key;                          // empty: none is asked for
    std::vector<std::string> allowed_hosts;  // lower case, without ports
    std::string public_url;                  // empty: none
    std::uint64_t max_body_bytes = 0;
    // A larger body is kept on the disk while it comes, if there is room for what is left of it.
    std::uint64_t max_body_in_memory = UINT64_MAX;
    std::function<bool(std::uint64_t bytes)> has_room;
};

/// Whether a request may come in, judged in this order: its key (401), its Host (403), the Origin
/// of the page that sends it (403), its size (413).
std::optional<Refusal> judge(const RequestHead& head, const GateRules& rules);

/// One connection's bytes, cut into requests. Only what is well formed and allowed goes on to the
/// HTTP parser behind it, which trusts its input too much: lengths of chunks, numbers of headers.
///
/// Lives on its connection's event loop.
class RequestGate {
public:
    using Forward = std::function<void(std::string_view bytes)>;

    /// `rules` outlives it.
    explicit RequestGate(const GateRules& rules) : rules_(rules) {}

    /// Takes what has come at `now`, and gives on what may pass, in order. After a refusal nothing
    /// passes any more.
    std::optional<Refusal> take(std::string_view bytes, const Forward& forward,
                                Clock::time_point now);

    /// True if a request has been coming for too long at `now`: who sends a byte a minute would
    /// hold its connection for ever.
    bool is_too_slow(Clock::time_point now) const;

    /// The request that was refused asked for no body: HEAD.
    bool wants_no_body() const { return method_is_head_; }

private:
    enum class State : std::uint8_t {
        Head,
        Body,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        LastChunkEnd,
        Refused
    };

    std::optional<Refusal> step(std::string_view& bytes, std::string& passing,
                                Clock::time_point now);
    std::optional<Refusal> take_head(std::string_view& bytes, std::string& passing,
                                     Clock::time_point now);
    std::optional<Refusal> take_body(std::string_view& bytes, std::string& passing);
    std::optional<Refusal> take_chunk_size(std::string_view& bytes, std::string& passing);
    /// Takes "\r\n"; false while it has not come whole.
    std::optional<Refusal> take_line_end(std::string_view& bytes, std::string& passing, State next);
    void expect_request();

    const GateRules& rules_;
    State state_ = State::Head;
    std::string line_;             // what has come of a head, a chunk's size or a line's end
    std::uint64_t left_ = 0;       // of the body or chunk
    std::uint64_t body_size_ = 0;  // that has been announced so far
    std::optional<Clock::time_point> began_;  // the request that is coming
    bool method_is_head_ = false;
};

}  // namespace titans::api
