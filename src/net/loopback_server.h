#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <format>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "net/file_lock.h"

namespace titans::net {

/// An HTTP server for tests, on a free port of 127.0.0.1: one connection at a time, one request
/// each, answered byte for byte as the test says.
class LoopbackServer {
public:
    class Connection {
    public:
        explicit Connection(int socket) : socket_(socket) {}
        /// False when the client is gone.
        bool send(std::string_view bytes) const {
            while (!bytes.empty()) {
                const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (count <= 0) return false;
                bytes.remove_prefix(static_cast<std::size_t>(count));
            }
            return true;
        }
        void wait_until_client_leaves() const {
            char byte = 0;
            while (::recv(socket_, &byte, 1, 0) > 0) {
            }
        }

    private:
        int socket_;
    };
    using Handler = std::function<void(const std::string& request, const Connection& connection)>;

    explicit LoopbackServer(Handler handler) : handler_(std::move(handler)) {
        listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{
            .sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
        socklen_t length = sizeof address;
        auto* const plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), plain, length) != 0 || ::listen(listener_.get(), 16) != 0 ||
            ::getsockname(listener_.get(), plain, &length) != 0)
            throw std::runtime_error("no loopback server");
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this] { serve(); });
    }
    ~LoopbackServer() { ::shutdown(listener_.get(), SHUT_RDWR); }

    std::string url(std::string_view path = "/") const {
        return std::format("http://127.0.0.1:{}{}", port_, path);
    }
    int requests() const { return requests_; }

    /// An answer with its length.
    static std::string answer(std::string_view status, std::string_view body,
                              std::string_view headers = "") {
        return std::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
                           status, body.size(), headers, body);
    }

private:
    void serve() {
        while (true) {
            const FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (socket.get() < 0) return;
            const std::string request = read_request(socket.get());
            ++requests_;
            handler_(request, Connection(socket.get()));
        }
    }

    /// Head and body, as far as Content-Length says.
    static std::string read_request(int socket) {
        std::string request;
        char block[4096];
        while (true) {
            const std::size_t head = request.find("\r\n\r\n");
            if (head != std::string::npos) {
                std::size_t length = 0;
                if (const std::size_t at = request.find("Content-Length: ");
                    at != std::string::npos && at < head)
                    std::from_chars(request.data() + at + 16, request.data() + head, length);
                if (request.size() >= head + 4 + length) return request;
            }
            const ssize_t count = ::recv(socket, block, sizeof block, 0);
            if (count <= 0) return request;
            request.append(block, static_cast<std::size_t>(count));
        }
    }

    Handler handler_;
    FileDescriptor listener_;
    int port_ = 0;
    std::atomic<int> requests_ = 0;
    std::jthread thread_;
};

}  // namespace titans::net
