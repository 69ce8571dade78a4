#include "checkpoint/pickle_stack.h"

#include <format>

#include "checkpoint/pickle_program.h"

namespace titans::checkpoint {

std::unexpected<Error> bad_pickle(std::string_view why) {
    return fail(ErrorKind::InvalidInput, std::format("its pickle {}", why));
}

bool PickleStack::is_too_large() const {
    constexpr std::size_t kMost = 1 << 20;
    return values_.size() > kMost || stack_.size() > kMost || memory_.size() > kMost ||
           marks_.size() > kMost;
}

Result<void> PickleStack::push(PickleValue value) {
    values_.push_back(std::move(value));
    return push_again(static_cast<PickleRef>(values_.size() - 1));
}

Result<void> PickleStack::push_again(PickleRef ref) {
    stack_.push_back(ref);
    return {};
}

Result<PickleRef> PickleStack::pop() {
    TITANS_TRY(const PickleRef latest, top());
    stack_.pop_back();
    return latest;
}

Result<PickleRef> PickleStack::top() {
    if (stack_.empty() || is_at_mark()) return bad_pickle("takes a value that is not there");
    return stack_.back();
}

Result<std::vector<PickleRef>> PickleStack::pop_to_mark() {
    if (marks_.empty()) return bad_pickle("has no mark where one is needed");
    std::vector<PickleRef> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()),
                                 stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
}

Result<void> PickleStack::discard() {
    if (!is_at_mark()) return pop().transform([](PickleRef) {});
    marks_.pop_back();
    return {};
}

Result<void> PickleStack::tuple(int count) {
    PickledSequence sequence{.items = std::vector<PickleRef>(count)};
    for (int i = count - 1; i >= 0; --i) {
        TITANS_TRY(sequence.items[i], pop());
    }
    return push(std::move(sequence));
}

Result<void> PickleStack::append(PickleRef list, const std::vector<PickleRef>& items) {
    if (auto* const sequence = std::get_if<PickledSequence>(&values_[list])) {
        sequence->items.insert(sequence->items.end(), items.begin(), items.end());
        return {};
    }
    if (get_if<PickledOpaque>(list) != nullptr) return {};
    return bad_pickle("appends to what is no list");
}

Result<void> PickleStack::set_items(PickleRef dict, const std::vector<PickleRef>& items) {
    if (items.size() % 2 != 0) return bad_pickle("has a key without a value");
    if (auto* const entries = std::get_if<PickledDict>(&values_[dict])) {
        for (std::size_t i = 0; i < items.size(); i += 2)
            entries->entries.emplace_back(items[i], items[i + 1]);
        return {};
    }
    if (get_if<PickledOpaque>(dict) != nullptr) return {};
    return bad_pickle("puts a key into what is no dictionary");
}

Result<void> PickleStack::remember(std::uint64_t index) {
    TITANS_TRY(const PickleRef value, top());
    memory_[index] = value;
    return {};
}

Result<void> PickleStack::recall(std::uint64_t index) {
    const auto found = memory_.find(index);
    if (found == memory_.end()) return bad_pickle("recalls what it did not remember");
    return push_again(found->second);
}

}  // namespace titans::checkpoint
