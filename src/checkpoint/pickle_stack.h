#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "checkpoint/pickle.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// What the instructions of a pickle work on: the values made so far, a stack of them with marks,
/// and a memory. Every error is InvalidInput.
class PickleStack {
public:
    const std::vector<PickleValue>& values() const { return values_; }
    PickleValue& value(PickleRef ref) { return values_[ref]; }
    std::vector<PickleValue> take_values() && { return std::move(values_); }

    template <typename Value>
    const Value* get_if(PickleRef ref) const {
        return std::get_if<Value>(&values_[ref]);
    }

    /// Whether it has grown beyond what any model needs.
    bool is_too_large() const;

    Result<void> push(PickleValue value);
    Result<void> push_again(PickleRef ref);
    Result<PickleRef> pop();
    Result<PickleRef> top();

    void mark() { marks_.push_back(stack_.size()); }
    /// Everything since the latest mark, which is taken away too.
    Result<std::vector<PickleRef>> pop_to_mark();
    /// Takes away the latest value, or the mark if nothing follows it.
    Result<void> discard();

    /// Puts a tuple of the last `count` values in their place.
    Result<void> tuple(int count);
    Result<void> append(PickleRef list, const std::vector<PickleRef>& items);
    /// `items`: key, value, key, value, ...
    Result<void> set_items(PickleRef dict, const std::vector<PickleRef>& items);

    /// Remembers what is on top.
    Result<void> remember(std::uint64_t index);
    Result<void> remember_next() { return remember(memory_.size()); }
    Result<void> recall(std::uint64_t index);

private:
    bool is_at_mark() const { return !marks_.empty() && marks_.back() == stack_.size(); }

    std::vector<PickleValue> values_;
    std::vector<PickleRef> stack_;
    std::vector<std::size_t> marks_;             // how high the stack was
    std::map<std::uint64_t, PickleRef> memory_;  // a hash table would let the file choose its keys
};

}  // namespace titans::checkpoint
