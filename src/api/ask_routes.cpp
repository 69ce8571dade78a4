#include <drogon/HttpAppFramework.h>

#include "api/answers.h"
#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"
#include "character/settings_reader.h"

namespace titans::api {
namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponsePtr;

constexpr std::size_t kLongestQuestion = 8000;  // characters
constexpr int kMaxDepth = 8;

struct Ask {
    character::TurnRequest turn;
    bool stream = false;
};

/// InvalidInput unless `text` is UTF-8 of 1 to 8,000 characters and not blank.
Result<void> check_question(const std::string& text) {
    const std::size_t characters = static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
    if (text.find_first_not_of(" \t\r\n") == std::string::npos || characters > kLongestQuestion) {
        return fail(ErrorKind::InvalidInput,
                    std::format("question: must have 1 to {} characters", kLongestQuestion));
    }
    return {};
}

Result<bool> read_flag(const nlohmann::json& body, const char* key, bool standard) {
    const auto found = body.find(key);
    if (found == body.end()) return standard;
    if (!found->is_boolean())
        return fail(ErrorKind::InvalidInput, std::format("{}: must be true or false", key));
    return found->get<bool>();
}

character::Speech speech_of(bool audio, bool stream) {
    if (!audio) return character::Speech::None;
    return stream ? character::Speech::BySentence : character::Speech::Whole;
}

Result<Ask> read_text_question(const HttpRequestPtr& request) {
    const nlohmann::json body = character::parse_bounded(request->body(), kMaxDepth);
    if (!body.is_object()) return fail(ErrorKind::InvalidInput, "the body must be a JSON object");
    Ask ask;
    const auto id = body.find("character_id");
    if (id == body.end()) return fail(ErrorKind::InvalidInput, "character_id: is required");
    TITANS_TRY(ask.turn.character,
               parse_character_id(id->is_string() ? id->get<std::string>() : id->dump()));
    const auto question = body.find("question");
    if (question == body.end() || !question->is_string()) {
        return fail(ErrorKind::InvalidInput, "question: must be text");
    }
    TITANS_TRY_VOID(check_question(*question));
    ask.turn.question = character::TextQuestion{*question};
    TITANS_TRY(const bool audio, read_flag(body, "audio", true));
    TITANS_TRY(ask.stream, read_flag(body, "stream", false));
    ask.turn.speech = speech_of(audio, ask.stream);
    return ask;
}

Result<bool> form_flag(drogon::MultiPartParser& form, const std::string& key, bool standard) {
    const std::string value = form.getOptionalParameter<std::string>(key).value_or("");
    if (value.empty()) return standard;
    if (value != "true" && value != "false") {
        return fail(ErrorKind::InvalidInput, std::format("{}: must be true or false", key));
    }
    return value == "true";
}

Result<Ask> read_audio_question(const HttpRequestPtr& request) {
    drogon::MultiPartParser form;
    if (form.parse(request) != 0)
        return fail(ErrorKind::InvalidInput, "the body is no valid multipart/form-data");
    Ask ask;
    TITANS_TRY(
        ask.turn.character,
        parse_character_id(form.getOptionalParameter<std::string>("character_id").value_or("")));
    const auto files = form.getFilesMap();
    const auto file = files.find("audio_file");
    if (file == files.end())
        return fail(ErrorKind::InvalidInput, "audio_file: a recording is required");
    if (file->second.fileLength() == 0)
        return fail(ErrorKind::InvalidInput, "audio_file: the file is empty");
    const auto bytes = std::as_bytes(std::span(file->second.fileContent()));
    ask.turn.question = character::AudioQuestion{{bytes.begin(), bytes.end()}};
    TITANS_TRY(const bool audio, form_flag(form, "audio", true));
    TITANS_TRY(ask.stream, form_flag(form, "stream", false));
    ask.turn.speech = speech_of(audio, ask.stream);
    return ask;
}

/// Runs the turn and collects it into one JSON answer.
drogon::Task<HttpResponsePtr> collect(const RouteContext& context, HttpRequestPtr request,
                                      character::TurnRequest turn) {
    const RequestStop stop(request, context.options.request_timeout, context.shutdown.get_token());
    const std::string base = base_url(request, context.options.public_url);
    HttpResponsePtr response;
    const character::EventSink sink = [&](const character::Event& event) {
        if (const auto* answer = std::get_if<character::Answer>(&event)) {
            response = json_response(answer_json(*answer, base));
        } else if (const auto* error = std::get_if<Error>(&event)) {
            response = error_response(stop.explain(*error));
        }
    };
    co_await context.services.conversation.run(std::move(turn), sink, stop.token());
    co_return response;
}

/// Runs the turn and sends each event as it comes.
DetachedTask forward(const RouteContext& context, HttpRequestPtr request,
                     character::TurnRequest turn, drogon::ResponseStreamPtr stream) {
    RequestStop stop(request, context.options.request_timeout, context.shutdown.get_token());
    const std::string base = base_url(request, context.options.public_url);
    const character::EventSink sink = [&](const character::Event& event) {
        const auto* error = std::get_if<Error>(&event);
        const std::string text =
            error == nullptr ? event_text(event, base) : event_text(stop.explain(*error), base);
        if (!stream->send(text)) stop.request_stop();
    };
    co_await context.services.conversation.run(std::move(turn), sink, stop.token());
    stream->close();
}

drogon::Task<HttpResponsePtr> answer(const RouteContext& context, HttpRequestPtr request, Ask ask) {
    if (!ask.stream) co_return co_await collect(context, std::move(request), std::move(ask.turn));
    // Once the stream has begun its status is 200; what can be refused is refused before.
    const auto character = co_await context.services.characters.find(ask.turn.character);
    if (!character) co_return error_response(character.error());
    auto turn = std::make_shared<character::TurnRequest>(std::move(ask.turn));
    auto response = drogon::HttpResponse::newAsyncStreamResponse(
        [&context, request, turn](drogon::ResponseStreamPtr stream) {
            forward(context, request, std::move(*turn), std::move(stream));
        },
        /*disableKickoffTimeout=*/true);
    response->setContentTypeString("text/event-stream; charset=utf-8");
    response->addHeader("Cache-Control", "no-cache");
    co_return response;
}

drogon::Task<HttpResponsePtr> ask_text(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "application/json")) {
        co_return json_response(error_body("the body must be application/json"),
                                drogon::k415UnsupportedMediaType);
    }
    Result<Ask> ask = read_text_question(request);
    if (!ask) co_return error_response(ask.error());
    co_return co_await answer(context, std::move(request), *std::move(ask));
}

drogon::Task<HttpResponsePtr> ask_audio(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "multipart/form-data")) {
        co_return json_response(error_body("the body must be multipart/form-data"),
                                drogon::k415UnsupportedMediaType);
    }
    Result<Ask> ask = read_audio_question(request);
    if (!ask) co_return error_response(ask.error());
    co_return co_await answer(context, std::move(request), *std::move(ask));
}

}  // namespace

void add_ask_routes(const RouteContext& context) {
    drogon::app().registerHandler(
        "/ask-question-text",
        [&context](HttpRequestPtr request) { return ask_text(context, std::move(request)); },
        {drogon::Post});
    drogon::app().registerHandler(
        "/ask-question-audio",
        [&context](HttpRequestPtr request) { return ask_audio(context, std::move(request)); },
        {drogon::Post});
}

}  // namespace titans::api
