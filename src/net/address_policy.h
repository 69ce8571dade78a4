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
/// a redirect nor a second answer of the name server leads further in. An entry that is a name
/// allows urls of that host, wherever it resolves to (so whoever answers for the name decides), and
/// not those that spell its address; one that is an address allows connections to that address,
/// whatever name led there. Immutable: thread-safe.
class AddressPolicy {
public:
    /// `allowed` as in ALLOWED_PRIVATE_HOSTS: names or addresses, each with or without a port;
    /// without one, all ports: "models.lan", "models.lan:8080", "10.0.0.7", "[fd00::7]:8080",
    /// "fd00::7". Upper and lower case are the same. Errors: InvalidInput naming the entry.
    static Result<AddressPolicy> parse(const std::vector<std::string>& allowed);

    /// Whether a connection to `address` may be made, for a url of `host` (lower case, without
    /// brackets) and `port`. An IPv4 address within an IPv6 one (::ffff:0:0/96, and 64:ff9b::/96
    /// to tell whether it is public) counts as that IPv4 address.
    bool allows(std::string_view host, int port, const sockaddr& address) const;

private:
    struct Entry {
        std::string host;  // a name, or an address as inet_ntop() writes it
        int port = 0;      // 0: all
    };

    std::vector<Entry> allowed_;
};

}  // namespace titans::net
