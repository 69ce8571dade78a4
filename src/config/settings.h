#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/dotenv.h"
#include "foundation/error.h"
#include "foundation/log.h"
#include "foundation/secret.h"

namespace titans::config {

/// The whole configuration as one value. Paths are absolute.
struct Settings {
    struct Server {
        std::string host = "127.0.0.1";
        std::uint16_t port = 5000;
        std::string public_url;  // without a slash at its end; empty: from the request's Host
        std::size_t max_upload_bytes = std::size_t{100} << 20;
        std::size_t queue_size = 16;
        std::chrono::seconds request_timeout{120};
        Secret api_key;  // empty: none is asked for
    };
    struct Client {
        std::string
            server_url;  // the server that the command line talks to; empty: the one of `server`
    };
    struct Models {
        std::filesystem::path folder;
        std::filesystem::path downloads;
        std::filesystem::path gguf_model;  // empty: the catalogue's default mind
        std::string hub_endpoint = "https://huggingface.co";
    };
    struct Compute {
        int threads = 0;  // 0: as many as the machine has processors for us
    };

    Server server;
    Client client;
    Models models;
    Compute compute;
    std::filesystem::path root;  // what relative paths count from
    std::filesystem::path data;
    log::Level log_level = log::Level::Info;
    std::vector<std::string> warnings;  // what someone should look at, but can run
};

/// Reads `environment`, which beats `dotenv`; relative paths count from `root`.
/// InvalidInput: one message with every mistake, a line each.
Result<Settings> read_settings(const Variables& environment, const DotEnv& dotenv,
                               const std::filesystem::path& root);

/// The same from the process's environment and `root`/.env.
Result<Settings> load_settings(const std::filesystem::path& root);

/// True for 127.0.0.0/8, ::1 and localhost: what only this machine reaches.
bool is_loopback(std::string_view host);

}  // namespace titans::config
