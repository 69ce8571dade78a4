#include "config/settings.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

namespace titans::config {
namespace {

// Names that the specification has and that something will read once it is here: no warning for
// them.
constexpr std::array<std::string_view, 14> kReserved{
    "OPENAI_API_KEY",  "OPENAI_BASE_URL", "DEFAULT_OPENAI_MODEL",
    "DB_NAME",         "DB_USER",         "DB_PASSWORD",
    "DB_HOST",         "DB_PORT",         "CHROMA_DB_PATH",
    "EMBEDDING_MODEL", "ENABLE_GPU",      "HUGGINGFACE_API_KEY",
    "HF_TOKEN",        "TITANS_CACHE"};

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
            if (found->second.starts_with("your_") && found->second.ends_with("_here")) continue;
            return found->second;
        }
        return std::nullopt;
    }

    void read(std::string& value, const std::string& name) { value = text(name).value_or(value); }

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
            mistakes_ += std::format("{}: expected a whole number from {} to {}, got \"{}\"\n",
                                     name, lowest, highest, *given);
            return;
        }
        value = static_cast<Number>(number * unit);
    }

    void read_flag(bool& value, const std::string& name) {
        const auto given = text(name);
        if (!given) return;
        if (*given != "true" && *given != "false") {
            mistakes_ += std::format("{}: expected true or false, got \"{}\"\n", name, *given);
        }
        value = *given == "true";
    }

    void mistake(std::string_view sentence) { mistakes_ += std::format("{}\n", sentence); }

    std::vector<std::string> warnings() const {
        std::vector<std::string> warnings = dotenv_.faults;
        for (const auto& [name, value] : dotenv_.variables) {
            if (std::ranges::contains(known_, name) || std::ranges::contains(kReserved, name))
                continue;
            warnings.push_back(std::format(".env: {} is no setting of Titans", name));
        }
        return warnings;
    }

    const std::string& mistakes() const { return mistakes_; }

private:
    const Variables& environment_;
    const DotEnv& dotenv_;
    const std::filesystem::path& root_;
    std::vector<std::string> known_;
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

}  // namespace

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<Settings> read_settings(const Variables& environment, const DotEnv& dotenv,
                               const std::filesystem::path& root) {
    Reader reader(environment, dotenv, root);
    Settings settings;
    settings.root = root;
    reader.read(settings.server.host, "HOST");
    reader.read(settings.server.port, "PORT", 1, 65535);
    reader.read(settings.server.public_url, "PUBLIC_URL");
    while (settings.server.public_url.ends_with('/')) settings.server.public_url.pop_back();
    reader.read(settings.client.server_url, "TITANS_URL");
    while (settings.client.server_url.ends_with('/')) settings.client.server_url.pop_back();
    reader.read(settings.server.max_upload_bytes, "MAX_UPLOAD_MB", 1, 10'000, 1 << 20);
    reader.read(settings.server.queue_size, "QUEUE_SIZE", 1, 10'000);
    long long timeout = settings.server.request_timeout.count();
    reader.read(timeout, "REQUEST_TIMEOUT", 1, 86'400);
    settings.server.request_timeout = std::chrono::seconds(timeout);
    settings.server.api_key = Secret(reader.text("TITANS_API_KEY").value_or(""));

    settings.models.folder = "models";
    reader.read(settings.models.folder, "MODELS_DIR");
    std::filesystem::path cache = reader.text("TITANS_CACHE").value_or("");
    settings.models.downloads =
        cache.empty() ? settings.models.folder / ".downloads" : root / cache / "downloads";
    reader.read(settings.models.gguf_model, "GGUF_MODEL_PATH");
    reader.read(settings.models.hub_endpoint, "HF_ENDPOINT");

    settings.compute.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    reader.read(settings.compute.threads, "THREADS", 1, 512);
    settings.data = "data";
    reader.read(settings.data, "DATA_DIR");
    settings.log_level = read_level(reader);
    bool debug = false;
    reader.read_flag(debug, "DEBUG");
    if (debug) settings.log_level = log::Level::Debug;

    if (!is_loopback(settings.server.host) && settings.server.api_key.empty()) {
        reader.mistake("HOST: other addresses than loopback need TITANS_API_KEY to be set");
    }
    if (!reader.mistakes().empty()) return fail(ErrorKind::InvalidInput, reader.mistakes());
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
