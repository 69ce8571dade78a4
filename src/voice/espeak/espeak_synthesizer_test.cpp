#include "voice/espeak/espeak_synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "voice/families.h"

namespace titans::voice::espeak {
namespace {

class EspeakSynthesizerTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        auto opened = engine::EspeakLibrary::open();
        ASSERT_TRUE(opened) << opened.error().message;
        library = *std::move(opened);
    }
    static void TearDownTestSuite() { library.reset(); }

    static Result<audio::Audio> speak(std::string_view text, std::string language = "en",
                                      std::stop_token stop = {}) {
        TITANS_TRY(const auto utterance,
                   EspeakSynthesizer(*library).begin(text, nullptr, {.language = language}));
        return utterance->step(stop).value();
    }

    static ErrorKind error_of(const Result<audio::Audio>& result) {
        return result ? ErrorKind::Internal : result.error().kind;
    }

    static inline std::unique_ptr<engine::EspeakLibrary> library;
};

double rms(const audio::Audio& audio) {
    double sum = 0;
    for (const float sample : audio.samples()) sum += static_cast<double>(sample) * sample;
    return std::sqrt(sum / static_cast<double>(audio.samples().size()));
}

/// Not the same samples: espeak-ng's breath is random, and it goes on where the last sentence left
/// its oscillators.
bool same_length(const audio::Audio& one, const audio::Audio& other) {
    return std::abs(one.duration().count() - other.duration().count()) <
           0.02 * one.duration().count();
}

TEST_F(EspeakSynthesizerTest, SpeaksAudibly) {
    const auto spoken = speak("The ship sails at nine in the morning.");
    ASSERT_TRUE(spoken) << spoken.error().message;
    EXPECT_EQ(spoken->rate(), library->rate());
    EXPECT_GT(spoken->duration().count(), 1);
    EXPECT_LT(spoken->duration().count(), 6);
    EXPECT_GT(rms(*spoken), 0.02);
    EXPECT_LT(rms(*spoken), 0.5);
}

TEST_F(EspeakSynthesizerTest, TakesAsLongForTheSameText) {
    const auto once = speak("Good morning.");
    const auto again = speak("Good morning.");
    ASSERT_TRUE(once && again);
    EXPECT_TRUE(same_length(*once, *again));
}

TEST_F(EspeakSynthesizerTest, LeavesLittleSilenceAtTheEnds) {
    const auto spoken = speak("Yes.");
    ASSERT_TRUE(spoken);
    const auto audible = [](float sample) { return std::abs(sample) > 0.002F; };
    const auto samples = spoken->samples();
    const auto lead = std::ranges::find_if(samples, audible) - samples.begin();
    const auto tail =
        std::ranges::find_if(samples.rbegin(), samples.rend(), audible) - samples.rbegin();
    EXPECT_LE(static_cast<double>(lead) / library->rate().hz, 0.03);
    EXPECT_LE(static_cast<double>(tail) / library->rate().hz, 0.06);
}

TEST_F(EspeakSynthesizerTest, KnowsLanguagesByTheirTags) {
    for (const char* language :
         {"en", "en-us", "en-US", "en_GB", "de", "de-AT", "ar", "zh", "zh-CN", "pt-br", "yue"}) {
        EXPECT_TRUE(library->knows(language)) << language;
    }
    const auto english = speak("1 2 3", "en");
    const auto german = speak("1 2 3", "de");
    const auto chinese = speak("你好,世界", "zh");
    const auto arabic = speak("مرحبا", "ar");
    ASSERT_TRUE(english && german && chinese && arabic);
    EXPECT_FALSE(same_length(*english, *german));
}

TEST_F(EspeakSynthesizerTest, RefusesALanguageThatIsNotThere) {
    for (const char* language : {"", "xx", "klingon-piqd", "../../etc/passwd", "en/../de", "gmw/en",
                                 "mb/mb-en1", "English (America)", "en+f3", "-", "!v/f1"}) {
        EXPECT_EQ(error_of(speak("Hello.", language)), ErrorKind::InvalidInput) << language;
    }
}

