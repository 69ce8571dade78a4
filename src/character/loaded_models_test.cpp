#include "character/loaded_models.h"

#include <gtest/gtest.h>

namespace titans::character {
namespace {

constexpr std::uint64_t kSize = 100;  // bytes of every model here

class IdleMind final : public mind::SteppedModel {
public:
    void begin(mind::Assignment) override { idle = false; }
    void step() override {}
    void abandon(const Error&) override {}
    bool is_idle() const override { return idle; }
    Result<mind::Completion> generate(const mind::Prompt&, const mind::GenerationOptions&,
                                      const mind::TextSink&, std::stop_token) override {
        return fail(ErrorKind::Internal, "not asked for");
    }
    Result<void> prepare(const mind::Prompt&, std::stop_token) override { return {}; }
    Result<bool> fits(const mind::Prompt&, const mind::GenerationOptions&) override { return true; }

    bool idle = true;
};

class DeafEars final : public hearing::SpeechRecognizer {
public:
    SampleRate input_rate() const override { return hearing::vad::kRate; }
    Result<hearing::Transcript> recognize(const audio::Audio&, const hearing::RecognitionOptions&,
                                          std::stop_token) override {
        return hearing::Transcript{};
    }
};

class LoadedModelsTest : public testing::Test {
protected:
    /// Takes its memory for as long as it lives.
    template <typename Model>
    std::shared_ptr<Model> make() {
        free_ -= kSize;
        return std::shared_ptr<Model>(new Model, [this](Model* model) {
            free_ += kSize;
            delete model;
        });
    }

    std::shared_ptr<hearing::SpeechRecognizer> ears() { return make<DeafEars>(); }

    void add(const std::string& name, LoadedModels::Model model,
             const engine::Device* gpu = nullptr) {
        models_.add({.task = "model", .name = name}, name, std::move(model), gpu);
    }

    std::vector<std::string> here() const {
        std::vector<std::string> names;
        for (const LoadedModel& model : models_.list()) names.push_back(model.name);
        return names;
    }

    using Names = std::vector<std::string>;

    std::uint64_t free_ = 3 * kSize + 1;
    const engine::Device* const gpu_ =
        reinterpret_cast<const engine::Device*>(&free_);  // never used
    LoadedModels models_{[this](const engine::Device* gpu) { return gpu == nullptr ? free_ : 1; }};
};

TEST_F(LoadedModelsTest, FindsWhatIsThereByItsKindKeyAndPlace) {
    add("key", ears());
    EXPECT_NE(models_.find<hearing::SpeechRecognizer>("key"), nullptr);
    EXPECT_EQ(models_.find<hearing::SpeechRecognizer>("other"), nullptr);
    EXPECT_EQ(models_.find<hearing::SpeechRecognizer>("key", gpu_), nullptr);
    EXPECT_EQ(models_.find<mind::SteppedModel>("key"), nullptr);
    EXPECT_EQ(models_.count<hearing::SpeechRecognizer>(), 1);
    EXPECT_EQ(models_.count<mind::SteppedModel>(), 0);
}

TEST_F(LoadedModelsTest, KeepsAllWhereThereIsRoom) {
    add("a", ears());
    add("b", ears());
    EXPECT_TRUE(models_.make_room(kSize));
    EXPECT_EQ(here(), (Names{"b", "a"}));
}

TEST_F(LoadedModelsTest, GivesUpTheLeastRecentlyUsedUntilThereIsRoom) {
    add("a", ears());
    add("b", make<IdleMind>());
    add("c", ears());
    models_.find<hearing::SpeechRecognizer>("a");
    models_.make_room(kSize);
    EXPECT_EQ(here(), (Names{"a", "c"}));
    models_.make_room(2 * kSize);
    EXPECT_EQ(here(), Names{"a"});
}

TEST_F(LoadedModelsTest, KeepsWhatSomebodyUses) {
    const auto used = ears();
    add("a", used);
    const auto working = make<IdleMind>();
    working->begin({});
    add("b", working);
    add("c", ears());
    models_.make_room(3 * kSize);
    EXPECT_EQ(here(), (Names{"b", "a"}));
    working->idle = true;
    models_.make_room(3 * kSize);
    EXPECT_EQ(here(), Names{"a"});
}

TEST_F(LoadedModelsTest, KeepsAllWhereNobodyKnowsWhatIsFree) {
    add("a", ears());
    free_ = 0;
    models_.make_room(kSize);
    EXPECT_EQ(here(), Names{"a"});
}

TEST_F(LoadedModelsTest, GivesUpWhatLiesWhereTheRoomIsWanted) {
    add("a", ears(), gpu_);
    add("b", ears());
    EXPECT_TRUE(models_.make_room(2 * kSize));
    EXPECT_EQ(here(), Names{"a"});
    add("c", ears());
    EXPECT_FALSE(models_.make_room(kSize, gpu_));
    EXPECT_EQ(here(), Names{"c"});
}

TEST_F(LoadedModelsTest, GivesUpOneOfAKind) {
    add("a", make<IdleMind>());
    add("b", ears());
    add("c", make<IdleMind>());
    EXPECT_TRUE(models_.give_up_one<mind::SteppedModel>());
    EXPECT_EQ(here(), (Names{"c", "b"}));
    EXPECT_TRUE(models_.give_up_one<mind::SteppedModel>());
    EXPECT_FALSE(models_.give_up_one<mind::SteppedModel>());
}

}  // namespace
}  // namespace titans::character
