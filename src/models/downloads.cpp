#include "models/downloads.h"

#include <algorithm>
#include <deque>
#include <format>
#include <mutex>

#include "execution/channel.h"
#include "foundation/log.h"
#include "foundation/units.h"

namespace titans::models {
namespace {

constexpr std::size_t kMostFailures = 20;  // that are remembered

using Answer = Result<std::string>;
using Waiter = std::shared_ptr<Channel<Answer>>;

}  // namespace

struct Downloads::State {
    struct Entry {
        DownloadStatus status;
        std::vector<Waiter> waiters;

        bool has_failed() const { return status.step == "failed"; }
    };

    State(ModelStore& of_models, Executor& of_executor)
        : models(of_models), executor(of_executor) {}

    Entry* find(std::string_view name, std::string_view wanted) {
        const auto found = std::ranges::find_if(entries, [&](const Entry& entry) {
            return entry.status.model == name && entry.status.wanted == wanted;
        });
        return found == entries.end() ? nullptr : &*found;
    }
    void remove(const Entry* entry) {
        std::erase_if(entries, [&](const Entry& one) { return &one == entry; });
    }
    void forget_oldest_failure() {
        const auto failures = std::ranges::count_if(entries, &Entry::has_failed);
        if (static_cast<std::size_t>(failures) > kMostFailures)
            entries.erase(std::ranges::find_if(entries, &Entry::has_failed));
    }

    /// On the executor.
    void run(const std::string& name, const std::string& wanted, LicenceAnswer licence);
    Answer fetch(const std::string& name, const std::string& wanted, LicenceAnswer licence);

    ModelStore& models;
    Executor& executor;
    std::stop_source stop;
    std::mutex mutex;  // guards the entries
    std::deque<Entry> entries;
};

void Downloads::State::run(const std::string& name, const std::string& wanted,
                           LicenceAnswer licence) {
    const Clock::time_point start = Clock::now();
    Answer answer = fail(ErrorKind::Internal, "the download failed");
    try {
        answer = fetch(name, wanted, licence);
    } catch (const std::exception& exception) {
        answer.error().detail = exception.what();
    }
    if (answer) {
        log::info("model.fetched", "model=\"{}\" seconds={:.0f}", name,
                  since(start).count() / 1000);
    } else {
        log::warn("model.not_fetched", "model=\"{}\" kind={} message=\"{}\" detail=\"{}\"", name,
                  to_string(answer.error().kind), answer.error().message, answer.error().detail);
    }
    std::vector<Waiter> waiters;
    {
        const std::lock_guard lock(mutex);
        Entry* const entry = find(name, wanted);
        waiters = std::move(entry->waiters);
        if (answer) {
            remove(entry);
        } else {
            entry->status.step = "failed";
            entry->status.error = answer.error().message;
            forget_oldest_failure();
        }
    }
    for (const Waiter& waiter : waiters) waiter->push(answer);
}

Answer Downloads::State::fetch(const std::string& name, const std::string& wanted,
                               LicenceAnswer licence) {
    const auto progress = [&](const FetchProgress& now) {
        const std::lock_guard lock(mutex);
        DownloadStatus& status = find(name, wanted)->status;
        status.step = now.step == FetchProgress::Step::Converting ? "converting" : "downloading";
        status.file = now.file;
        status.bytes = now.bytes;
        status.of_bytes = now.of_bytes;
    };
    {
        const std::lock_guard lock(mutex);
        find(name, wanted)->status.step = "downloading";
    }
    const auto fetched = models.in_catalogue(name)
                             ? models.fetch(name, progress, stop.get_token(), licence)
                             : models.fetch_repository(name, wanted, progress, stop.get_token());
    if (!fetched) return std::unexpected(fetched.error());
    return models.client_path(*fetched);
}

Downloads::Downloads(ModelStore& models, Executor& executor)
    : state_(std::make_shared<State>(models, executor)) {}

Downloads::~Downloads() { state_->stop.request_stop(); }

Task<Result<std::string>> Downloads::get(std::string name, std::string wanted,
                                         LicenceAnswer licence, std::stop_token stop) {
    // Before it waits behind others.
    if (!state_->models.in_catalogue(name)) {
        TITANS_CO_TRY_VOID(check_repository_name(name));
    } else if (!wanted.empty()) {
        co_return fail(ErrorKind::InvalidInput,
                       std::format("file: {} is of the catalogue, which has chosen", name));
    } else {
        // Reads a file of a few lines, and only where something is to be accepted.
        TITANS_CO_TRY_VOID(state_->models.check_licence(name, licence));
    }
    const auto waiter = std::make_shared<Channel<Answer>>();
    {
        const std::lock_guard lock(state_->mutex);
        State::Entry* entry = state_->find(name, wanted);
        if (entry != nullptr && entry->has_failed()) {
            state_->remove(entry);
            entry = nullptr;
        }
        if (entry == nullptr) {
            Executor::Job job = [state = state_, name, wanted, licence] {
                state->run(name, wanted, licence);
            };
            entry = &state_->entries.emplace_back(
                DownloadStatus{.model = name, .wanted = wanted, .step = "waiting"});
            if (!state_->executor.post(job)) {
                state_->remove(entry);
                co_return fail(ErrorKind::Busy, "too many downloads wait");
            }
        }
        entry->waiters.push_back(waiter);
    }
    const std::stop_callback gone(stop, [waiter] {
        waiter->push(fail(ErrorKind::Cancelled, "nobody waits for the download"));
    });
    const std::optional<Answer> answer = co_await waiter->next();
    co_return *answer;
}

std::vector<DownloadStatus> Downloads::list() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<DownloadStatus> all;
    for (const State::Entry& entry : state_->entries) all.push_back(entry.status);
    return all;
}

}  // namespace titans::models
