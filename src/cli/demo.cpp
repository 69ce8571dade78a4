#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <print>

#include "cli/answer_printer.h"
#include "cli/api_client.h"
#include "cli/arguments.h"
#include "cli/run.h"
#include "cli/terminal.h"

namespace titans::cli {
namespace {

using nlohmann::json;

struct Example {
    std::string name;
    std::string llm_config;
    std::string question;
};

Result<Example> read_example(const std::filesystem::path& folder) {
    std::ifstream file(folder / "character.json", std::ios::binary);
    const json example = json::parse(std::string(std::istreambuf_iterator<char>(file), {}), nullptr,
                                     /*allow_exceptions=*/false);
    if (!example.is_object() || !example.contains("name") || !example.contains("question")) {
        return fail(ErrorKind::InvalidInput,
                    "demo: examples/character.json is not here: run it from Titans' own folder");
    }
    return Example{.name = example.value("name", ""),
                   .llm_config = example.value("llm_config", json::object()).dump(),
                   .question = example.value("question", "")};
}

Result<std::int64_t> find_or_create(const Example& example, const std::filesystem::path& folder,
                                    const ApiClient& api) {
    auto found = api.find_character(example.name);
    if (found || found.error().kind != ErrorKind::NotFound) return found;
    std::vector<net::FormPart> form{{.name = "name", .value = example.name},
                                    {.name = "llm_config", .value = example.llm_config}};
    for (const auto& [field, file] : {std::pair{"knowledge_base_file", "knowledge.txt"},
                                      std::pair{"style_tuning_file", "style.json"},
                                      std::pair{"character_image", "picture.png"}}) {
        TITANS_TRY(net::FormPart part, file_part("examples", field, folder / file));
        form.push_back(std::move(part));
    }
    TITANS_TRY(const json answer, api.post_form("/create-character", std::move(form)));
    return answer.value("character_id", std::int64_t{0});
}

void print_source(const json& recalled) {
    const json passages = recalled.value("passages", json::array());
    if (passages.empty()) return;
    std::println("recalled: {}\n", printable(passages.front().value("text", "")));
}

}  // namespace

Result<void> demo(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given, Arguments::parse(arguments, {.options = {"out"}}));
    const std::filesystem::path folder = settings.root / "examples";
    const ApiClient api(settings);
    TITANS_TRY(const Example example, read_example(folder));
    TITANS_TRY(const std::int64_t id, find_or_create(example, folder, api));
    std::println("{} is character {}.\n\nquestion: {}\n", printable(example.name), id,
                 printable(example.question));

    AnswerPrinter printer;
    TITANS_TRY_VOID(
        api.stream("/ask-question-text",
                   {{"character_id", id}, {"question", example.question}, {"stream", true}},
                   [&](std::string_view name, const json& data) {
                       if (name == "recalled") print_source(data);
                       return printer.take(name, data);
                   }));
    const std::string url = audio_url(printer.answer());
    if (url.empty()) return {};
    std::println("\naudio: {}", printable(url));
    if (const std::string* out = given.find("out")) {
        TITANS_TRY_VOID(api.download(url, *out));
        std::println("saved: {}", *out);
    }
    return {};
}

}  // namespace titans::cli
