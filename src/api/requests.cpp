#include "api/requests.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "execution/event_loop.h"

namespace titans::api {
namespace {

/// How often a request is looked after: what a client that has gone costs at most.
constexpr double kWatchSeconds = 0.1;

}  // namespace

Result<CharacterId> parse_character_id(std::string_view text, std::string_view field) {
    CharacterId id;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id.value);
    if (error != std::errc() || end != text.data() + text.size() || id.value <= 0) {
        return fail(ErrorKind::InvalidInput,
                    std::format("{}: must be the number of a character", field));
    }
    return id;
}

bool has_media_type(const drogon::HttpRequestPtr& request, std::string_view type) {
    std::string given = request->getHeader("content-type");
    given = given.substr(0, given.find(';'));
    std::ranges::transform(given, given.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    while (given.ends_with(' ')) given.pop_back();
    return given == type;
}

std::string base_url(const drogon::HttpRequestPtr& request, const std::string& public_url) {
    if (!public_url.empty()) return public_url;
    const std::string& host = request->getHeader("host");
    constexpr std::string_view kSigns = ".-_:[]";
    const bool sound = !host.empty() && std::ranges::all_of(host, [&](unsigned char c) {
        return std::isalnum(c) != 0 || kSigns.contains(static_cast<char>(c));
    });
    return "http://" + (sound ? host : request->getLocalAddr().toIpPort());
}

struct RequestStop::State {
    drogon::HttpRequestPtr request;
    std::stop_source source;
    bool timed_out = false;
    EventLoop& loop = current_loop();
    trantor::TimerId watch = trantor::InvalidTimerId;
    trantor::TimerId alarm = trantor::InvalidTimerId;
    std::optional<std::stop_callback<std::function<void()>>> shutdown;
};

RequestStop::RequestStop(drogon::HttpRequestPtr request, std::chrono::seconds deadline,
                         std::stop_token shutdown)
    : state_(std::make_shared<State>()) {
    state_->request = std::move(request);
    State* const state = state_.get();  // the timers end before it does
    state_->watch = state_->loop.runEvery(kWatchSeconds, [state] {
        if (!state->request->connected()) state->source.request_stop();
    });
    state_->alarm = state_->loop.runAfter(static_cast<double>(deadline.count()), [state] {
        state->timed_out = true;
        state->source.request_stop();
    });
    state_->shutdown.emplace(std::move(shutdown),
                             [source = state_->source]() mutable { source.request_stop(); });
}

RequestStop::~RequestStop() {
    state_->loop.invalidateTimer(state_->watch);
    state_->loop.invalidateTimer(state_->alarm);
}

std::stop_token RequestStop::token() const { return state_->source.get_token(); }

void RequestStop::request_stop() { state_->source.request_stop(); }

Error RequestStop::explain(Error error) const {
    if (error.kind != ErrorKind::Cancelled || !state_->timed_out) return error;
    return {ErrorKind::Timeout, "the answer was not ready before the deadline",
            std::move(error.detail)};
}

}  // namespace titans::api
