#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
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
        Secret api_key;                          // empty: none is asked for
        std::vector<std::string> allowed_hosts;  // what else than this machine's addresses the
                                                 // Host header may say, lower case, without ports
        bool debug = false;                      // errors carry their `detail`
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
        Secret hub_token;                            // empty: public models only
        std::vector<std::string> accepted_licences;  // names, or "all"
    };
    /// The OpenAI-compatible API that the operator chose.
    struct OpenAi {
        std::string base_url = "https://api.openai.com/v1";  // without a slash at its end
        Secret api_key;                                      // empty: none
        std::string default_model = "gpt-3.5-turbo";
        std::vector<std::string> allowed_private_hosts;  // for the base_url of clients, as given
    };
    struct Knowledge {
        std::string embedding_model;  // empty: the catalogue's; its name, or one of OpenAi's models
    };
    struct Database {
        std::string name;  // of PostgreSQL; empty: SQLite
        std::string user;  // empty: libpq's own choice
        Secret password;
        std::string host = "localhost";
        std::uint16_t port = 5432;
        std::filesystem::path vectors;  // folder of SQLite's vectors
        Secret sealing_key;             // empty: a key file in `data`
    };
    struct Audio {
        std::chrono::days kept_for{7};
        std::uint64_t kept_bytes = std::uint64_t{1024} << 20;
        std::chrono::seconds max_seconds{600};  // the longest recording that is heard
    };
    struct Compute {
        int threads = 0;          // 0: as many as the machine has processors for us
        std::optional<bool> gpu;  // absent: if there is one
        /// The numbers that the speech networks multiply.
        enum class Precision : std::uint8_t { Auto, F32, Bf16, Int8 };
        Precision precision = Precision::Auto;
    };

    Server server;
    Client client;
    Models models;
    OpenAi openai;
    Knowledge knowledge;
    Database database;
    Audio audio;
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

/// Every name that read_settings() reads, sorted.
std::vector<std::string> known_names();

/// Without an API that could be asked (no key, and OPENAI_BASE_URL is the default one), takes back
/// an EMBEDDING_MODEL that is not `in_catalogue`, with a warning: the catalogue's is used instead.
void settle_embedding_model(Settings& settings, bool in_catalogue);

/// True for 127.0.0.0/8, ::1 and localhost: what only this machine reaches.
bool is_loopback(std::string_view host);

}  // namespace titans::config
