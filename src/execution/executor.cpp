#include "execution/executor.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "foundation/log.h"

namespace titans {
namespace {

constexpr int kAudioInARow = 2;

}  // namespace

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

template <typename Work>
bool Executor::enqueue(Work& work, Priority priority) {
    {
        const std::lock_guard lock(mutex_);
        if (queue(priority).size() >= options_.queue_size) return false;
        if constexpr (std::is_same_v<Work, Job>) {
            queue(priority).emplace_back([job = std::move(work)]() mutable {
                job();
                return std::optional<Priority>();
            });
        } else {
            queue(priority).push_back(std::move(work));
        }
    }
    ready_.notify_one();
    return true;
}

bool Executor::post(Job& job, Priority priority) { return enqueue(job, priority); }
bool Executor::post(Stepper& stepper, Priority priority) { return enqueue(stepper, priority); }

std::size_t Executor::waiting() const {
    const std::lock_guard lock(mutex_);
    return std::transform_reduce(queues_.begin(), queues_.end(), std::size_t{0}, std::plus(),
                                 [](const auto& queue) { return queue.size(); });
}

void Executor::work(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
    // On Linux a thread has a nice value of its own, named by its id.
    if (options_.nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), options_.nice);
    int audio_in_a_row = 0;
    const auto next = [this, &audio_in_a_row] {
        const auto first = std::ranges::find_if(queues_, std::not_fn(&std::deque<Stepper>::empty));
        const bool audio = first == &queue(Priority::FirstAudio);
        return audio && audio_in_a_row >= kAudioInARow && !queue(Priority::Later).empty()
                   ? &queue(Priority::Later)
                   : first;
    };
    std::unique_lock lock(mutex_);
    while (ready_.wait(lock, stop, [&] { return next() != queues_.end(); }) &&
           !stop.stop_requested()) {
        const auto most_urgent = next();
        audio_in_a_row = most_urgent == &queue(Priority::FirstAudio) ? audio_in_a_row + 1 : 0;
        Stepper stepper = std::move(most_urgent->front());
        most_urgent->pop_front();
        lock.unlock();
        const std::optional<Priority> again = stepper();
        if (!again) stepper = nullptr;  // what it holds may be big, and the lock is everybody's
        lock.lock();
        if (again) {
            queue(*again).push_back(std::move(stepper));
            ready_.notify_one();
        }
    }
}

Error detail::unexpected_exception(const std::string& executor, const std::exception* exception) {
    std::string what = exception != nullptr ? exception->what() : "not a std::exception";
    log::error("job.threw", "executor={} what=\"{}\"", executor, what);
    return Error{ErrorKind::Internal, "internal error", std::move(what)};
}

}  // namespace titans
