#include "character/local_minds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "execution/channel.h"
#include "execution/on_loop.h"

namespace titans::character {
namespace {

using mind::Assignment;
using mind::Completion;

/// Answers each question with as many pieces as max_tokens says, one piece a step, and notes in
/// `diary` which mind did a step.
class CountingMind : public mind::SteppedModel {
public:
    CountingMind(char name, std::string& diary) : name_(name), diary_(diary) {}

    void begin(Assignment assignment) override { assignments_.push_back(std::move(assignment)); }
    void step() override {
        diary_ += name_;
        if (throws) throw std::runtime_error("secret words");
        std::vector<Assignment> left;
        for (Assignment& assignment : assignments_) {
            if (assignment.stop.stop_requested()) {
                assignment.on_end(fail(ErrorKind::Cancelled, "stopped"));
                continue;
            }
            if (!assignment.options) {
                assignment.on_end(Completion{});
                continue;
            }
            assignment.on_text(".");
            if (--assignment.options->max_tokens > 0) {
                left.push_back(std::move(assignment));
            } else {
                const auto on_end = std::move(assignment.on_end);
                assignment = {};
                on_end(Completion{.text = "told"});
            }
        }
        assignments_ = std::move(left);
    }
    void abandon(const Error& error) override {
        for (const Assignment& assignment : std::exchange(assignments_, {}))
            assignment.on_end(std::unexpected(error));
    }
    bool is_idle() const override { return assignments_.empty(); }

    Result<Completion> generate(const mind::Prompt&, const mind::GenerationOptions&,
                                const mind::TextSink&, std::stop_token) override {
        return fail(ErrorKind::Internal, "not asked for");
    }
    Result<void> prepare(const mind::Prompt&, std::stop_token) override {
        return fail(ErrorKind::Internal, "not asked for");
    }
    Result<bool> fits(const mind::Prompt&, const mind::GenerationOptions&) override { return true; }

    bool throws = false;

private:
    const char name_;
    std::string& diary_;
    std::vector<Assignment> assignments_;
};

class LocalMindsTest : public testing::Test {
protected:
    /// As Engines does it, with room for `room_` minds.
    Result<mind::SteppedModel*> find(const std::string& name) {
        if (const auto found = loaded_.find(name); found != loaded_.end())
            return found->second.get();
        if (name.empty()) return fail(ErrorKind::InvalidInput, "no such file");
        if (loaded_.size() >= room_) {
            const auto idle = std::ranges::find_if(
                loaded_, [](const auto& entry) { return entry.second->is_idle(); });
            if (idle == loaded_.end()) return nullptr;
            loaded_.erase(idle);
        }
        auto mind = std::make_unique<CountingMind>(name.front(), diary_);
        mind->throws = name == "throwing";
        return (loaded_[name] = std::move(mind)).get();
    }

    LocalMinds::Question question(const std::string& file, int pieces, bool urgent = true) {
        LlmConfig config;
        config.generation.max_tokens = pieces;
        return {.file = file,
                .config = config,
                .prompt = [](mind::LanguageModel&) { return mind::Prompt{}; },
                .is_urgent = [urgent] { return urgent; },
                .on_text = [](std::string_view) {},
                .stop = stop_.get_token()};
    }

    DetachedTask ask(LocalMinds::Question question, std::shared_ptr<Channel<std::string>> answers) {
        const std::string name = question.file.string();
        const Result<Completion> answer = co_await minds_.ask(std::move(question));
        answers->push(name + ": " + (answer ? answer->text : answer.error().message));
    }

    /// Asks all at one moment; what came of it, in the order in which it came.
    std::vector<std::string> ask_all(std::vector<LocalMinds::Question> questions) {
        return on_loop<std::vector<std::string>>([&]() -> Task<std::vector<std::string>> {
            const auto answers = std::make_shared<Channel<std::string>>();
            // The executor is held until all have asked.
            std::promise<void> asked;
            Executor::Job hold = [&] { asked.get_future().wait(); };
            compute_.post(hold, Executor::Priority::Hearing);
            for (LocalMinds::Question& question : questions) ask(std::move(question), answers);
            asked.set_value();
            std::vector<std::string> came;
            for (std::size_t i = 0; i < questions.size(); ++i)
                came.push_back(*co_await answers->next());
            co_return came;
        });
    }

