#pragma once

#include <charconv>
#include <format>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "net/loopback_server.h"
#include "net/verified_file.h"

namespace titans::models {

/// A hub with one repository, someone/mind, for tests.
class HubForTest {
public:
    using Connection = net::LoopbackServer::Connection;
    /// Answers a request for a path itself, or returns false.
    using Hook = std::function<bool(const std::string& path, const std::string& request,
                                    const Connection& connection)>;

    explicit HubForTest(std::map<std::string, std::string> files, Hook hook = {})
        : files_(std::move(files)),
          hook_(std::move(hook)),
          server_([this](const std::string& request, const Connection& connection) {
              answer(request, connection);
          }) {}

    std::string url() const { return server_.url(""); }
    std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    int asked(std::string_view part) const {
        int count = 0;
        for (const std::string& request : requests()) count += request.contains(part) ? 1 : 0;
        return count;
    }

    static constexpr std::string_view kRevision = "0123456789abcdef0123456789abcdef01234567";

private:
    /// GGUF files as the large ones are listed, with a SHA-256, others with git's name.
    std::string listing() const {
        std::string items;
        for (const auto& [name, bytes] : files_) {
            net::Digest git(net::Digest::Kind::Sha1);
            git.add(std::format("blob {}", bytes.size()) + '\0' + bytes);
            net::Sha256 sha256;
            sha256.add(bytes);
            const std::string lfs = name.ends_with(".gguf")
                                        ? std::format(R"(, "lfs": {{"sha256": "{}", "size": {}}})",
                                                      sha256.finish(), bytes.size())
                                        : "";
            items += std::format(R"({}{{"rfilename": "{}", "size": {}, "blobId": "{}"{}}})",
                                 items.empty() ? "" : ",", name, bytes.size(), git.finish(), lfs);
        }
        return std::format(R"({{"sha": "{}", "siblings": [{}]}})", kRevision, items);
    }

    void answer(const std::string& request, const Connection& connection) {
        using net::LoopbackServer;
        if (request.empty()) return;  // its client has gone
        const std::string path = request.substr(4, request.find(' ', 4) - 4);
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        if (hook_ && hook_(path, request, connection)) return;
        if (path == "/api/models/someone/mind?blobs=true") {
            connection.send(LoopbackServer::answer("200 OK", listing()));
            return;
        }
        const std::string root = std::format("/someone/mind/resolve/{}/", kRevision);
        const auto file =
            path.starts_with(root) ? files_.find(path.substr(root.size())) : files_.end();
        if (file == files_.end()) {
            connection.send(LoopbackServer::answer("404 Not Found", ""));
            return;
        }
        std::size_t offset = 0;
        if (const std::size_t at = request.find("Range: bytes="); at != request.npos)
            std::from_chars(request.data() + at + 13, request.data() + request.size(), offset);
        const std::string head = offset == 0
                                     ? ""
                                     : std::format("Content-Range: bytes {}-{}/{}\r\n", offset,
                                                   file->second.size() - 1, file->second.size());
        connection.send(LoopbackServer::answer(offset == 0 ? "200 OK" : "206 Partial Content",
                                               file->second.substr(offset), head));
    }

    const std::map<std::string, std::string> files_;
    const Hook hook_;
    mutable std::mutex mutex_;  // guards the requests
    std::vector<std::string> requests_;
    net::LoopbackServer server_;
};

}  // namespace titans::models
