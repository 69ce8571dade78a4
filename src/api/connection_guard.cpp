#include "api/connection_guard.h"

#include <drogon/HttpAppFramework.h>
#include <trantor/net/TcpConnection.h>
#include <trantor/utils/MsgBuffer.h>

#include "api/status.h"
#include "foundation/log.h"

namespace titans::api {
namespace {

constexpr double kWatchSeconds = 2;

std::string_view reason_phrase(int status) {
    switch (status) {
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 405:
            return "Method Not Allowed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 417:
            return "Expectation Failed";
        case 431:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        default:
            return "Bad Request";
    }
}

std::string_view extra_header(int status) {
    if (status == 401) return "www-authenticate: Bearer\r\n";
    if (status == 503) return "retry-after: 60\r\n";
    return "";
}

std::string response_text(const Refusal& refusal, bool with_body) {
    const std::string body = error_body(refusal.message).dump();
    return std::format(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\n{}connection: "
        "close\r\n\r\n{}",
        refusal.status, reason_phrase(refusal.status), body.size(), extra_header(refusal.status),
        with_body ? body : "");
}

/// Lets us read what trantor lets us set: the callback that Drogon has put there.
struct ReceiveCallback : trantor::TcpConnection {
    static const trantor::RecvMessageCallback& of(const trantor::TcpConnection& connection) {
        return connection.*&ReceiveCallback::recvMsgCallback_;
    }
};

class GuardedConnection {
public:
    GuardedConnection(std::shared_ptr<const GateRules> rules, trantor::RecvMessageCallback parser)
        : rules_(std::move(rules)), gate_(*rules_), parser_(std::move(parser)) {}

    void receive(const trantor::TcpConnectionPtr& connection, trantor::MsgBuffer* buffer) {
        const auto forward = [&](std::string_view bytes) {
            passed_.append(bytes.data(), bytes.size());
            parser_(connection, &passed_);
        };
        const auto refusal =
            gate_.take({buffer->peek(), buffer->readableBytes()}, forward, Clock::now());
        buffer->retrieveAll();
        if (!refusal) return;
        log::debug("request.refused", "status={} message=\"{}\"", refusal->status,
                   refusal->message);
        connection->send(response_text(*refusal, !gate_.wants_no_body()));
        // What still comes is read and dropped for a while: closed at once, the connection would
        // take the answer with it.
        connection->shutdown();
    }

    bool is_too_slow() const { return gate_.is_too_slow(Clock::now()); }

    trantor::TimerId watch = trantor::InvalidTimerId;

private:
    const std::shared_ptr<const GateRules> rules_;
    RequestGate gate_;
    const trantor::RecvMessageCallback parser_;
    trantor::MsgBuffer passed_;
};

void guard(const trantor::TcpConnectionPtr& connection, std::shared_ptr<const GateRules> rules) {
    auto guarded =
        std::make_shared<GuardedConnection>(std::move(rules), ReceiveCallback::of(*connection));
    connection->setRecvMsgCallback(
        [guarded](const trantor::TcpConnectionPtr& self, trantor::MsgBuffer* buffer) {
            guarded->receive(self, buffer);
        });
    trantor::EventLoop* const loop = connection->getLoop();
    guarded->watch =
        loop->runEvery(kWatchSeconds, [loop, guarded, observed = std::weak_ptr(connection)] {
            const auto alive = observed.lock();
            if (alive && guarded->is_too_slow()) alive->forceClose();
            if (!alive || alive->disconnected()) loop->invalidateTimer(guarded->watch);
        });
}

}  // namespace

void guard_connections(GateRules rules) {
    drogon::app().setConnectionCallback([rules = std::make_shared<const GateRules>(std::move(
                                             rules))](const trantor::TcpConnectionPtr& connection) {
        if (connection->connected()) guard(connection, rules);
    });
}

}  // namespace titans::api
