#include "hearing/whisper/whisper_recognizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <thread>

#include "hearing/families.h"
#include "hearing/whisper/tiny_whisper_for_test.h"
#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

std::filesystem::path write_file(const std::string& name, std::string_view content) {
    const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
}

TEST(WhisperRecognizer, SaysThatTheModelIsMissing) {
    const auto loaded = WhisperRecognizer::load("/nowhere/whisper.bin", {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::NotFound);
    EXPECT_EQ(loaded.error().message.find("nowhere"), std::string::npos) << "the path stays here";
}

TEST(WhisperRecognizer, RefusesOtherFiles) {
    for (const std::string_view content :
         {"", "GGUF", "lmgg", "lmgg only the magic number is right, and nothing else "}) {
        const auto loaded = WhisperRecognizer::load(write_file("no_whisper.bin", content), {});
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    }
}

TEST(WhisperRecognizer, RefusesAHeaderWithNothingBehindIt) {
    std::string content;
    for (const std::int32_t number : {0x67676D6C, 51865, 1500, 512, 8, 6, 448, 512, 8, 6, 80, 1}) {
        content.append(reinterpret_cast<const char*>(&number), sizeof(number));
    }
    EXPECT_FALSE(WhisperRecognizer::load(write_file("cut_whisper.bin", content), {}));
}

constexpr SampleRate kRate{WHISPER_SAMPLE_RATE};

audio::Audio noise(double seconds) {
    std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same noise in every run
    std::normal_distribution<float> level(0, 0.1F);
    std::vector<float> samples(static_cast<std::size_t>(seconds * kRate.hz));
    for (float& sample : samples) sample = level(random);
    return {kRate, std::move(samples)};
}

/// With a model that knows nothing: what is heard is nonsense, and all else as with a real one.
class TinyWhisper : public testing::Test {
protected:
    static void SetUpTestSuite() {
        const std::filesystem::path path =
            std::filesystem::path(testing::TempDir()) / "tiny_whisper.bin";
        write_tiny_whisper(path);
        auto loaded = WhisperRecognizer::load(path, {.threads = 1});
        std::filesystem::remove(path);
        ASSERT_TRUE(loaded) << loaded.error().message << ": " << loaded.error().detail;
        recognizer = *std::move(loaded);
    }
    static void TearDownTestSuite() { recognizer.reset(); }

    static Result<Transcript> recognize(const audio::Audio& speech, std::string language = "auto",
                                        std::stop_token stop = {}) {
        return recognizer->recognize(speech, {.language = std::move(language)}, std::move(stop));
    }
    static ErrorKind error_of(const Result<Transcript>& result) {
        return result ? ErrorKind::Conflict : result.error().kind;
    }

    static inline std::unique_ptr<WhisperRecognizer> recognizer;
};

TEST_F(TinyWhisper, TakesRecordingsOfAnyLength) {
    for (const double seconds : {0.0, 1.0 / kRate.hz, 0.05, 1.0, 12.81, 23.04, 23.05}) {
        const auto heard = recognize(noise(seconds));
        ASSERT_TRUE(heard) << seconds << ": " << heard.error().message << heard.error().detail;
        EXPECT_TRUE(text::is_utf8(heard->text));
        EXPECT_FALSE(heard->language.empty());
    }
}

TEST_F(TinyWhisper, HearsTheSameTwiceWhateverCameBetween) {
    const auto once = recognize(noise(2), "en");
    ASSERT_TRUE(once);
    EXPECT_FALSE(once->text.empty()) << "the test is of no use without a text";
    ASSERT_TRUE(recognize(noise(20), "de"));
    const auto again = recognize(noise(2), "en");
    ASSERT_TRUE(again);
    EXPECT_EQ(once->text, again->text);
}

TEST_F(TinyWhisper, HearsNothingInSilence) {
    const auto heard = recognize(audio::Audio(kRate, std::vector<float>(40'000)), "de");
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->text, "");
    EXPECT_EQ(heard->language, "de");
}

TEST_F(TinyWhisper, KnowsLanguagesByTheirCodes) {
    for (const char* language : {"ar", "auto"})
        EXPECT_TRUE(recognize(noise(0.1), language)) << language;
    for (const char* language : {"", "english", "EN", "en-us", "xx", "../en", "<|en|>"}) {
        EXPECT_EQ(error_of(recognize(noise(0.1), language)), ErrorKind::InvalidInput) << language;
    }
}

TEST_F(TinyWhisper, RefusesSamplesThatAreNotNumbers) {
    for (const float bad : {std::nanf(""), INFINITY}) {
        std::vector<float> samples(16'000, 0.1F);
        samples[8000] = bad;
        EXPECT_EQ(error_of(recognize(audio::Audio(kRate, samples))), ErrorKind::InvalidInput);
    }
}

TEST_F(TinyWhisper, StopsWhenAskedAndHearsAgain) {
    const audio::Audio speech = noise(80);
    const auto start = Clock::now();
    ASSERT_TRUE(recognize(speech));
    const Milliseconds whole = since(start);
    std::stop_source source;
    const auto again = Clock::now();
    std::jthread stopper([&] {
        while (since(again) < whole / 5) std::this_thread::yield();
        source.request_stop();
    });
    EXPECT_EQ(error_of(recognize(speech, "auto", source.get_token())), ErrorKind::Cancelled);
    EXPECT_LT(since(again), whole * 0.9);
    EXPECT_TRUE(recognize(noise(1)));
}

TEST(RecognizerFamilies, AreFoundByName) {
    ASSERT_NE(find_family("whisper"), nullptr);
    EXPECT_EQ(find_family("whisper")->missing, "");
    EXPECT_EQ(find_family("sphinx"), nullptr);
}

}  // namespace
}  // namespace titans::hearing::whisper
