#include <drogon/HttpAppFramework.h>

#include "api/answers.h"
#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"

namespace titans::api {
namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponsePtr;

/// The form of create-character. InvalidInput for a part that is no form, missing, given twice or
/// of another kind.
Result<character::CharacterForm> read_form(const HttpRequestPtr& request) {
    drogon::MultiPartParser parser;
    if (parser.parse(request) != 0)
        return fail(ErrorKind::InvalidInput, "the body is no valid multipart/form-data");
    character::CharacterForm form;
    const std::map<std::string_view, std::string*> texts{
        {"name", &form.name},
        {"llm_model", &form.llm_model},
        {"llm_config", &form.llm_config},
        {"voice_cloning_settings", &form.voice_cloning_settings},
        {"stt_settings", &form.stt_settings}};
    const std::map<std::string_view, std::optional<character::Upload>*> files{
        {"character_image", &form.image},
        {"knowledge_base_file", &form.knowledge},
        {"voice_cloning_audio", &form.voice},
        {"style_tuning_file", &form.style}};
    for (const auto& [name, value] : parser.getParameters()) {
        if (files.contains(name)) return fail(ErrorKind::InvalidInput, name + ": must be a file");
        // An empty setting is one that was left out.
        if (const auto text = texts.find(name); text != texts.end() && !value.empty())
            *text->second = value;
    }
    for (const drogon::HttpFile& file : parser.getFiles()) {
        const std::string& name = file.getItemName();
        if (texts.contains(name))
            return fail(ErrorKind::InvalidInput, name + ": must be text, not a file");
        const auto upload = files.find(name);
        if (upload == files.end()) continue;
        if (upload->second->has_value())
            return fail(ErrorKind::InvalidInput, name + ": was given twice");
        if (file.fileLength() == 0)
            return fail(ErrorKind::InvalidInput, name + ": the file is empty");
        *upload->second = character::Upload{file.getFileName(), std::string(file.fileContent())};
    }
    if (form.name.empty()) return fail(ErrorKind::InvalidInput, "name: is required");
    return form;
}

drogon::Task<HttpResponsePtr> create(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "multipart/form-data")) {
        co_return json_response(error_body("the body must be multipart/form-data"),
                                drogon::k415UnsupportedMediaType);
    }
    Result<character::CharacterForm> form = read_form(request);
    if (!form) co_return error_response(form.error());
    // What is asked for is made, even if the asker does not wait for it.
    const Result<CharacterId> id =
        co_await context.services.characters.create(*std::move(form), context.shutdown.get_token());
    if (!id) co_return error_response(id.error());
    co_return json_response({{"message", "Character created successfully"},
                             {"character_id", id->value},
                             {"status", "success"}},
                            drogon::k201Created);
}

drogon::Task<HttpResponsePtr> list(const RouteContext& context, HttpRequestPtr request) {
    const auto characters = co_await context.services.characters.list();
    if (!characters) co_return error_response(characters.error());
    const std::string base = base_url(request, context.options.public_url);
    nlohmann::json items = nlohmann::json::array();
    for (const store::CharacterRecord& character : *characters)
        items.push_back(character_json(character, base, false));
    co_return json_response({{"characters", std::move(items)}, {"status", "success"}});
}

drogon::Task<HttpResponsePtr> show(const RouteContext& context, HttpRequestPtr request,
                                   std::string id_text) {
    const Result<CharacterId> id = parse_character_id(id_text);
    if (!id) co_return error_response(id.error());
    const auto character = co_await context.services.characters.find(*id);
    if (!character) co_return error_response(character.error());
    const std::string base = base_url(request, context.options.public_url);
    co_return json_response(
        {{"character", character_json(*character, base, true)}, {"status", "success"}});
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
