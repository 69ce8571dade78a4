#include "config/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <ranges>
#include <thread>

namespace titans::config {
namespace {

// Names of others, which a .env for Titans may hold too.
constexpr std::array<std::string_view, 7> kOthers{"CUDA_VISIBLE_DEVICES",
                                                  "NVIDIA_VISIBLE_DEVICES",
                                                  "NVIDIA_DRIVER_CAPABILITIES",
                                                  "HF_HOME",
                                                  "HF_TOKEN_PATH",
                                                  "XDG_CACHE_HOME",
                                                  "CCACHE_DIR"};

// Of the specification's example, beside your_..._here.
constexpr std::array<std::string_view, 3> kPlaceholders{"your_db_user", "your_db_password",
                                                        "./models/your-model.gguf"};

bool is_placeholder(std::string_view value) {
    return (value.starts_with("your_") && value.ends_with("_here")) ||
           std::ranges::contains(kPlaceholders, value);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

/// The items of a comma-separated list, without spaces around them and without empty ones.
std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> items;
    for (const auto part : std::views::split(list, ',')) {
        std::string_view item(part.begin(), part.end());
        while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
        while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
        if (!item.empty()) items.emplace_back(item);
    }
    return items;
}

/// "Titans.example:8080" is titans.example, "[::1]:80" is ::1.
std::string host_without_port(std::string_view authority) {
    if (authority.starts_with('[')) return lower(authority.substr(1, authority.find(']') - 1));
    if (std::ranges::count(authority, ':') == 1)
        authority = authority.substr(0, authority.find(':'));
    return lower(authority);
}

std::string_view authority_of(std::string_view url) {
    url.remove_prefix(url.find("://") + 3);
    return url.substr(0, url.find('/'));
}

/// True for http(s)://host[:port][/path] and nothing more.
bool is_plain_url(std::string_view url) {
    const std::string scheme = lower(url.substr(0, url.find("://")));
    if (url.find("://") == std::string_view::npos || (scheme != "http" && scheme != "https"))
        return false;
    const auto allowed = [](unsigned char c) {
        return c > ' ' && c < 0x7f &&
               !std::string_view("\"<>\\^`{|}@?#").contains(static_cast<char>(c));
    };
    if (!std::ranges::all_of(url, allowed)) return false;
    const std::string_view authority = authority_of(url);
    const std::size_t colon =
        authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
    if (authority.substr(0, colon).empty()) return false;
    if (colon == std::string_view::npos) return true;
    const std::string_view port = authority.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return error == std::errc() && end == port.data() + port.size() && number > 0;
}

/// Reads one variable after the other and gathers what is wrong with them.
class Reader {
public:
    Reader(const Variables& environment, const DotEnv& dotenv, const std::filesystem::path& root)
        : environment_(environment), dotenv_(dotenv), root_(root) {}

    /// Empty values and the specification's placeholders count as unset.
    std::optional<std::string> text(const std::string& name) {
        known_.push_back(name);
        for (const Variables* source : {&environment_, &dotenv_.variables}) {
            const auto found = source->find(name);
            if (found == source->end() || found->second.empty()) continue;
            if (is_placeholder(found->second)) continue;
            return found->second;
        }
        return std::nullopt;
    }

    void read(std::string& value, const std::string& name) { value = text(name).value_or(value); }

    void read(Secret& value, const std::string& name) {
        if (const auto given = text(name)) value = Secret(*given);
    }

    /// Without a slash at its end.
    void read_url(std::string& value, const std::string& name) {
        const auto given = text(name);
        if (!given) return;
        if (!is_plain_url(*given)) {
            mistake(std::format(
                "{}: expected a URL, http(s)://host[:port][/path], without a user or a query",
                name));
            return;
        }
        value = given->substr(0, given->find_last_not_of('/') + 1);
    }

    void read(std::filesystem::path& value, const std::string& name) {
        if (const auto given = text(name)) value = *given;
        if (!value.empty()) value = (root_ / value).lexically_normal();
    }

    template <typename Number>
    void read(Number& value, const std::string& name, long long lowest, long long highest,
              long long unit = 1) {
        const auto given = text(name);
        if (!given) return;
        long long number = 0;
        const auto [end, error] =
            std::from_chars(given->data(), given->data() + given->size(), number);
        if (error != std::errc() || end != given->data() + given->size() || number < lowest ||
            number > highest) {
            mistake(std::format("{}: expected a whole number from {} to {}, got \"{}\"", name,
                                lowest, highest, *given));
            return;
        }
        value = static_cast<Number>(number * unit);
    }

    std::optional<bool> flag(const std::string& name) {
        const auto given = text(name);
        if (!given) return std::nullopt;
        if (*given != "true" && *given != "false")
            mistake(std::format("{}: expected true or false, got \"{}\"", name, *given));
        return *given == "true";
    }

