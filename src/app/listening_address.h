#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "foundation/error.h"

namespace titans::app {

/// Where the server listens.
class ListeningAddress {
public:
    /// `host` is an IP address or localhost. Errors: InvalidInput naming HOST.
    static Result<ListeningAddress> parse(const std::string& host, std::uint16_t port);

    /// Says what hinders a server here: another one, most often. Drogon would end the process
    /// without a word. Errors: Conflict; InvalidInput naming HOST and PORT.
    Result<void> check_free() const;

    /// Whether a server answers here by now.
    bool accepts() const;

    const std::string& host() const { return host_; }  // an IP address
    std::string url() const;

private:
    ListeningAddress(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }

    std::string host_;
    std::uint16_t port_;
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

}  // namespace titans::app
