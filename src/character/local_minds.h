#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "character/llm_config.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "foundation/error.h"
#include "mind/language_model.h"

namespace titans::character {

/// Decides whose question a mind of this process works on next, in turns with all else on the
/// compute executor.
///
/// Questions to one mind are answered side by side, a step after the other. Minds take turns, but
/// one that owes somebody a first sentence goes before those that do not. A question to a mind that
/// has no room in memory waits until one there is idle, and those after it wait too, so that it
/// gets its turn.
///
/// Thread-safe.
class LocalMinds {
public:
    /// The mind in a file with these settings, loaded if need be, until it is idle; null if there
    /// is no room for it as long as others are not. Called on the compute executor.
    using Find = std::function<Result<mind::SteppedModel*>(const std::filesystem::path& file,
                                                           const LlmConfig& config)>;

    struct Question {
        std::filesystem::path file;
        LlmConfig config;
        /// Called on the compute executor, once.
        std::function<Result<mind::Prompt>(mind::LanguageModel&)> prompt;
        /// Whether somebody still waits for the first sentence. Called on the compute executor.
        std::function<bool()> is_urgent;
        mind::TextSink on_text;  // called there too
        std::stop_token stop;
    };

    /// `compute` must outlive this, and its jobs must have ended when this does.
    LocalMinds(Find find, Executor& compute) : find_(std::move(find)), compute_(compute) {}

    /// Errors: as LanguageModel::generate(), and those of `find` and `prompt`; Busy.
    Task<Result<mind::Completion>> ask(Question question);
    /// The same without an answer: computes the fixed part of the prompt.
    Task<Result<mind::Completion>> prepare(Question question);

private:
    struct Asked {
        Question question;
        bool is_answered = true;  // else prepared
        std::function<void(Result<mind::Completion>)> on_end;
        mind::SteppedModel* mind = nullptr;  // null: it waits for one
        bool ended = false;
    };

    Task<Result<mind::Completion>> take(Asked asked, Executor::Priority priority);
    /// The next step of all that was asked; how urgent the one after it is.
    std::optional<Executor::Priority> step();
    /// Gives minds to those who wait for one, the first first.
    void admit();
    /// Errors: as ask(), before the mind has begun. False if there is no room for it.
    Result<bool> begin(const std::shared_ptr<Asked>& asked);
    static void end(Asked& asked, Result<mind::Completion> result);
    mind::SteppedModel* next_mind() const;

    const Find find_;
    Executor& compute_;
    // The rest is touched on the compute executor only.
    /// Those who wait for a mind, in the order in which they came, among those who have one: first
    /// those whose mind has not done a step for longest.
    std::vector<std::shared_ptr<Asked>> asked_;
    std::uint64_t steppers_ = 0;  // that began so far; the last one works
};

}  // namespace titans::character
