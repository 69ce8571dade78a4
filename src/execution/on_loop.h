#pragma once

// For tests of coroutines, and for what comes before there is a loop.

#include <trantor/net/EventLoopThread.h>

#include <functional>
#include <future>
#include <utility>

#include "execution/event_loop.h"
#include "execution/task.h"

namespace titans {

/// Runs a coroutine to its end on an event loop of its own. `start` may capture: it outlives the
/// coroutine.
template <typename T>
T on_loop(std::function<Task<T>()> start) {
    trantor::EventLoopThread thread("test");
    thread.run();
    std::promise<T> promise;
    thread.getLoop()->queueInLoop([&] {
        [](std::function<Task<T>()> begin, std::promise<T>& done) -> DetachedTask {
            done.set_value(co_await begin());
        }(start, promise);
    });
    return promise.get_future().get();
}

}  // namespace titans
