#include "character/voice_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <latch>
#include <set>

#include "audio/analysis.h"
#include "audio/wav.h"
#include "execution/on_loop.h"
#include "foundation/temporary_folder_for_test.h"
#include "hearing/vad/voice_activity_detector.h"
#include "store/sqlite/sqlite_character_store.h"

namespace titans::character {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr SampleRate kRate{48'000};

/// Speech is what is not silent.
class LoudDetector final : public hearing::vad::VoiceActivityDetector {
public:
    float step(std::span<const float, hearing::vad::kStep> samples) override {
        return std::ranges::any_of(samples, [](float x) { return std::abs(x) > 0.001F; }) ? 1.0F
                                                                                          : 0.0F;
    }
    void reset() override {}
};

/// Says of each utterance how long it is, in seconds.
class Stopwatch final : public hearing::SpeechRecognizer {
public:
    SampleRate input_rate() const override { return hearing::vad::kRate; }
    Result<hearing::Transcript> recognize(const audio::Audio& speech,
                                          const hearing::RecognitionOptions&,
                                          std::stop_token) override {
        ++calls;
        if (on_call) on_call();
        if (fails) return fail(ErrorKind::Internal, "the ears are broken");
        return hearing::Transcript{std::format("{:.0f}", speech.duration().count()), "en"};
    }

    std::atomic<int> calls = 0;
    std::atomic<bool> fails = false;
    std::function<void()> on_call;
};

/// A WAV of so many `seconds` of a tone, where they are positive, and of silence.
std::vector<std::byte> make_recording(const std::vector<double>& seconds, float level = 0.3F) {
    std::vector<float> samples;
    for (const double each : seconds) {
        const auto count = static_cast<std::size_t>(std::abs(each) * kRate.hz);
        for (std::size_t i = 0; i < count; ++i)
            samples.push_back(each > 0 ? level * (i % 100 < 50 ? 1.0F : -1.0F) : 0.0F);
    }
    return audio::make_wav({kRate, std::move(samples)});
}

class VoiceSamplesTest : public ::testing::Test {
protected:
    /// A character with that recording, as an earlier version stored it.
    CharacterId create(const std::vector<std::byte>& recording, std::string settings = "{}") {
        const std::string file = files_.write(recording, "wav").value();
        return on_loop<Result<CharacterId>>([&] {
                   return store_->create({.name = "Ada",
                                          .voice_cloning_settings = settings,
                                          .stt_settings = "{}",
                                          .voice_file = file});
               })
            .value();
    }
    void update(CharacterId id, store::CharacterChange change) {
        ASSERT_TRUE(on_loop<Result<store::CharacterRecord>>(
            [&] { return store_->update(id, std::move(change)); }));
    }
    store::CharacterRecord find(CharacterId id) {
        return on_loop<Result<store::CharacterRecord>>([&] { return store_->find(id); }).value();
    }
    VoiceSamples::Parts parts() {
        return {
            .characters = *store_,
            .files = files_,
            .file_work = file_work_,
            .compute = compute_,
            .longest_audio = std::chrono::seconds(60),
            .missing_ears = [this](const SttSettings&) { return missing_; },
            .ears =
                [this](const SttSettings&) -> Result<std::shared_ptr<hearing::SpeechRecognizer>> {
                return std::shared_ptr<hearing::SpeechRecognizer>(std::shared_ptr<void>(), &ears_);
            },
            .detector = [] { return std::make_unique<LoudDetector>(); }};
    }
    Task<> settle(VoiceSamples& samples) {
        while (!samples.is_idle()) co_await store_->file_names();  // lets others run
    }
    /// What `start` begins runs to its end.
    void run(std::function<Task<>(VoiceSamples&)> start) {
        on_loop<int>([&]() -> Task<int> {
            VoiceSamples samples(parts());
            co_await start(samples);
            co_await settle(samples);
            co_return 0;
        });
    }
    void run_background() {
        run([](VoiceSamples& samples) -> Task<> {
            samples.wake();
            co_return;
        });
    }
    std::optional<ReferenceText> reference_text(CharacterId id) {
        return VoiceSamples(parts()).reference_text(find(id));
    }
    std::size_t count_files() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& file :
             std::filesystem::directory_iterator(folder_ / "files"))
            ++count;
        return count;
    }

    TemporaryFolder folder_;
    Executor database_{{.name = "database", .threads = 2}};
    Executor file_work_{{.name = "files"}};
    Executor compute_{{.name = "compute"}};
    std::unique_ptr<store::SqliteCharacterStore> store_ =
        store::SqliteCharacterStore::open(folder_ / "titans.db", folder_ / "vectors.db", database_)
            .value();
    store::MediaStore files_ = store::MediaStore::open(folder_ / "files").value();
    std::optional<Error> missing_;
    Stopwatch ears_;
};

