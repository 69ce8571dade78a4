#include "app/listening_address.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>

namespace titans::app {

Result<ListeningAddress> ListeningAddress::parse(const std::string& host, std::uint16_t port) {
    ListeningAddress address(host == "localhost" ? "127.0.0.1" : host, port);
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage_);
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage_);
    if (inet_pton(AF_INET, address.host_.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address.length_ = sizeof *v4;
    } else if (inet_pton(AF_INET6, address.host_.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address.length_ = sizeof *v6;
    } else {
        return fail(ErrorKind::InvalidInput, std::format("HOST: {} is no IP address", host));
    }
    return address;
}

Result<void> ListeningAddress::check_free() const {
    const int probe = socket(storage_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int reuse = 1;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    const int bound = bind(probe, get(), length_);
    const int error = errno;
    close(probe);
    if (bound == 0) return {};
    if (error == EADDRINUSE) {
        return fail(ErrorKind::Conflict,
                    std::format("something, perhaps another Titans, is already running on {}; stop "
                                "it or set another PORT",
                                url()));
    }
    return fail(ErrorKind::InvalidInput,
                std::format("HOST, PORT: cannot listen on {}: {}", url(), std::strerror(error)));
}

bool ListeningAddress::accepts() const {
    const int probe = socket(storage_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = connect(probe, get(), length_) == 0;
    close(probe);
    return connected;
}

std::string ListeningAddress::url() const {
    return storage_.ss_family == AF_INET6 ? std::format("http://[{}]:{}", host_, port_)
                                          : std::format("http://{}:{}", host_, port_);
}

}  // namespace titans::app
