#include <unistd.h>

#include <format>
#include <nlohmann/json.hpp>
#include <print>

#include "cli/api_client.h"
#include "cli/arguments.h"
#include "cli/run.h"
#include "cli/terminal.h"

namespace titans::cli {
namespace {

using nlohmann::json;

struct FormOption {
    std::string_view option;
    const char* field;
    bool is_file;
};

constexpr std::array<FormOption, 9> kFormOptions{{
    {"name", "name", false},
    {"llm-model", "llm_model", false},
    {"llm-config", "llm_config", false},
    {"voice-settings", "voice_cloning_settings", false},
    {"stt-settings", "stt_settings", false},
    {"image", "character_image", true},
    {"knowledge", "knowledge_base_file", true},
    {"voice", "voice_cloning_audio", true},
    {"style", "style_tuning_file", true},
}};

std::vector<std::string_view> form_options() {
    std::vector<std::string_view> options;
    for (const FormOption& option : kFormOptions) options.push_back(option.option);
    return options;
}

Result<std::vector<net::FormPart>> make_form(const Arguments& given) {
    std::vector<net::FormPart> form;
    for (const auto& [option, field, is_file] : kFormOptions) {
        const std::string* value = given.find(option);
        if (value == nullptr) continue;
        if (is_file) {
            TITANS_TRY(net::FormPart part, file_part(option, field, *value));
            form.push_back(std::move(part));
        } else {
            form.push_back({.name = field, .value = *value});
        }
    }
    return form;
}

Result<std::string> which_character(std::string_view word, const Arguments& given) {
    if (!given.positional().empty()) return given.positional()[0];
    return fail(ErrorKind::InvalidInput,
                std::format("{}: which character? Give its id or its name", word));
}

void print_warnings(const json& answer) {
    for (const json& warning : answer.value("warnings", json::array()))
        std::println(stderr, "warning: {}", printable(warning.get<std::string>()));
}

void print_saved(const Arguments& given, const json& answer, std::string_view what) {
    if (given.has("json")) return std::println("{}", answer.dump(2));
    const std::string* const name = given.find("name");
    std::println("{} {}{}", what, answer.value("character_id", std::int64_t{0}),
                 name == nullptr ? "" : "  " + printable(*name));
    print_warnings(answer);
}

}  // namespace

Result<net::FormPart> file_part(std::string_view option, std::string field,
                                std::filesystem::path file) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored) || access(file.c_str(), R_OK) != 0) {
        return fail(ErrorKind::InvalidInput,
                    std::format("--{}: {} is no file that can be read", option, file.string()));
    }
    return net::FormPart{.name = std::move(field), .file = std::move(file)};
}

Result<void> create(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given,
               Arguments::parse(arguments, {.options = form_options(), .flags = {"json"}}));
    if (!given.has("name"))
        return fail(ErrorKind::InvalidInput, "--name: every character needs one");
    TITANS_TRY(std::vector<net::FormPart> form, make_form(given));
    const ApiClient api(settings);
    TITANS_TRY(const json answer, api.post_form("/create-character", std::move(form)));
    print_saved(given, answer, "created");
    return {};
}

Result<void> update(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given, Arguments::parse(arguments, {.options = form_options(),
                                                                   .flags = {"append", "json"},
                                                                   .most_positional = 1}));
    TITANS_TRY(const std::string character, which_character("update", given));
    TITANS_TRY(std::vector<net::FormPart> form, make_form(given));
    if (form.empty()) return fail(ErrorKind::InvalidInput, "update: what is to change?");
    if (given.has("append")) form.push_back({.name = "knowledge_mode", .value = "append"});
    const ApiClient api(settings);
    TITANS_TRY(const std::int64_t id, api.find_character(character));
    TITANS_TRY(const json answer,
               api.post_form(std::format("/update-character/{}", id), std::move(form)));
    print_saved(given, answer, "updated");
    return {};
}

Result<void> load(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given, Arguments::parse(arguments, {.most_positional = 1}));
    TITANS_TRY(const std::string character, which_character("load", given));
    const ApiClient api(settings);
    TITANS_TRY(const std::int64_t id, api.find_character(character));
    TITANS_TRY(const json answer, api.post("/load-character", {{"character_id", id}}));
    std::println("loaded {}", id);
    print_warnings(answer);
    return {};
}

Result<void> list(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given, Arguments::parse(arguments, {.flags = {"json"}}));
    const ApiClient api(settings);
    TITANS_TRY(const json answer, api.get("/get-characters"));
    if (given.has("json")) {
        std::println("{}", answer.dump(2));
        return {};
    }
    const json characters = answer.value("characters", json::array());
    if (characters.empty())
        std::println("no characters yet: make one with titans create, or titans demo");
    for (const json& character : characters) {
        std::println("{:>4}  {}  {}", character.value("id", std::int64_t{0}),
                     character.value("created_at", ""), printable(character.value("name", "")));
    }
    return {};
}

Result<void> remove(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given, Arguments::parse(arguments, {.most_positional = 1}));
    TITANS_TRY(const std::string character, which_character("delete", given));
    const ApiClient api(settings);
    TITANS_TRY(const std::int64_t id, api.find_character(character));
    TITANS_TRY(const json answer, api.remove(std::format("/delete-character/{}", id)));
    std::println("deleted {}", id);
    return {};
}

}  // namespace titans::cli
