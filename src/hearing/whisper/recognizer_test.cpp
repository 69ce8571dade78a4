#include "hearing/whisper/recognizer.h"

#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <random>
#include <thread>

#include "foundation/temporary_folder_for_test.h"
#include "hearing/families.h"
#include "hearing/whisper/tiny_model_for_test.h"
#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

constexpr SampleRate kRate{16'000};

engine::Compute compute() { return {.device = engine::Device::open({.threads = 1}).value()}; }

Result<std::unique_ptr<Recognizer>> load(const TinyModel& model = {}) {
    const TemporaryFolder folder;
    write_tiny_model(folder / "tiny.gguf", model);
    return Recognizer::load(folder / "tiny.gguf", compute(), {});
}

audio::Audio noise(double seconds) {
    std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same noise in every run
    std::normal_distribution<float> level(0, 0.1F);
    std::vector<float> samples(static_cast<std::size_t>(seconds * kRate.hz));
    for (float& sample : samples) sample = level(random);
    return {kRate, std::move(samples)};
}

ErrorKind error_of(const Result<Transcript>& result) {
    return result ? ErrorKind::Conflict : result.error().kind;
}

/// With a model that knows nothing: what is heard is nonsense, and all else as with a real one.
class WhisperRecognizerOfOurs : public testing::Test {
protected:
    static void SetUpTestSuite() {
        auto loaded = load();
        ASSERT_TRUE(loaded) << loaded.error().message;
        recognizer = *std::move(loaded);
    }
    static void TearDownTestSuite() { recognizer.reset(); }

    static Result<Transcript> recognize(const audio::Audio& speech,
                                        const RecognitionOptions& options = {},
                                        std::stop_token stop = {}) {
        return recognizer->recognize(speech, options, std::move(stop));
    }

    static inline std::unique_ptr<Recognizer> recognizer;
};

TEST_F(WhisperRecognizerOfOurs, TakesRecordingsOfAnyLength) {
    for (const double seconds : {0.0, 1.0 / kRate.hz, 0.05, 0.7, 1.0, 1.01, 4.2}) {
        const auto heard = recognize(noise(seconds));
        ASSERT_TRUE(heard) << seconds << ": " << heard.error().message << heard.error().detail;
        EXPECT_TRUE(text::is_utf8(heard->text));
        EXPECT_FALSE(heard->language.empty());
        EXPECT_GE(heard->confidence, 0);
        EXPECT_LE(heard->confidence, 1);
        EXPECT_GE(heard->no_speech_probability, 0);
        EXPECT_LE(heard->no_speech_probability, 1);
    }
}

TEST_F(WhisperRecognizerOfOurs, HearsTheSameTwiceWhateverCameBetween) {
    const auto once = recognize(noise(0.6), {.language = "en"});
    ASSERT_TRUE(once);
    EXPECT_FALSE(once->text.empty()) << "the test is of no use without a text";
    ASSERT_TRUE(recognize(noise(3), {.language = "ar"}));
    const auto again = recognize(noise(0.6), {.language = "en"});
    ASSERT_TRUE(again);
    EXPECT_EQ(once->text, again->text);
    EXPECT_EQ(once->confidence, again->confidence);
}

TEST_F(WhisperRecognizerOfOurs, HearsNothingInSilence) {
    const auto heard = recognize({kRate, std::vector<float>(40'000)}, {.language = "ar"});
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->text, "");
    EXPECT_EQ(heard->language, "ar");
    EXPECT_EQ(heard->no_speech_probability, 1);
}

TEST_F(WhisperRecognizerOfOurs, KnowsLanguagesByTheirCodes) {
    for (const char* language : {"ar", "en", "auto"})
        EXPECT_TRUE(recognize(noise(0.1), {.language = language})) << language;
    for (const char* language : {"", "english", "EN", "en-us", "de", "../en", "<|en|>"})
        EXPECT_EQ(error_of(recognize(noise(0.1), {.language = language})), ErrorKind::InvalidInput)
            << language;
}

TEST_F(WhisperRecognizerOfOurs, RefusesSamplesThatAreNotNumbers) {
    for (const float bad : {std::nanf(""), INFINITY}) {
        std::vector<float> samples(16'000, 0.1F);
        samples[8000] = bad;
        EXPECT_EQ(error_of(recognize({kRate, samples})), ErrorKind::InvalidInput);
    }
}

TEST_F(WhisperRecognizerOfOurs, TellsWhenWordsAreSaid) {
    const auto heard = recognize(noise(2.5), {.language = "en", .word_times = true});
    ASSERT_TRUE(heard);
    ASSERT_FALSE(heard->words.empty());
    Milliseconds last{0};
    for (const Word& word : heard->words) {
        EXPECT_FALSE(word.text.empty());
        EXPECT_TRUE(text::is_utf8(word.text));
        EXPECT_GE(word.begin, last);
        EXPECT_GE(word.end, word.begin);
        EXPECT_LE(word.end, Milliseconds(2500));
        EXPECT_GT(word.confidence, 0);
        EXPECT_LE(word.confidence, 1);
        last = word.begin;
    }
    EXPECT_GT(last, Milliseconds(1500)) << "later windows have their own place";
}

TEST_F(WhisperRecognizerOfOurs, TakesAPromptOfAnyLengthAndSeveralBeams) {
    const auto plain = recognize(noise(0.6), {.language = "en"});
    ASSERT_TRUE(plain);
    const auto prompted = recognize(noise(0.6), {.language = "en", .prompt = "the hat"});
    ASSERT_TRUE(prompted);
    EXPECT_NE(prompted->text, plain->text);
    std::string endless;
    for (int i = 0; i < 500; ++i) endless += " the\xFF";
    EXPECT_TRUE(recognize(noise(0.6), {.prompt = endless}));
    EXPECT_TRUE(recognize(noise(1.5), {.word_times = true, .beams = 3}));
}

TEST_F(WhisperRecognizerOfOurs, StopsWhenAskedAndHearsAgain) {
    const audio::Audio speech = noise(60);
    const auto start = Clock::now();
    ASSERT_TRUE(recognize(speech));
    const Milliseconds whole = since(start);
    std::stop_source source;
    const auto again = Clock::now();
    std::jthread stopper([&] {
        while (since(again) < whole / 5) std::this_thread::yield();
        source.request_stop();
    });
    EXPECT_EQ(error_of(recognize(speech, {}, source.get_token())), ErrorKind::Cancelled);
    EXPECT_LT(since(again), whole * 0.9);
    EXPECT_TRUE(recognize(noise(1)));
}

TEST(WhisperFile, IsLoadedByItsFamily) {
    const TemporaryFolder folder;
    write_tiny_model(folder / "tiny.bin");
    ASSERT_NE(find_family("whisper"), nullptr);
    EXPECT_EQ(find_family("whisper")->missing, "");
    const auto loaded = find_family("whisper")->load(folder / "tiny.bin", compute());
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(find_family("sphinx"), nullptr);
}

TEST(WhisperFile, OfWhisperCppIsRefusedWithTheWayToAnother) {
    const TemporaryFolder folder;
    std::ofstream(folder / "ggml-tiny.bin", std::ios::binary) << "lmgg and what follows";
    const auto loaded = find_family("whisper")->load(folder / "ggml-tiny.bin", compute());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    EXPECT_THAT(loaded.error().message, testing::HasSubstr("POST /download-model"));
}

TEST(WhisperFile, IsRefusedIfItsHeadsAreNoneOfIts) {
    for (const std::int32_t bad : {-1, 2, 1000}) {
        const auto loaded = load({.change = [&](gguf_context* file) {
            const std::array<std::int32_t, 2> heads{0, bad};
            gguf_set_arr_data(file, "whisper.alignment_heads", GGUF_TYPE_INT32, heads.data(), 2);
        }});
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    }
}

}  // namespace
}  // namespace titans::hearing::whisper
