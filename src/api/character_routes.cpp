#include <drogon/HttpAppFramework.h>

#include <algorithm>
#include <array>
#include <expected>

#include "api/answers.h"
#include "api/bodies.h"
#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"

namespace titans::api {
namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponsePtr;

constexpr std::array<std::string_view, 6> kTextFields{
    "name", "llm_model", "llm_config", "voice_cloning_settings", "stt_settings", "knowledge_mode"};

bool is_text_field(std::string_view name) { return std::ranges::contains(kTextFields, name); }

/// Puts a text field of a form where it belongs. An empty one is one that was left out.
Result<void> read_text(character::CharacterForm& form, const std::string& name,
                       const std::string& value) {
    if (value.empty()) return {};
    if (name == "name") form.name = value;
    if (name == "llm_model") form.llm_model = value;
    if (name == "llm_config") form.llm_config = value;
    if (name == "voice_cloning_settings") form.voice_cloning_settings = value;
    if (name == "stt_settings") form.stt_settings = value;
    if (name == "knowledge_mode") {
        if (value != "replace" && value != "append")
            return fail(ErrorKind::InvalidInput, "knowledge_mode: must be replace or append");
        form.append_knowledge = value == "append";
    }
    return {};
}

/// The form of create-character and update-character. InvalidInput for a part that is no form,
/// given twice or of another kind.
Result<character::CharacterForm> read_multipart(const HttpRequestPtr& request) {
    drogon::MultiPartParser parser;
    if (parser.parse(request) != 0)
        return fail(ErrorKind::InvalidInput, "the body is no valid multipart/form-data");
    character::CharacterForm form;
    const std::map<std::string_view, std::optional<character::Upload>*> files{
        {"character_image", &form.image},
        {"knowledge_base_file", &form.knowledge},
        {"voice_cloning_audio", &form.voice},
        {"style_tuning_file", &form.style}};
    for (const auto& [name, value] : parser.getParameters()) {
        if (files.contains(name)) return fail(ErrorKind::InvalidInput, name + ": must be a file");
        TITANS_TRY_VOID(read_text(form, name, value));
    }
    for (const drogon::HttpFile& file : parser.getFiles()) {
        const std::string& name = file.getItemName();
        if (is_text_field(name))
            return fail(ErrorKind::InvalidInput, name + ": must be text, not a file");
        const auto upload = files.find(name);
        if (upload == files.end()) continue;
        if (upload->second->has_value())
            return fail(ErrorKind::InvalidInput, name + ": was given twice");
        if (file.fileLength() == 0)
            return fail(ErrorKind::InvalidInput, name + ": the file is empty");
        *upload->second = character::Upload{file.getFileName(), std::string(file.fileContent())};
    }
    return form;
}

/// The same without files, as clients send it that have none to send.
Result<character::CharacterForm> read_urlencoded(const HttpRequestPtr& request) {
    character::CharacterForm form;
    for (const auto& [name, value] : request->getParameters())
        TITANS_TRY_VOID(read_text(form, name, value));
    return form;
}

/// The form, or the answer to a request that has none.
std::expected<character::CharacterForm, HttpResponsePtr> read_form(const HttpRequestPtr& request) {
    const bool multipart = has_media_type(request, "multipart/form-data");
    if (!multipart && !has_media_type(request, "application/x-www-form-urlencoded"))
        return std::unexpected(unsupported_body("multipart/form-data"));
    auto form = multipart ? read_multipart(request) : read_urlencoded(request);
    if (!form) return std::unexpected(error_response(form.error()));
    return *std::move(form);
}

HttpResponsePtr saved_response(const char* message, const character::SavedCharacter& saved,
                               drogon::HttpStatusCode status) {
    nlohmann::json body{{"message", message},
                        {"character_id", saved.id.value},
                        {"warnings", saved.warnings},
                        {"status", "success"}};
    if (saved.voice_sample) body["voice_sample"] = sample_json(*saved.voice_sample);
    return json_response(body, status);
}

drogon::Task<HttpResponsePtr> create(const RouteContext& context, HttpRequestPtr request) {
    auto form = read_form(request);
    if (!form) co_return form.error();
    // What is asked for is made, even if the asker does not wait for it.
    const auto saved =
        co_await context.services.characters.create(*std::move(form), context.shutdown.get_token());
    if (!saved) co_return error_response(saved.error());
    co_return saved_response("Character created successfully", *saved, drogon::k201Created);
}

drogon::Task<HttpResponsePtr> update(const RouteContext& context, HttpRequestPtr request,
                                     std::string id_text) {
    const Result<CharacterId> id = parse_character_id(id_text);
    if (!id) co_return error_response(id.error());
    auto form = read_form(request);
    if (!form) co_return form.error();
    const auto saved = co_await context.services.characters.update(*id, *std::move(form),
                                                                   context.shutdown.get_token());
    if (!saved) co_return error_response(saved.error());
    co_return saved_response("Character updated", *saved, drogon::k200OK);
}

/// {"character_id": ID} of a JSON body.
Result<CharacterId> read_id(const HttpRequestPtr& request) {
    TITANS_TRY(const nlohmann::ordered_json body, parse_body(request));
    return read_character_id(body);
}

drogon::Task<HttpResponsePtr> load(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "application/json"))
        co_return unsupported_body("application/json");
    const Result<CharacterId> id = read_id(request);
    if (!id) co_return error_response(id.error());
    // Loading takes what it takes; only who waits for it may end it.
    const RequestStop stop(request, std::chrono::hours(1), context.shutdown.get_token());
    const auto loaded = co_await context.services.conversation.prepare(*id, stop.token());
    if (!loaded) co_return error_response(stop.explain(loaded.error()));
    co_return json_response({{"message", "Models loaded for character " + loaded->name},
                             {"character_id", id->value},
                             {"warnings", loaded->warnings},
                             {"status", "success"}});
}