TEST_F(VoiceSamplesTest, HearsWhatNobodySaidIsInARecording) {
    const CharacterId id = create(make_recording({3, -3, 2}));
    EXPECT_EQ(reference_text(id)->text, std::nullopt);
    EXPECT_THAT(reference_text(id)->warnings, IsEmpty());
    run_background();
    EXPECT_EQ(find(id).transcript_of, find(id).voice_file);
    EXPECT_EQ(reference_text(id)->text, "4 3");  // with a little of what is around
    EXPECT_TRUE(reference_text(id)->transcribed);
    run_background();
    EXPECT_EQ(ears_.calls, 2);  // once for each utterance, and never again
}

TEST_F(VoiceSamplesTest, HearsSoftAndShortWordsToo) {
    const CharacterId id = create(make_recording({-1, 0.2, -1}, 0.02F));
    run_background();
    EXPECT_TRUE(reference_text(id)->text.has_value());
}

TEST_F(VoiceSamplesTest, KeepsTheTextThatWasGiven) {
    const CharacterId id = create(make_recording({2}), R"({"reference_text": "Given."})");
    const CharacterId silent = create({});
    update(silent, {.voice_file = ""});
    run_background();
    EXPECT_EQ(ears_.calls, 0);
    EXPECT_EQ(reference_text(id)->text, "Given.");
    EXPECT_FALSE(reference_text(id)->transcribed);
    EXPECT_FALSE(reference_text(silent).has_value());
}

TEST_F(VoiceSamplesTest, HearsANewRecordingAnew) {
    const CharacterId id = create(make_recording({2}));
    run_background();
    update(id, {.voice_file = files_.write(make_recording({5}), "wav").value()});
    EXPECT_EQ(reference_text(id)->text, std::nullopt);
    run_background();
    EXPECT_EQ(reference_text(id)->text, "5");
    update(id, {.voice_cloning_settings = R"({"reference_text": "Given."})"});
    EXPECT_EQ(reference_text(id)->text, "Given.");
    // Taken back, what was heard is still known.
    update(id, {.voice_cloning_settings = "{}"});
    EXPECT_EQ(reference_text(id)->text, "5");
}

TEST_F(VoiceSamplesTest, SaysThatNothingWasUnderstoodAndListensNoMore) {
    const CharacterId id = create(make_recording({-3}));
    run_background();
    EXPECT_EQ(find(id).transcript_of, find(id).voice_file);
    EXPECT_EQ(reference_text(id)->text, std::nullopt);
    EXPECT_THAT(reference_text(id)->warnings, ElementsAre(HasSubstr("nothing was understood")));
}

TEST_F(VoiceSamplesTest, SaysWhyARecordingWasNotTranscribedUntilItIs) {
    const CharacterId id = create(make_recording({2}));
    const CharacterId other = create(make_recording({2}));
    missing_ = Error{ErrorKind::Conflict, "the ears are not here yet", {}};
    run([&](VoiceSamples& samples) -> Task<> {
        samples.wake();
        co_await settle(samples);
        const auto reference = samples.reference_text((co_await store_->find(id)).value());
        EXPECT_THAT(reference->warnings,
                    ElementsAre("voice_cloning_settings.reference_text: the recording was not "
                                "transcribed: the ears are not here yet"));
        missing_ = std::nullopt;
        ears_.fails = true;
        samples.wake(id);
        samples.wake(other);
        co_await settle(samples);
        EXPECT_EQ(ears_.calls, 2);  // one attempt each
        const auto failed = samples.reference_text((co_await store_->find(id)).value());
        EXPECT_THAT(failed->warnings, ElementsAre(HasSubstr("the ears are broken")));
        ears_.fails = false;
        samples.wake(id);
        co_await settle(samples);
        const auto heard = samples.reference_text((co_await store_->find(id)).value());
        EXPECT_THAT(heard->warnings, IsEmpty());
        EXPECT_EQ(heard->text, "2");
    });
}

TEST_F(VoiceSamplesTest, SharesTheWorkWithWhoeverWaitsForIt) {
    const CharacterId id = create(make_recording({-1, 2, -3, 2, -3, 2, -1}));
    run([&](VoiceSamples& samples) -> Task<> {
        std::latch heard_one(1);
        Executor waiting({.name = "waiting"});
        ears_.on_call = [&] {
            if (ears_.calls == 1) heard_one.count_down();
        };
        samples.wake(id);
        co_await run_on(waiting, [&] { heard_one.wait(); });
        co_await samples.finish(id, {});
        EXPECT_EQ(samples.reference_text((co_await store_->find(id)).value())->text, "3 3 3");
        co_await settle(samples);
        ears_.on_call = nullptr;
    });
    EXPECT_EQ(ears_.calls, 3);
}