    std::string diary_;
    std::size_t room_ = 2;
    std::map<std::string, std::unique_ptr<CountingMind>> loaded_;
    std::stop_source stop_;
    LocalMinds minds_{
        [this](const std::filesystem::path& file, const LlmConfig&) { return find(file.string()); },
        compute_};
    Executor compute_{{.name = "compute"}};  // ends before what its jobs use
};

TEST_F(LocalMindsTest, AnswersQuestionsToOneMindSideBySide) {
    const auto came = ask_all({question("a", 5), question("a", 3), question("a", 4)});
    EXPECT_EQ(came, (std::vector<std::string>{"a: told", "a: told", "a: told"}));
    // All take part in every step, but for the steps before they came.
    EXPECT_LE(diary_.size(), 7U);
}

TEST_F(LocalMindsTest, LetsMindsTakeTurns) {
    ask_all({question("a", 4), question("b", 4)});
    EXPECT_TRUE(diary_.contains("ababab")) << diary_;
}

TEST_F(LocalMindsTest, LetsAFirstSentenceGoBeforeLaterOnes) {
    ask_all({question("a", 4, false), question("b", 4)});
    EXPECT_TRUE(diary_.contains("bbbb")) << diary_;
    EXPECT_EQ(std::ranges::count(diary_, 'a'), 4) << diary_;
}

TEST_F(LocalMindsTest, KeepsAThirdMindAndAllAfterItWaitingUntilThereIsRoom) {
    const auto came =
        ask_all({question("a", 9), question("b", 40), question("c", 2), question("b", 1)});
    EXPECT_EQ(came.front(), "a: told");  // the last one, which wants least, did not pass the third
    EXPECT_EQ(came.back(), "b: told");
    EXPECT_EQ(std::ranges::count(came, "c: told"), 1);
    EXPECT_EQ(loaded_.size(), room_);
}

TEST_F(LocalMindsTest, HearsAQuestionWhileALongAnswerIsWritten) {
    const std::string order = on_loop<std::string>([&]() -> Task<std::string> {
        const auto told = std::make_shared<Channel<std::string>>();
        const auto begun = std::make_shared<Channel<int>>();
        LocalMinds::Question endless = question("a", 1'000'000'000);
        endless.on_text = [begun](std::string_view) { begun->push(0); };
        ask(std::move(endless), told);
        co_await begun->next();
        const Result<bool> ended = co_await run_on(
            compute_, [&] { return loaded_.at("a")->is_idle(); }, Executor::Priority::Hearing);
        std::string order = ended && !*ended ? "heard, " : "too late, ";
        stop_.request_stop();
        co_return order + *co_await told->next();
    });
    EXPECT_EQ(order, "heard, a: stopped");
}

TEST_F(LocalMindsTest, EndsWhatIsStoppedBeforeItsTurn) {
    stop_.request_stop();
    EXPECT_EQ(ask_all({question("a", 2)}), std::vector<std::string>{"a: the answer was stopped"});
    EXPECT_TRUE(loaded_.empty());
}

TEST_F(LocalMindsTest, TellsWhyThereIsNoMindAndGoesOn) {
    EXPECT_EQ(ask_all({question("", 2), question("a", 1)}),
              (std::vector<std::string>{": no such file", "a: told"}));
}

TEST_F(LocalMindsTest, EndsTheAnswersOfAMindThatThrows) {
    EXPECT_EQ(ask_all({question("throwing", 2), question("throwing", 3)}),
              (std::vector<std::string>{"throwing: internal error", "throwing: internal error"}));
    EXPECT_EQ(ask_all({question("a", 1)}), std::vector<std::string>{"a: told"});
}

TEST_F(LocalMindsTest, HoldsNothingOfAQuestionThatIsAnswered) {
    const bool held = on_loop<bool>([&]() -> Task<bool> {
        auto turn = std::make_shared<int>();
        const std::weak_ptr<int> watched = turn;
        LocalMinds::Question asked = question("a", 3);
        asked.is_urgent = [turn] { return true; };
        asked.on_text = [turn](std::string_view) {};
        asked.prompt = [turn = std::move(turn)](mind::LanguageModel&) { return mind::Prompt{}; };
        (co_await minds_.ask(std::move(asked))).value();
        co_return !watched.expired();
    });
    EXPECT_FALSE(held);
}

TEST_F(LocalMindsTest, PreparesWithoutWriting) {
    const Result<Completion> prepared = on_loop<Result<Completion>>(
        [&]() -> Task<Result<Completion>> { co_return co_await minds_.prepare(question("a", 9)); });
    EXPECT_TRUE(prepared);
    EXPECT_EQ(diary_, "a");
}

}  // namespace
}  // namespace titans::character
