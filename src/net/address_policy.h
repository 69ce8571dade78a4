#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

struct sockaddr;

namespace titans::net {

/// Where a request may go whose url comes from a client: to public addresses, and to private ones
/// (loopback, link-local, site-local, carrier-grade NAT, multicast, unspecified and whatever else
/// is not the public internet, in IPv4, IPv6 and IPv4 within IPv6) only if they are listed.
///
/// Names are judged by the addresses they resolve to, at the moment of each connection: so neither
/// a redirect nor a second answer of the name server leads further in. Immutable: thread-safe.
class AddressPolicy {
public:
    /// `allowed` as in ALLOWED_PRIVATE_HOSTS: names or addresses, each with or without a port;
    /// without one, all ports. Errors: InvalidInput naming the entry.
    static Result<AddressPolicy> parse(const std::vector<std::string>& allowed);

    /// Whether a connection to `address` may be made, for a url of `host` (lower case, without
    /// brackets) and `port`.
    bool allows(std::string_view host, int port, const sockaddr& address) const;

private:
    struct Entry {
        std::string host;
        int port = 0;  // 0: all
    };

    std::vector<Entry> allowed_;
};

}  // namespace titans::net
