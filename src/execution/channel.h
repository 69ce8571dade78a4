#pragma once

#include <coroutine>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "execution/event_loop.h"

namespace titans {

/// A queue from any threads to one coroutine, which takes with `co_await channel.next()` on its own
/// event loop.
template <typename T>
class Channel {
public:
    /// Adds `value`; without effect after close(). Thread-safe.
    void push(T value) {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        values_.push_back(std::move(value));
        wake();
    }

    /// next() yields what is there and then nothing. Thread-safe.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        wake();
    }

    /// The next value, or nothing when the channel is closed and empty. One coroutine at a time.
    auto next() { return Next{*this}; }

private:
    struct Next {
        Channel& channel;

        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> caller) {
            const std::lock_guard lock(channel.mutex_);
            if (!channel.values_.empty() || channel.closed_) return false;
            channel.waiter_ = caller;
            channel.loop_ = &current_loop();
            return true;
        }
        std::optional<T> await_resume() {
            const std::lock_guard lock(channel.mutex_);
            if (channel.values_.empty()) return std::nullopt;
            std::optional<T> value(std::move(channel.values_.front()));
            channel.values_.pop_front();
            return value;
        }
    };

    /// Under the lock.
    void wake() {
        if (!waiter_) return;
        loop_->queueInLoop([caller = std::exchange(waiter_, nullptr)] { caller.resume(); });
    }

    std::mutex mutex_;  // guards all below
    std::deque<T> values_;
    std::coroutine_handle<> waiter_;
    EventLoop* loop_ = nullptr;
    bool closed_ = false;
};

}  // namespace titans
