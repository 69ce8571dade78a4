#include "character/local_minds.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "execution/channel.h"

namespace titans::character {

using mind::Completion;

Task<Result<Completion>> LocalMinds::ask(Question question) {
    co_return co_await take({.question = std::move(question), .is_answered = true, .on_end = {}},
                            Executor::Priority::FirstWords);
}

Task<Result<Completion>> LocalMinds::prepare(Question question) {
    co_return co_await take({.question = std::move(question), .is_answered = false, .on_end = {}},
                            Executor::Priority::Later);
}

Task<Result<Completion>> LocalMinds::take(Asked asked, Executor::Priority priority) {
    const auto outcome = std::make_shared<Channel<Result<Completion>>>();
    asked.on_end = [outcome](Result<Completion> end) { outcome->push(std::move(end)); };
    // The last who came drives the steps of all, so that they are as urgent as that one from the
    // start; who drove them before ends.
    Executor::Stepper stepper =
        [this, asked = std::make_shared<Asked>(std::move(asked)),
         number = std::uint64_t{0}]() mutable -> std::optional<Executor::Priority> {
        if (asked != nullptr) {
            asked_.push_back(std::exchange(asked, nullptr));
            number = ++steppers_;
        }
        if (number != steppers_) return std::nullopt;
        return step();
    };
    if (!compute_.post(stepper, priority)) {
        co_return fail(ErrorKind::Busy,
                       "the server is busy: too many requests wait for " + compute_.name());
    }
    co_return *co_await outcome->next();
}

std::optional<Executor::Priority> LocalMinds::step() {
    admit();
    if (mind::SteppedModel* const mind = next_mind()) {
        try {
            mind->step();
        } catch (const std::exception& exception) {
            mind->abandon(detail::unexpected_exception(compute_.name(), &exception));
        }
        std::ranges::stable_partition(asked_,
                                      [mind](const auto& asked) { return asked->mind != mind; });
    }
    std::erase_if(asked_, [](const auto& asked) { return asked->ended; });
    if (asked_.empty()) return std::nullopt;
    const bool urgent =
        std::ranges::any_of(asked_, [](const auto& asked) { return asked->question.is_urgent(); });
    return urgent ? Executor::Priority::FirstWords : Executor::Priority::Later;
}

void LocalMinds::admit() {
    for (const auto& asked : asked_) {
        if (asked->mind != nullptr || asked->ended) continue;
        if (asked->question.stop.stop_requested()) {
            end(*asked, fail(ErrorKind::Cancelled, "the answer was stopped"));
            continue;
        }
        Result<bool> begun = false;
        try {
            begun = begin(asked);
        } catch (const std::exception& exception) {
            begun = std::unexpected(detail::unexpected_exception(compute_.name(), &exception));
        }
        if (!begun) {
            end(*asked, std::unexpected(std::move(begun).error()));
        } else if (!*begun) {
            return;
        }
    }
}

Result<bool> LocalMinds::begin(const std::shared_ptr<Asked>& asked) {
    const Question& question = asked->question;
    TITANS_TRY(mind::SteppedModel* const mind, find_(question.file, question.config));
    if (mind == nullptr) return false;
    TITANS_TRY(mind::Prompt prompt, question.prompt(*mind));
    std::optional<mind::GenerationOptions> options;
    if (asked->is_answered) options = question.config.generation;
    asked->mind = mind;
    mind->begin({.prompt = std::move(prompt),
                 .options = std::move(options),
                 .on_text = question.on_text,
                 .stop = question.stop,
                 .on_end = [asked](Result<Completion> result) { end(*asked, std::move(result)); }});
    return true;
}

void LocalMinds::end(Asked& asked, Result<Completion> result) {
    if (std::exchange(asked.ended, true)) return;
    asked.question = {};  // what it holds is gone when its end is told: a turn that is over
    asked.on_end(std::move(result));
}

/// The one whose turn it is, of those that owe somebody a first sentence if there are such.
mind::SteppedModel* LocalMinds::next_mind() const {
    mind::SteppedModel* next = nullptr;
    for (const auto& asked : asked_) {
        if (asked->ended || asked->mind == nullptr) continue;
        if (asked->question.is_urgent()) return asked->mind;
        if (next == nullptr) next = asked->mind;
    }
    return next;
}

}  // namespace titans::character
