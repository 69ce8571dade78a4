#include <drogon/HttpAppFramework.h>

#include "api/docs_page.h"
#include "api/openapi.h"
#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"
#include "foundation/machine.h"
#include "foundation/units.h"

namespace titans::api {
namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponsePtr;
using nlohmann::json;
using Respond = std::function<void(const HttpResponsePtr&)>;

std::uint64_t megabytes(std::uint64_t bytes) { return bytes >> 20; }

json processor_json() {
    const Processor processor = read_processor();
    return {{"name", processor.name}, {"cores", processor.cores}, {"features", processor.features}};
}

json memory_json() {
    const Memory memory = read_memory();
    return {{"resident_mb", megabytes(memory.resident)},
            {"available_mb", megabytes(memory.available)},
            {"total_mb", megabytes(memory.total)}};
}

json queue_json(const HealthSources& sources) {
    json waiting = json::object();
    for (const QueueLength& queue : sources.queues()) waiting[queue.executor] = queue.waiting;
    return {{"waiting", std::move(waiting)}, {"active_turns", sources.active_turns()}};
}

json downloads_json(const std::vector<models::DownloadStatus>& downloads) {
    json items = json::array();
    for (const models::DownloadStatus& download : downloads) {
        json item{{"model", download.model}, {"wanted", download.wanted},
                  {"step", download.step},   {"file", download.file},
                  {"bytes", download.bytes}, {"of_bytes", download.of_bytes}};
        if (!download.error.empty()) item["error"] = download.error;
        items.push_back(std::move(item));
    }
    return items;
}

json catalogue_json(const std::vector<models::ModelStatus>& models) {
    json items = json::array();
    for (const models::ModelStatus& status : models) {
        items.push_back({{"name", status.model->name},
                         {"task", to_string(status.model->task)},
                         {"here", !status.file.empty()},
                         {"default", status.model->is_default}});
    }
    return items;
}

/// A sentence for each default model that is not here.
json missing_json(const std::vector<models::ModelStatus>& models) {
    json sentences = json::array();
    for (const models::ModelStatus& status : models) {
        if (!status.model->is_default || !status.file.empty()) continue;
        sentences.push_back(std::format(
            "{0} ({1}) is not here; POST /download-model with {{\"model_name\": \"{0}\", "
            "\"model_type\": \"huggingface\"}} gets it",
            status.model->name, to_string(status.model->task)));
    }
    return sentences;
}

drogon::Task<HttpResponsePtr> health(const RouteContext& context, json processor,
                                     Clock::time_point started) {
    const HealthSources& sources = context.services.health;
    const bool reachable = co_await sources.database_reachable();
    const auto models = co_await sources.models();
    if (!models) co_return error_response(models.error());
    json body{
        {"status", "success"},
        {"ready", reachable},
        {"version", sources.version},
        {"uptime_seconds", static_cast<std::int64_t>(since(started).count() / 1000)},
        {"processor", std::move(processor)},
        {"memory", memory_json()},
        {"queue", queue_json(sources)},
        {"models", {{"loaded", sources.loaded_models()}, {"catalogue", catalogue_json(*models)}}},
        {"downloads", downloads_json(sources.downloads())},
        {"missing", missing_json(*models)},
        {"database", {{"kind", sources.database_kind}, {"reachable", reachable}}}};
    if (reachable) co_return json_response(body);
    body["status"] = "error";
    body["error"] = "the database cannot be reached";
    auto response = json_response(body, drogon::k503ServiceUnavailable);
    response->addHeader("Retry-After", "2");
    co_return response;
}

HttpResponsePtr docs_response(const std::string& page) {
    auto response = drogon::HttpResponse::newHttpResponse();
    response->setContentTypeCode(drogon::CT_TEXT_HTML);
    // The page has a style of its own and nothing that runs, or comes from elsewhere.
    response->addHeader("Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'");
    response->addHeader("X-Content-Type-Options", "nosniff");
    response->addHeader("Referrer-Policy", "no-referrer");
    response->setBody(page);
    return response;
}

}  // namespace

void add_meta_routes(const RouteContext& context) {
    auto& app = drogon::app();
    app.registerHandler("/health",
                        [&context, processor = processor_json(), started = Clock::now()](
                            HttpRequestPtr) { return health(context, processor, started); },
                        {drogon::Get});
    const json description = openapi_description(context.services.health.version);
    app.registerHandler("/openapi.json",
                        [&context, description](const HttpRequestPtr& request, Respond&& respond) {
                            json body = description;
                            body["servers"] = json::array(
                                {{{"url", base_url(request, context.options.public_url)}}});
                            respond(json_response(body));
                        },
                        {drogon::Get});
    app.registerHandler("/docs",
                        [page = docs_page(description)](const HttpRequestPtr&, Respond&& respond) {
                            respond(docs_response(page));
                        },
                        {drogon::Get});
}

}  // namespace titans::api
