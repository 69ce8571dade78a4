#include "execution/executor.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "foundation/log.h"

namespace titans {

Executor::Executor(Options options) : options_(std::move(options)) {
    threads_.reserve(static_cast<std::size_t>(options_.threads));
    for (int i = 0; i < options_.threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
}

Executor::~Executor() {
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();  // joins
}

bool Executor::post(Job& job, Priority priority) {
    {
        const std::lock_guard lock(mutex_);
        if (queue(priority).size() >= options_.queue_size) return false;
        queue(priority).push_back(std::move(job));
    }
    ready_.notify_one();
    return true;
}

std::size_t Executor::waiting() const {
    const std::lock_guard lock(mutex_);
    return interactive_.size() + background_.size();
}

void Executor::work(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
    // On Linux a thread has a nice value of its own, named by its id.
    if (options_.nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), options_.nice);
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            if (!ready_.wait(lock, stop,
                             [this] { return !interactive_.empty() || !background_.empty(); }))
                return;
            if (stop.stop_requested()) return;
            auto& next = interactive_.empty() ? background_ : interactive_;
            job = std::move(next.front());
            next.pop_front();
        }
        job();
    }
}

Error detail::unexpected_exception(const std::string& executor, const std::exception* exception) {
    std::string what = exception != nullptr ? exception->what() : "not a std::exception";
    log::error("job.threw", "executor={} what=\"{}\"", executor, what);
    return Error{ErrorKind::Internal, "internal error", std::move(what)};
}

}  // namespace titans
