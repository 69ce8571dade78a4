#include <unistd.h>

#include <algorithm>
#include <functional>
#include <print>
#include <string>
#include <vector>

#include "app/model_store.h"
#include "app/words.h"

namespace titans::app {
namespace {

std::vector<std::string_view> default_names() {
    std::vector<std::string_view> names;
    for (const auto* const model : models::default_models()) names.push_back(model->name);
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
    for (const models::RepositoryModel& model : store.list_repositories()) {
        std::println("* {:28} {:>15} MB  {}", model.name, model.bytes / 1'000'000,
                     model.gguf ? model.gguf->lexically_relative(model.folder).string()
                                : std::string("checkpoint"));
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

/// Says how a fetch goes: in place on a terminal, else a line for each file.
class ProgressPrinter {
public:
    void operator()(const models::FetchProgress& progress) {
        if (progress.step == models::FetchProgress::Step::Converting) return say("converting");
        if (progress.file != file_) {
            finish_line();
            file_ = progress.file;
            begun_ = Clock::now();
            begun_with_ = progress.bytes;
            if (!is_terminal_)
                std::println(stderr, "titans: {} ({})", file_, megabytes(progress.of_bytes));
        }
        if (!is_terminal_ || progress.of_bytes == 0) return;
        const double seconds = since(begun_).count() / 1000;
        const auto arrived =
            static_cast<double>(progress.bytes - std::min(begun_with_, progress.bytes));
        say(std::format(
            "{} {:3.0f} % of {}, {:.1f} MB/s", file_,
            100.0 * static_cast<double>(progress.bytes) / static_cast<double>(progress.of_bytes),
            megabytes(progress.of_bytes), seconds > 0 ? arrived / 1e6 / seconds : 0));
    }
    void finish_line() {
        if (is_terminal_ && is_open_) std::println(stderr, "");
        is_open_ = false;
    }

private:
    static std::string megabytes(std::uint64_t bytes) {
        return std::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
    }
    void say(std::string_view what) {
        if (!is_terminal_) return std::println(stderr, "titans: {}", what);
        std::print(stderr, "\r\x1b[Ktitans: {}", what);
        is_open_ = true;
    }

    const bool is_terminal_ = isatty(STDERR_FILENO) == 1;
    bool is_open_ = false;  // a line without its end
    std::string file_;
    Clock::time_point begun_;
    std::uint64_t begun_with_ = 0;
};

/// To name a model is to accept its licence: says what that is.
void say_licence(const models::CatalogueModel* model) {
    if (model == nullptr) return;
    if (!model->restriction.empty()) {
        std::println(stderr,
                     "titans: {} is under the licence {}: {}. By fetching it you accept that: {}",
                     model->name, model->licence, model->restriction, model->licence_url);
    }
    for (const std::string_view needed : model->needs) say_licence(models::find_model(needed));
}

int fetch(models::ModelStore& store, std::span<const std::string_view> names,
          std::string_view wanted) {
    int status = 0;
    for (const std::string_view name : names) {
        const Clock::time_point start = Clock::now();
        std::println(stderr, "titans: model {} ...", name);
        say_licence(models::find_model(name));
        ProgressPrinter printer;
        const models::ProgressCallback progress = std::ref(printer);
        const auto file = store.in_catalogue(name)
                              ? store.fetch(name, progress, {}, models::LicenceAnswer::Accepted)
                              : store.fetch_repository(name, wanted, progress, {});
        printer.finish_line();
        const double seconds = since(start).count() / 1000;
        if (file) {
            std::println(stderr, "titans: model {} is here after {:.0f} s: {}", name, seconds,
                         store.client_path(*file));
            continue;
        }
        std::println(stderr, "titans: model {} failed after {:.0f} s", name, seconds);
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
        std::vector<std::string_view> names(arguments.begin() + 1, arguments.end());
        std::string_view wanted;
        if (const auto flag = std::ranges::find(names, "--file"); flag != names.end()) {
            if (std::next(flag) == names.end() || names.size() != 3)
                return complain("--file takes a name or a quantisation, for one repository");
            wanted = *std::next(flag);
            names.erase(flag, flag + 2);
            if (store.in_catalogue(names.front()))
                return complain("--file is for repositories of the hub");
        }
        if (names.empty()) names = default_names();
        return fetch(store, names, wanted);
    }
    return complain("usage: titans models list | fetch [NAME | ORG/NAME [--file FILE]]... | check");
}

}  // namespace titans::app