TEST_F(EspeakSynthesizerTest, RefusesWhatCannotBePronounced) {
    for (const char* text : {"", " ", "\n\t", "...", "\x01\x02"}) {
        EXPECT_EQ(error_of(speak(text)), ErrorKind::InvalidInput) << '"' << text << '"';
    }
}

TEST_F(EspeakSynthesizerTest, TakesTextLiterally) {
    const auto plain = speak("Hello 0A there.");
    const auto command = speak(
        "Hello \x01"
        "0A there.");
    ASSERT_TRUE(plain && command);
    // Obeyed, the command would make the rest silent.
    EXPECT_NEAR(rms(*command), rms(*plain), 0.1 * rms(*plain));
    const auto after_zero = speak(std::string_view("One.\0 Two, three, four, five.", 29));
    const auto one = speak("One.");
    ASSERT_TRUE(after_zero && one);
    EXPECT_GT(after_zero->samples().size(), 2 * one->samples().size());
}

TEST_F(EspeakSynthesizerTest, SurvivesMalformedText) {
    for (const char* text :
         {"caf\xC3 hello", "\xFF\xFE hello", "\xF4\x90\x80\x80 hello", "<speak>[[h@l'oU]] hello"}) {
        EXPECT_TRUE(speak(text)) << text;
    }
}

TEST_F(EspeakSynthesizerTest, RefusesFarMoreThanASentence) {
    EXPECT_EQ(error_of(speak(std::string(10'000, 'a'))), ErrorKind::InvalidInput);
}

TEST_F(EspeakSynthesizerTest, StopsWhenAskedAndSpeaksAgain) {
    std::stop_source stopped;
    stopped.request_stop();
    EXPECT_EQ(error_of(speak("Hello.", "en", stopped.get_token())), ErrorKind::Cancelled);

    const auto before = speak("Good morning.");
    ASSERT_TRUE(before);
    std::string text;
    for (int i = 0; i < 60; ++i) text += "and then they went on and on about the weather, ";
    const auto whole_start = Clock::now();
    ASSERT_TRUE(speak(text));
    const Milliseconds whole = since(whole_start);
    std::stop_source source;
    const auto start = Clock::now();
    Milliseconds stopped_after{};
    {
        std::jthread stopper([&](const std::stop_token&) {
            while (since(start) < whole / 10) std::this_thread::yield();
            source.request_stop();
        });
        EXPECT_EQ(error_of(speak(text, "en", source.get_token())), ErrorKind::Cancelled);
        stopped_after = since(start);
    }
    EXPECT_LT(stopped_after, whole * 0.8);

    const auto again = speak("Good morning.");
    ASSERT_TRUE(again);
    EXPECT_TRUE(same_length(*before, *again)) << "something of the stopped sentence was left";
}

TEST_F(EspeakSynthesizerTest, SpeaksForTwoThreadsAtOnce) {
    const auto alone = speak("The quick brown fox jumps over the lazy dog.");
    const auto german = speak("Der schnelle Fuchs springt.", "de");
    ASSERT_TRUE(alone && german);
    std::vector<std::jthread> threads;
    std::atomic<int> wrong = 0;
    for (int thread = 0; thread < 2; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 10; ++i) {
                const auto spoken = thread == 0
                                        ? speak("The quick brown fox jumps over the lazy dog.")
                                        : speak("Der schnelle Fuchs springt.", "de");
                const auto& expected = thread == 0 ? alone : german;
                if (!spoken || !same_length(*spoken, *expected)) ++wrong;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(wrong, 0);
}

TEST_F(EspeakSynthesizerTest, HasOneLibraryInAProcess) {
    const auto second = engine::EspeakLibrary::open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::Conflict);
}

TEST_F(EspeakSynthesizerTest, IsAFamilyThatLoads) {
    const VoiceResources resources{.espeak = library.get(), .networks = {}};
    EXPECT_EQ(find_family("espeak-ng")->missing(resources), "");
    EXPECT_TRUE(find_family("espeak-ng")->load({}, resources));
}

}  // namespace
}  // namespace titans::voice::espeak