TEST_F(VoiceSamplesTest, LeavesTheRestToTheBackgroundWhenNobodyWaitsAnyMore) {
    const CharacterId id = create(make_recording({-1, 2, -3, 2, -1}));
    run([&](VoiceSamples& samples) -> Task<> {
        std::stop_source stop;
        ears_.on_call = [&] { stop.request_stop(); };
        co_await samples.finish(id, stop.get_token());
        EXPECT_EQ(ears_.calls, 1);
        co_await settle(samples);
        ears_.on_call = nullptr;
    });
    EXPECT_EQ(reference_text(id)->text, "3 3");
    EXPECT_EQ(ears_.calls, 2);
}

TEST_F(VoiceSamplesTest, PreparesTheRecordingsOfAnEarlierVersionOnce) {
    const CharacterId id = create(make_recording({2, -4, 2}),
                                  R"({"remove_silence": true, "reference_text": "Given."})");
    const VoiceSamples samples(parts());
    EXPECT_NEAR(samples.recording(find(id), kRate, {})->duration().count(), 8, 0.01);
    run_background();
    const store::CharacterRecord prepared = find(id);
    EXPECT_NE(prepared.sample_file, "");
    EXPECT_LT(samples.recording(prepared, kRate, {})->duration().count(), 5);
    run_background();
    EXPECT_EQ(find(id).sample_file, prepared.sample_file);
    EXPECT_EQ(count_files(), 2U);
}

TEST_F(VoiceSamplesTest, PreparesARecordingAnewWhenItOrTheSettingsChange) {
    const CharacterId id = create(make_recording({2, -4, 2}),
                                  R"({"remove_silence": true, "reference_text": "Given."})");
    const VoiceSamples samples(parts());
    run_background();
    update(id,
           {.voice_cloning_settings = R"({"enhance_audio": true, "reference_text": "Given."})"});
    // Until then the original serves.
    EXPECT_NEAR(audio::analyze(*samples.recording(find(id), kRate, {}), {})->peak, 0.3, 0.01);
    run_background();
    EXPECT_LT(audio::analyze(*samples.recording(find(id), kRate, {}), {})->peak, 0.2);
    EXPECT_EQ(count_files(), 2U);
    const std::string old = find(id).voice_file;
    update(id, {.voice_file = files_.write(make_recording({1}), "wav").value()});
    ASSERT_TRUE(files_.remove(old));
    run_background();
    EXPECT_NEAR(samples.recording(find(id), kRate, {})->duration().count(), 1, 0.01);
    EXPECT_EQ(count_files(), 2U);
    update(id, {.voice_cloning_settings = R"({"reference_text": "Given."})"});
    run_background();
    EXPECT_EQ(find(id).sample_file, "");
    EXPECT_EQ(count_files(), 1U);
}

TEST_F(VoiceSamplesTest, LeavesNothingBehindForACharacterThatIsRemovedMeanwhile) {
    const CharacterId id = create(make_recording({2}), R"({"enhance_audio": true})");
    std::latch release(1);
    Executor::Job wait = [&] { release.wait(); };
    ASSERT_TRUE(file_work_.post(wait));
    run([&](VoiceSamples& samples) -> Task<> {
        samples.wake(id);
        const std::string file = (co_await store_->find(id)).value().voice_file;
        while (file_work_.waiting() == 0) co_await store_->file_names();
        EXPECT_TRUE(co_await store_->remove(id));
        release.count_down();
        co_await settle(samples);
        EXPECT_TRUE(files_.remove(file));
    });
    EXPECT_EQ(count_files(), 0U);
    EXPECT_EQ(ears_.calls, 0);
}

TEST(SampleKey, TellsRecordingsAndEveryOptionApart) {
    const audio::Preparation standard = audio::standard_preparation();
    EXPECT_EQ(sample_key("a.wav", {}), "");
    EXPECT_EQ(sample_key("a.wav", {.top_db = 20}), "");
    std::set<std::string> keys{sample_key("a.wav", standard), sample_key("b.wav", standard)};
    const auto add = [&](auto change) {
        audio::Preparation other = standard;
        change(other);
        keys.insert(sample_key("a.wav", other));
    };
    add([](auto& p) { p.clean = false; });
    add([](auto& p) { p.remove_silence = false; });
    add([](auto& p) { p.top_db = 39.5F; });
    add([](auto& p) { p.bass_boost = false; });
    add([](auto& p) { p.treble_boost = false; });
    add([](auto& p) { p.compression = false; });
    add([](auto& p) { p.enhance = false; });
    add([](auto& p) { p.fade_ms = 51; });
    EXPECT_EQ(keys.size(), 10U);
}

}  // namespace
}  // namespace titans::character
