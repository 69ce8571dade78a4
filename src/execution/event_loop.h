#pragma once

#include <trantor/net/EventLoop.h>

#include <cassert>

namespace titans {

using EventLoop = trantor::EventLoop;

/// The event loop of this thread; there must be one.
inline EventLoop& current_loop() {
    EventLoop* loop = EventLoop::getEventLoopOfCurrentThread();
    assert(loop != nullptr);
    return *loop;
}

}  // namespace titans
