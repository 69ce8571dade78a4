#include <print>
#include <string>
#include <vector>

#include "app/model_store.h"
#include "app/words.h"

namespace titans::app {
namespace {

std::vector<std::string_view> default_names() {
    using models::ModelTask;
    std::vector<std::string_view> names;
    for (const ModelTask task : {ModelTask::Mind, ModelTask::Ears, ModelTask::Embedder}) {
        names.push_back(models::default_of(task).name);
    }
    return names;
}

int list(const models::ModelStore& store) {
    for (const models::ModelStatus& status : store.list()) {
        const models::CatalogueModel& model = *status.model;
        std::println("{} {:28} {:8} {:>6} MB  {:14} {}{}", status.file.empty() ? ' ' : '*',
                     model.name, models::to_string(model.task),
                     models::download_bytes(model) / 1'000'000, model.licence, model.description,
                     model.is_default ? " (default)" : "");
    }
    std::println("* is here");
    return 0;
}

int check(const models::ModelStore& store) {
    for (const std::string_view name : default_names()) {
        if (!store.find(name)) return complain(std::format("the model {} is not here", name));
    }
    return 0;
}

int fetch(models::ModelStore& store, std::span<const std::string_view> names) {
    int status = 0;
    for (const std::string_view name : names) {
        const Clock::time_point start = Clock::now();
        std::print(stderr, "titans: model {} ... ", name);
        const auto file = store.fetch(name, [](const models::FetchProgress&) {}, {});
        if (file) {
            std::println(stderr, "{:.0f} s", since(start).count() / 1000);
            continue;
        }
        std::println(stderr, "failed after {:.0f} s", since(start).count() / 1000);
        status = complain(std::format("{} {}", file.error().message, file.error().detail));
    }
    return status;
}

}  // namespace

int models(Arguments arguments, const config::Settings& settings) {
    models::ModelStore store = make_model_store(settings);
    const std::string_view action = arguments.empty() ? "list" : arguments.front();
    if (action == "list" && arguments.size() <= 1) return list(store);
    if (action == "check" && arguments.size() == 1) return check(store);
    if (action == "fetch") {
        const std::vector<std::string_view> standard = default_names();
        return fetch(store, arguments.size() > 1 ? arguments.subspan(1) : std::span(standard));
    }
    return complain("usage: titans models list | fetch [NAME...] | check");
}

}  // namespace titans::app
