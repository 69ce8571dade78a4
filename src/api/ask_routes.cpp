#include <drogon/HttpAppFramework.h>

#include "api/answers.h"
#include "api/bodies.h"
#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"

namespace titans::api {
namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponsePtr;
using Turn = character::Conversation::Turn;

struct Ask {
    character::TurnRequest turn;
    bool stream = false;
};

Result<bool> read_flag(const nlohmann::ordered_json& body, const char* key, bool standard) {
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
    TITANS_TRY(const nlohmann::ordered_json body, parse_body(request));
    Ask ask;
    TITANS_TRY(ask.turn.character, read_character_id(body));
    const auto question = body.find("question");
    if (question == body.end() || !question->is_string()) {
        return fail(ErrorKind::InvalidInput, "question: must be text");
    }
    TITANS_TRY_VOID(character::check_question(question->get_ref<const std::string&>()));
    ask.turn.question = character::TextQuestion{*question};
    if (const auto session = body.find("session_id");
        session != body.end() && !session->is_null()) {
        if (!session->is_string()) return fail(ErrorKind::InvalidInput, "session_id: must be text");
        ask.turn.session = *session;
        TITANS_TRY_VOID(character::check_session(ask.turn.session));
    }
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
    ask.turn.session = form.getOptionalParameter<std::string>("session_id").value_or("");
    TITANS_TRY_VOID(character::check_session(ask.turn.session));
    TITANS_TRY(const bool audio, form_flag(form, "audio", true));
    TITANS_TRY(ask.stream, form_flag(form, "stream", false));
    ask.turn.speech = speech_of(audio, ask.stream);
    return ask;
}

/// Runs the turn and collects it into one JSON answer.
drogon::Task<HttpResponsePtr> collect(const RouteContext& context, HttpRequestPtr request,
                                      std::shared_ptr<Turn> turn) {
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
                     std::shared_ptr<Turn> turn, drogon::ResponseStreamPtr stream) {
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
    ask.turn.deadline = Clock::now() + context.options.request_timeout;
    // Once a stream has begun its status is 200; what can be refused is refused before.
    auto turn = co_await context.services.conversation.begin(std::move(ask.turn));
    if (!turn) co_return error_response(turn.error());
    if (!ask.stream) co_return co_await collect(context, std::move(request), *std::move(turn));
    auto response = drogon::HttpResponse::newAsyncStreamResponse(
        [&context, request, turn = *turn](drogon::ResponseStreamPtr stream) {
            forward(context, request, turn, std::move(stream));
        },
        /*disableKickoffTimeout=*/true);
    response->setContentTypeString("text/event-stream; charset=utf-8");
    response->addHeader("Cache-Control", "no-cache");
    co_return response;
}

drogon::Task<HttpResponsePtr> ask_text(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "application/json")) {
        co_return unsupported_body("application/json");
    }
    Result<Ask> ask = read_text_question(request);
    if (!ask) co_return error_response(ask.error());
    co_return co_await answer(context, std::move(request), *std::move(ask));
}

drogon::Task<HttpResponsePtr> ask_audio(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "multipart/form-data")) {
        co_return unsupported_body("multipart/form-data");
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