drogon::Task<HttpResponsePtr> list(const RouteContext& context, HttpRequestPtr request) {
    const auto characters = co_await context.services.characters.list();
    if (!characters) co_return error_response(characters.error());
    const std::string base = base_url(request, context.options.public_url);
    nlohmann::json items = nlohmann::json::array();
    for (const store::CharacterRecord& character : *characters)
        items.push_back(character_json(character, base));
    co_return json_response({{"characters", std::move(items)}, {"status", "success"}});
}

drogon::Task<HttpResponsePtr> show(const RouteContext& context, HttpRequestPtr request,
                                   std::string id_text) {
    const Result<CharacterId> id = parse_character_id(id_text);
    if (!id) co_return error_response(id.error());
    const auto character = co_await context.services.characters.find(*id);
    if (!character) co_return error_response(character.error());
    const std::string base = base_url(request, context.options.public_url);
    const auto reference = context.services.characters.reference_text(*character);
    co_return json_response(
        {{"character", character_json(*character, base, reference)}, {"status", "success"}});
}

drogon::Task<HttpResponsePtr> remove(const RouteContext& context, std::string id_text) {
    const Result<CharacterId> id = parse_character_id(id_text);
    if (!id) co_return error_response(id.error());
    const Result<void> removed = co_await context.services.characters.remove(*id);
    if (!removed) co_return error_response(removed.error());
    co_return json_response(
        {{"message", "Character deleted"}, {"character_id", id->value}, {"status", "success"}});
}

}  // namespace

void add_character_routes(const RouteContext& context) {
    auto& app = drogon::app();
    app.registerHandler(
        "/create-character",
        [&context](HttpRequestPtr request) { return create(context, std::move(request)); },
        {drogon::Post});
    app.registerHandler("/update-character/{id}",
                        [&context](HttpRequestPtr request, std::string id) {
                            return update(context, std::move(request), std::move(id));
                        },
                        {drogon::Post});
    app.registerHandler(
        "/load-character",
        [&context](HttpRequestPtr request) { return load(context, std::move(request)); },
        {drogon::Post});
    app.registerHandler(
        "/get-characters",
        [&context](HttpRequestPtr request) { return list(context, std::move(request)); },
        {drogon::Get});
    app.registerHandler("/get-character/{id}",
                        [&context](HttpRequestPtr request, std::string id) {
                            return show(context, std::move(request), std::move(id));
                        },
                        {drogon::Get});
    app.registerHandler(
        "/delete-character/{id}",
        [&context](HttpRequestPtr, std::string id) { return remove(context, std::move(id)); },
        {drogon::Delete});
}

}  // namespace titans::api
