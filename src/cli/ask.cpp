#include <cstdio>
#include <format>
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

struct Question {
    std::int64_t character = 0;
    std::string text;
    std::optional<net::FormPart> recording;
    std::string session;
    bool speech = true;
};

std::vector<net::FormPart> form(const Question& question) {
    return {{.name = "character_id", .value = std::to_string(question.character)},
            {.name = "audio", .value = question.speech ? "true" : "false"},
            {.name = "session_id", .value = question.session},
            *question.recording};
}

json body(const Question& question) {
    return {{"character_id", question.character},
            {"question", question.text},
            {"session_id", question.session},
            {"audio", question.speech}};
}

Result<json> ask_whole(const Question& question, const ApiClient& api) {
    if (question.recording) return api.post_form("/ask-question-audio", form(question));
    return api.post("/ask-question-text", body(question));
}

Result<json> ask_streaming(const Question& question, const ApiClient& api) {
    AnswerPrinter printer;
    const auto sink = [&](std::string_view name, const json& data) {
        return printer.take(name, data);
    };
    if (question.recording) {
        auto parts = form(question);
        parts.push_back({.name = "stream", .value = "true"});
        TITANS_TRY_VOID(api.stream_form("/ask-question-audio", std::move(parts), sink));
    } else {
        json streaming = body(question);
        streaming["stream"] = true;
        TITANS_TRY_VOID(api.stream("/ask-question-text", streaming, sink));
    }
    return printer.answer();
}

}  // namespace

Result<void> ask(Words arguments, const config::Settings& settings) {
    TITANS_TRY(const Arguments given,
               Arguments::parse(arguments, {.options = {"audio", "out", "session"},
                                            .flags = {"no-audio", "json"},
                                            .most_positional = 64}));
    const auto& words = given.positional();
    if (words.empty()) {
        return fail(ErrorKind::InvalidInput,
                    "ask: whom? Give a character's id or name, then the question");
    }
    const std::string* audio = given.find("audio");
    const std::string* out = given.find("out");
    if (audio == nullptr && words.size() < 2) {
        return fail(ErrorKind::InvalidInput,
                    "ask: the question is missing: as text, or as --audio FILE");
    }
    if (audio != nullptr && words.size() > 1) {
        return fail(ErrorKind::InvalidInput,
                    "ask: a question as text and --audio: which of the two?");
    }
    if (out != nullptr && given.has("no-audio")) {
        return fail(ErrorKind::InvalidInput, "--out needs the speech that --no-audio skips");
    }

    Question question{.speech = !given.has("no-audio")};
    if (const std::string* session = given.find("session")) question.session = *session;
    for (const std::string& word : std::span(words).subspan(1)) {
        question.text += (question.text.empty() ? "" : " ") + word;
    }
    if (audio != nullptr) {
        TITANS_TRY(question.recording, file_part("audio", "audio_file", *audio));
    }
    const ApiClient api(settings);
    TITANS_TRY(question.character, api.find_character(words[0]));

    TITANS_TRY(const json answer,
               given.has("json") ? ask_whole(question, api) : ask_streaming(question, api));
    if (given.has("json")) std::println("{}", answer.dump(2));
    const std::string url = audio_url(answer);
    if (url.empty()) return {};
    if (!given.has("json")) std::println("\naudio: {}", printable(url));
    if (out != nullptr) {
        TITANS_TRY_VOID(api.download(url, *out));
        if (!given.has("json")) std::println("saved: {}", *out);
    }
    return {};
}

}  // namespace titans::cli
