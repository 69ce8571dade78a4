#include "net/address_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace titans::net {
namespace {

using Ipv4 = std::array<std::uint8_t, 4>;
using Ipv6 = std::array<std::uint8_t, 16>;

template <std::size_t kSize>
struct Network {
    std::array<std::uint8_t, kSize> address;
    std::size_t bits;

    bool contains(const std::array<std::uint8_t, kSize>& other) const {
        const std::size_t bytes = bits / 8;
        if (!std::equal(address.begin(), address.begin() + bytes, other.begin())) return false;
        const std::size_t rest = bits % 8;
        return rest == 0 || (address[bytes] ^ other[bytes]) >> (8 - rest) == 0;
    }
};

// What is not the public internet: the IANA special-purpose address registries (RFC 6890), of
// 3 June 2024 for IPv4 and of 15 January 2025 for IPv6.
constexpr std::array kPrivateIpv4{
    Network<4>{{0}, 8},             // this network
    Network<4>{{10}, 8},            // private
    Network<4>{{100, 64}, 10},      // carrier-grade NAT
    Network<4>{{127}, 8},           // loopback
    Network<4>{{169, 254}, 16},     // link-local, with the clouds' own services
    Network<4>{{172, 16}, 12},      // private
    Network<4>{{192, 0, 0}, 24},    // protocol assignments
    Network<4>{{192, 0, 2}, 24},    // documentation
    Network<4>{{192, 88, 99}, 24},  // 6to4 relays, given up
    Network<4>{{192, 168}, 16},     // private
    Network<4>{{198, 18}, 15},      // benchmarks
    Network<4>{{198, 51, 100}, 24},
    Network<4>{{203, 0, 113}, 24},  // documentation
    Network<4>{{224}, 4},           // multicast
    Network<4>{{240}, 4},           // reserved, and broadcast
};
// All that may be public; the rest of IPv6 is private, link-local, multicast or unassigned.
constexpr Network<16> kGlobalIpv6{{0x20}, 3};
constexpr std::array kPrivateIpv6{
    Network<16>{{0x20, 0x01}, 23},              // protocol assignments, Teredo among them
    Network<16>{{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    Network<16>{{0x20, 0x02}, 16},              // 6to4: leads to an IPv4 address
    Network<16>{{0x3f, 0xff}, 20},              // documentation
};
constexpr Network<16> kMappedIpv4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr Network<16> kNat64{{0x00, 0x64, 0xff, 0x9b}, 96};

bool is_public(const Ipv4& address) {
    return std::ranges::none_of(kPrivateIpv4,
                                [&](const auto& network) { return network.contains(address); });
}

Ipv4 last_four(const Ipv6& address) { return {address[12], address[13], address[14], address[15]}; }

bool is_public(const Ipv6& address) {
    if (kNat64.contains(address)) return is_public(last_four(address));
    return kGlobalIpv6.contains(address) &&
           std::ranges::none_of(kPrivateIpv6,
                                [&](const auto& network) { return network.contains(address); });
}

std::string to_text(const Ipv4& address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET, address.data(), text.data(), text.size());
}

std::string to_text(const Ipv6& address) {
    if (kMappedIpv4.contains(address)) return to_text(last_four(address));
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET6, address.data(), text.data(), text.size());
}

/// An address in one spelling; nothing if `text` is none.
std::optional<std::string> parse_address(const std::string& text) {
    if (Ipv4 address; inet_pton(AF_INET, text.c_str(), address.data()) == 1)
        return to_text(address);
    if (Ipv6 address; inet_pton(AF_INET6, text.c_str(), address.data()) == 1)
        return to_text(address);
    return std::nullopt;
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// True for a name in lower case. One whose last label is a number would be an address in another
/// spelling (127.1, 0x7f000001), and no url's host ever looks so.
bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    const bool in_range = std::ranges::all_of(
        name, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
    const std::string_view last = name.substr(name.rfind('.') + 1);
    return in_range && name.front() != '.' && !last.empty() && !(last[0] >= '0' && last[0] <= '9');
}

std::string_view without_last_dot(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

}  // namespace

Result<AddressPolicy> AddressPolicy::parse(const std::vector<std::string>& allowed) {
    AddressPolicy policy;
    for (const std::string& given : allowed) {
        const auto refuse = [&] {
            return fail(ErrorKind::InvalidInput,
                        "\"" + given + "\" is no host name or address, with or without a port");
        };
        std::string host = given;
        std::ranges::transform(host, host.begin(), to_lower);
        std::optional<std::string_view> port;
        const std::size_t colon = host.rfind(':');
        const bool bracketed = host.starts_with('[');
        if (colon != std::string::npos &&
            (bracketed ? host[colon - 1] == ']' : host.find(':') == colon))
            port = std::string_view(given).substr(colon + 1);
        if (port) host.resize(colon);

        Entry entry;
        if (port) {
            const auto end = port->data() + port->size();
            const auto read = std::from_chars(port->data(), end, entry.port);
            if (read.ec != std::errc() || read.ptr != end || entry.port < 1 || entry.port > 65535)
                return refuse();
        }
        if (bracketed) {
            if (host.size() < 3 || !host.ends_with(']')) return refuse();
            host = host.substr(1, host.size() - 2);
            if (host.find(':') == std::string::npos) return refuse();
        }
        if (auto address = parse_address(host)) {
            entry.host = *std::move(address);
        } else {
            entry.host = without_last_dot(host);
            if (!is_host_name(entry.host)) return refuse();
        }
        policy.allowed_.push_back(std::move(entry));
    }
    return policy;
}

bool AddressPolicy::allows(std::string_view host, int port, const sockaddr& address) const {
    std::string spelled;
    if (address.sa_family == AF_INET) {
        sockaddr_in full{};
        std::memcpy(&full, &address, sizeof full);
        Ipv4 bytes;
        std::memcpy(bytes.data(), &full.sin_addr, bytes.size());
        if (is_public(bytes)) return true;
        spelled = to_text(bytes);
    } else if (address.sa_family == AF_INET6) {
        sockaddr_in6 full{};
        std::memcpy(&full, &address, sizeof full);
        Ipv6 bytes;
        std::memcpy(bytes.data(), &full.sin6_addr, bytes.size());
        if (kMappedIpv4.contains(bytes) ? is_public(last_four(bytes)) : is_public(bytes))
            return true;
        spelled = to_text(bytes);
    } else {
        return false;
    }
    return std::ranges::any_of(allowed_, [&](const Entry& entry) {
        return (entry.port == 0 || entry.port == port) &&
               (entry.host == spelled || entry.host == without_last_dot(host));
    });
}

}  // namespace titans::net