    void mistake(std::string_view sentence) { mistakes_ += std::format("{}\n", sentence); }

    void warn(std::string sentence) { warnings_.push_back(std::move(sentence)); }

    std::vector<std::string> warnings() const {
        std::vector<std::string> warnings = dotenv_.faults;
        warnings.insert(warnings.end(), warnings_.begin(), warnings_.end());
        for (const auto& [name, value] : dotenv_.variables) {
            if (std::ranges::contains(known_, name) || std::ranges::contains(kOthers, name))
                continue;
            warnings.push_back(std::format(".env: {} is no setting of Titans", name));
        }
        return warnings;
    }

    const std::string& mistakes() const { return mistakes_; }
    const std::vector<std::string>& known() const { return known_; }

private:
    const Variables& environment_;
    const DotEnv& dotenv_;
    const std::filesystem::path& root_;
    std::vector<std::string> known_;
    std::vector<std::string> warnings_;
    std::string mistakes_;
};

log::Level read_level(Reader& reader) {
    const std::string name = reader.text("LOG_LEVEL").value_or("info");
    constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warn", "error"};
    const auto* const found = std::ranges::find(kNames, name);
    if (found == kNames.end()) {
        reader.mistake(
            std::format("LOG_LEVEL: expected debug, info, warn or error, got \"{}\"", name));
        return log::Level::Info;
    }
    return static_cast<log::Level>(found - kNames.begin());
}

Settings::Compute::Precision read_precision(Reader& reader) {
    const std::string name = reader.text("COMPUTE").value_or("auto");
    constexpr std::array<std::string_view, 4> kNames{"auto", "f32", "bf16", "int8"};
    const auto* const found = std::ranges::find(kNames, name);
    if (found == kNames.end()) {
        reader.mistake(std::format("COMPUTE: expected auto, f32, bf16 or int8, got \"{}\"", name));
        return Settings::Compute::Precision::Auto;
    }
    return static_cast<Settings::Compute::Precision>(found - kNames.begin());
}

void read_server(Reader& reader, Settings::Server& server) {
    reader.read(server.host, "HOST");
    reader.read(server.port, "PORT", 1, 65535);
    reader.read_url(server.public_url, "PUBLIC_URL");
    reader.read(server.max_upload_bytes, "MAX_UPLOAD_MB", 1, 10'000, 1 << 20);
    reader.read(server.queue_size, "QUEUE_SIZE", 1, 10'000);
    long long timeout = server.request_timeout.count();
    reader.read(timeout, "REQUEST_TIMEOUT", 1, 86'400);
    server.request_timeout = std::chrono::seconds(timeout);
    reader.read(server.api_key, "TITANS_API_KEY");
    for (const std::string& host : split(reader.text("ALLOWED_HOSTS").value_or("")))
        server.allowed_hosts.push_back(host_without_port(host));
    if (!server.public_url.empty())
        server.allowed_hosts.push_back(host_without_port(authority_of(server.public_url)));
    server.debug = reader.flag("DEBUG").value_or(false);
    if (!is_loopback(server.host) && server.api_key.empty()) {
        reader.mistake("HOST: other addresses than loopback need TITANS_API_KEY to be set");
    }
}

/// The token that the hub's own tools have stored, if any.
Secret stored_hub_token(const Variables& environment) {
    const auto value = [&](const char* name) {
        const auto found = environment.find(name);
        return std::filesystem::path(found == environment.end() ? "" : found->second);
    };
    std::filesystem::path file = value("HF_TOKEN_PATH");
    if (file.empty()) {
        std::filesystem::path home = value("HF_HOME");
        if (home.empty() && !value("XDG_CACHE_HOME").empty())
            home = value("XDG_CACHE_HOME") / "huggingface";
        if (home.empty() && !value("HOME").empty()) home = value("HOME") / ".cache/huggingface";
        if (home.empty()) return {};
        file = home / "token";
    }
    std::string token;
    std::ifstream(file) >> token;
    return Secret(std::move(token));
}

void read_models(Reader& reader, Settings& settings) {
    Settings::Models& models = settings.models;
    models.folder = "models";
    reader.read(models.folder, "MODELS_DIR");
    const std::filesystem::path cache = reader.text("TITANS_CACHE").value_or("");
    models.downloads =
        cache.empty() ? models.folder / ".downloads" : settings.root / cache / "downloads";
    reader.read(models.gguf_model, "GGUF_MODEL_PATH");
    if (std::error_code failed;
        !models.gguf_model.empty() && !std::filesystem::exists(models.gguf_model, failed)) {
        reader.warn("GGUF_MODEL_PATH: there is no such file; the catalogue's mind is used");
        models.gguf_model.clear();
    }
    reader.read_url(models.hub_endpoint, "HF_ENDPOINT");
    reader.read(models.hub_token, "HF_TOKEN");
    reader.read(models.hub_token, "HUGGINGFACE_API_KEY");
    models.accepted_licences = split(reader.text("ACCEPT_LICENSES").value_or(""));
}

void read_database(Reader& reader, Settings::Database& database) {
    reader.read(database.name, "DB_NAME");
    reader.read(database.user, "DB_USER");
    reader.read(database.password, "DB_PASSWORD");
    reader.read(database.host, "DB_HOST");
    reader.read(database.port, "DB_PORT", 1, 65535);
    reader.read(database.vectors, "CHROMA_DB_PATH");
    reader.read(database.sealing_key, "TITANS_SECRET_KEY");
}

void read_audio(Reader& reader, Settings::Audio& audio) {
    long long days = audio.kept_for.count();
    reader.read(days, "AUDIO_KEEP_DAYS", 1, 36'500);
    audio.kept_for = std::chrono::days(days);
    reader.read(audio.kept_bytes, "AUDIO_KEEP_MB", 1, 100'000'000, 1 << 20);
    long long seconds = audio.max_seconds.count();
    reader.read(seconds, "MAX_AUDIO_SECONDS", 1, 86'400);
    audio.max_seconds = std::chrono::seconds(seconds);
}

Settings read_all(Reader& reader, const std::filesystem::path& root) {
    Settings settings;
    settings.root = root;
    read_server(reader, settings.server);
    reader.read_url(settings.client.server_url, "TITANS_URL");
    read_models(reader, settings);
    reader.read_url(settings.openai.base_url, "OPENAI_BASE_URL");
    reader.read(settings.openai.api_key, "OPENAI_API_KEY");
    reader.read(settings.openai.default_model, "DEFAULT_OPENAI_MODEL");
    settings.openai.allowed_private_hosts =
        split(reader.text("ALLOWED_PRIVATE_HOSTS").value_or(""));
    reader.read(settings.knowledge.embedding_model, "EMBEDDING_MODEL");
    read_database(reader, settings.database);
    read_audio(reader, settings.audio);
    settings.compute.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    reader.read(settings.compute.threads, "THREADS", 1, 512);
    settings.compute.gpu = reader.flag("ENABLE_GPU");
    settings.compute.precision = read_precision(reader);
    settings.data = "data";
    reader.read(settings.data, "DATA_DIR");
    if (settings.database.vectors.empty()) settings.database.vectors = settings.data;
    settings.log_level = read_level(reader);
    if (settings.server.debug) settings.log_level = log::Level::Debug;
    return settings;
}

}  // namespace

bool is_loopback(std::string_view host) {
    if (lower(host) == "localhost") return true;
    const std::string text(host);
    in_addr v4{};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::vector<std::string> known_names() {
    const Variables environment;
    const DotEnv dotenv;
    const std::filesystem::path root = "/";
    Reader reader(environment, dotenv, root);
    read_all(reader, root);
    std::vector<std::string> names = reader.known();
    std::ranges::sort(names);
    return names;
}

void settle_embedding_model(Settings& settings, bool in_catalogue) {
    std::string& model = settings.knowledge.embedding_model;
    const bool has_api =
        !settings.openai.api_key.empty() || settings.openai.base_url != Settings::OpenAi().base_url;
    if (model.empty() || in_catalogue || has_api) return;
    settings.warnings.push_back(std::format(
        "EMBEDDING_MODEL: {} is an API's model, and OPENAI_API_KEY is not set; the catalogue's "
        "model is used",
        model));
    model.clear();
}

Result<Settings> read_settings(const Variables& environment, const DotEnv& dotenv,
                               const std::filesystem::path& root) {
    Reader reader(environment, dotenv, root);
    Settings settings = read_all(reader, root);
    if (!reader.mistakes().empty()) return fail(ErrorKind::InvalidInput, reader.mistakes());
    if (settings.models.hub_token.empty())
        settings.models.hub_token = stored_hub_token(environment);
    settings.warnings = reader.warnings();
    return settings;
}

Result<Settings> load_settings(const std::filesystem::path& root) {
    Variables environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        const std::size_t equals = variable.find('=');
        if (equals != std::string_view::npos) {
            environment[std::string(variable.substr(0, equals))] = variable.substr(equals + 1);
        }
    }
    DotEnv dotenv;
    if (std::ifstream file(root / ".env", std::ios::binary); file) {
        dotenv = parse_dotenv(std::string(std::istreambuf_iterator<char>(file), {}));
    }
    return read_settings(environment, dotenv, root);
}

}  // namespace titans::config
