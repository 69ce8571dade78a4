#include "hearing/utterance_segmenter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace titans::hearing {
namespace {

constexpr std::int64_t kStep = vad::kStep;
constexpr std::int64_t kSecond = vad::kRate.hz;
constexpr std::int64_t kPadding = kSecond / 2;

/// Takes the first sample of a step for the probability.
class FirstSample final : public vad::VoiceActivityDetector {
public:
    float step(std::span<const float, vad::kStep> samples) override { return samples[0]; }
    void reset() override {}
};

UtteranceSegmenter segmenter(const SegmenterSettings& settings = {}) {
    return {std::make_unique<FirstSample>(), settings};
}

/// A stream of stretches that last some steps each: `level` is the detector's answer, and the
/// samples are `level` times `gain`, but for each step's first.
class Stream {
public:
    Stream& add(std::int64_t steps, float level, float gain = 1) {
        for (std::int64_t i = 0; i < steps * kStep; ++i) {
            samples_.push_back(i % kStep == 0 ? level : (i % 2 == 0 ? level : -level) * gain);
        }
        return *this;
    }
    std::vector<float>& samples() { return samples_; }

private:
    std::vector<float> samples_;
};

std::vector<Utterance> segment(std::span<const float> samples,
                               const SegmenterSettings& settings = {}) {
    UtteranceSegmenter segmenter{std::make_unique<FirstSample>(), settings};
    std::vector<Utterance> found = segmenter.push(samples);
    std::ranges::move(segmenter.flush(), std::back_inserter(found));
    return found;
}

TEST(UtteranceSegmenter, FindsWhatIsSaidWithSomeOfWhatIsAroundIt) {
    Stream stream;
    stream.add(50, 0.001F).add(40, 0.8F).add(100, 0.001F).add(30, 0.6F).add(100, 0.001F);
    const auto found = segment(stream.samples());
    ASSERT_EQ(found.size(), 2);
    EXPECT_EQ(found[0].speech_start, 50 * kStep);
    EXPECT_EQ(found[0].speech_end, 90 * kStep);
    EXPECT_EQ(found[0].start, (50 * kStep) - kPadding);
    EXPECT_EQ(std::ssize(found[0].samples), (40 * kStep) + (2 * kPadding));
    EXPECT_TRUE(std::ranges::equal(
        found[0].samples,
        std::span(stream.samples()).subspan(found[0].start, found[0].samples.size())));
    EXPECT_FLOAT_EQ(found[0].peak, 0.8F);
    EXPECT_FALSE(found[0].split);
    EXPECT_EQ(found[1].speech_start, 190 * kStep);
    EXPECT_EQ(found[1].speech_end, 220 * kStep);
}

TEST(UtteranceSegmenter, FindsTheSameWhateverThePieces) {
    std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same in every run
    std::uniform_int_distribution<std::int64_t> length(1, 120);
    std::uniform_real_distribution<float> level(0, 1);
    Stream stream;
    for (int i = 0; i < 40; ++i) stream.add(length(random), level(random), level(random));
    stream.samples().resize(stream.samples().size() - 100);
    const SegmenterSettings settings{.threshold = 0.3F,
                                     .silence = Seconds(1),
                                     .max_time = Seconds(4),
                                     .min_duration = Seconds(0.3)};
    const auto whole = segment(stream.samples(), settings);
    ASSERT_GT(whole.size(), 5);
    EXPECT_TRUE(std::ranges::any_of(whole, &Utterance::split));
    for (const std::size_t most : {1U, 100U, 512U, 700U, 9000U}) {
        UtteranceSegmenter pieces{std::make_unique<FirstSample>(), settings};
        std::uniform_int_distribution<std::size_t> size(1, most);
        std::vector<Utterance> found;
        for (std::span<const float> rest = stream.samples(); !rest.empty();) {
            const std::size_t taken = std::min(size(random), rest.size());
            std::ranges::move(pieces.push(rest.first(taken)), std::back_inserter(found));
            rest = rest.subspan(taken);
        }
        std::ranges::move(pieces.flush(), std::back_inserter(found));
        ASSERT_EQ(found.size(), whole.size()) << most;
        for (std::size_t i = 0; i < whole.size(); ++i) {
            EXPECT_EQ(found[i].start, whole[i].start);
            EXPECT_EQ(found[i].samples, whole[i].samples);
            EXPECT_EQ(found[i].speech_start, whole[i].speech_start);
            EXPECT_EQ(found[i].speech_end, whole[i].speech_end);
            EXPECT_EQ(found[i].split, whole[i].split);
        }
    }
}

TEST(UtteranceSegmenter, LeavesNoSpeechOutAndCutsNoneTwice) {
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same in every run
    std::uniform_int_distribution<std::int64_t> length(1, 90);
    std::uniform_real_distribution<double> seconds(0.05, 3);
    for (int round = 0; round < 50; ++round) {
        Stream stream;
        for (int i = 0; i < 30; ++i) stream.add(length(random), i % 2 == 0 ? 0.01F : 0.9F);
        const SegmenterSettings settings{.silence = Seconds(seconds(random)),
                                         .max_time = Seconds(1 + seconds(random)),
                                         .min_duration = Seconds(0)};
        std::vector<bool> covered(stream.samples().size());
        std::int64_t free_from = 0;
        for (const Utterance& utterance : segment(stream.samples(), settings)) {
            const std::int64_t end = utterance.start + std::ssize(utterance.samples);
            EXPECT_GE(utterance.start, free_from);
            EXPECT_LE(utterance.start, utterance.speech_start);
            EXPECT_LT(utterance.speech_start, utterance.speech_end);
            EXPECT_LE(utterance.speech_end, end);
            EXPECT_LE(std::ssize(utterance.samples), settings.max_time.count() * kSecond + 1);
            std::fill(covered.begin() + utterance.start, covered.begin() + end, true);
            free_from = end;
        }
        for (std::size_t i = 0; i < covered.size(); ++i) {
            ASSERT_TRUE(covered[i] || std::abs(stream.samples()[i]) < 0.5F) << round << ' ' << i;
        }
    }
}

TEST(UtteranceSegmenter, EndsAnUtteranceAfterTheSilenceAskedFor) {
    Stream stream;
    stream.add(30, 0.9F).add(30, 0.01F).add(30, 0.9F).add(10, 0.01F);  // 0.96 s between
    EXPECT_EQ(segment(stream.samples(), {.silence = Seconds(1)}).size(), 1);
    EXPECT_EQ(segment(stream.samples(), {.silence = Seconds(0.9)}).size(), 2);
    // Not later, either: an answer waits for it.
    auto live = segmenter({.silence = Seconds(0.9)});
    EXPECT_TRUE(live.push(std::span(stream.samples()).first((30 + 28) * kStep)).empty());
    EXPECT_TRUE(live.in_utterance());
    EXPECT_EQ(live.push(std::span(stream.samples()).subspan((30 + 28) * kStep, kStep)).size(), 1);
    EXPECT_FALSE(live.in_utterance());
}

TEST(UtteranceSegmenter, GoesOnWhileSpeechIsLessThanSure) {
    Stream stream;
    stream.add(20, 0.45F).add(20, 0.55F).add(70, 0.4F).add(70, 0.3F);
    const auto found = segment(stream.samples());
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].speech_start, 20 * kStep);
    EXPECT_EQ(found[0].speech_end, 110 * kStep);
    EXPECT_EQ(segment(stream.samples(), {.vad_threshold = 0.6F}).size(), 0);
    const auto easy = segment(stream.samples(), {.vad_threshold = 0.1F});
    ASSERT_EQ(easy.size(), 1);
    EXPECT_EQ(easy[0].speech_start, 0);
}

TEST(UtteranceSegmenter, EndsSpeechWhereItsProbabilityBeginsToFallAndKeepsTheRest) {
    Stream stream;
    stream.add(30, 0.99F).add(1, 0.9F).add(1, 0.7F).add(1, 0.4F).add(70, 0.001F);
    const auto found = segment(stream.samples());
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].speech_end, 30 * kStep);
    EXPECT_EQ(std::ssize(found[0].samples), (33 * kStep) + kPadding);
}

TEST(UtteranceSegmenter, PassesOverWhatIsShort) {
    Stream stream;
    stream.add(15, 0.9F).add(100, 0.01F).add(16, 0.9F).add(100, 0.01F);  // 0.480 s and 0.512 s
    const auto found = segment(stream.samples());
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].speech_start, 115 * kStep);
    EXPECT_EQ(segment(stream.samples(), {.min_duration = Seconds(0.4)}).size(), 2);
}

TEST(UtteranceSegmenter, PassesOverWhatIsFaint) {
    Stream stream;
    stream.add(1, 0.001F).add(40, 0.6F, 0.05F).add(100, 0.001F);
    // The detector's answers are samples, too, and the loudest.
    EXPECT_EQ(segment(stream.samples(), {.threshold = 0.6F}).size(), 1);
    EXPECT_EQ(segment(stream.samples(), {.threshold = 0.61F}).size(), 0);
}

TEST(UtteranceSegmenter, SplitsWhatIsTooLongWhereItIsQuietest) {
    Stream stream;
    // The quiet stretch of 96 ms at 8.0 s is louder than the one at 4.8 s, which is too early.
    stream.add(150, 0.9F)
        .add(3, 0.9F, 0)
        .add(97, 0.9F)
        .add(3, 0.9F, 0.1F)
        .add(147, 0.9F)
        .add(100, 0.001F);
    const auto found = segment(stream.samples(), {.max_time = Seconds(10)});
    ASSERT_EQ(found.size(), 2);
    EXPECT_TRUE(found[0].split);
    EXPECT_FALSE(found[1].split);
    EXPECT_EQ(found[0].start, 0);
    EXPECT_NEAR(found[1].start, 251.5 * kStep, kSecond * 0.03);
    EXPECT_EQ(found[0].start + std::ssize(found[0].samples), found[1].start);
    EXPECT_EQ(found[0].speech_end, found[1].start);
    EXPECT_EQ(found[1].speech_start, found[1].start);
    EXPECT_EQ(found[1].speech_end, 400 * kStep);
}

TEST(UtteranceSegmenter, SplitsWhatIsTooLongInAPauseWithoutItsSilence) {
    Stream stream;
    stream.add(200, 0.9F).add(50, 0.001F).add(200, 0.9F).add(100, 0.001F);  // 6.4, 1.6 and 6.4 s
    const auto found = segment(stream.samples(), {.max_time = Seconds(8)});
    ASSERT_EQ(found.size(), 2);
    EXPECT_TRUE(found[0].split);
    EXPECT_EQ(std::ssize(found[0].samples), (200 * kStep) + kPadding);
    EXPECT_EQ(found[1].speech_start, 250 * kStep);
    EXPECT_EQ(found[1].start, (250 * kStep) - kPadding);
    EXPECT_EQ(found[1].speech_end, 450 * kStep);
}

TEST(UtteranceSegmenter, KeepsTheShortAndFaintEndOfASplitUtterance) {
    Stream stream;
    stream.add(155, 0.9F).add(5, 0.6F, 0.01F).add(100, 0.001F);  // 5.12 s, quietest at its end
    const auto found = segment(stream.samples(), {.threshold = 0.8F, .max_time = Seconds(5.1)});
    ASSERT_EQ(found.size(), 2);
    EXPECT_LT(found[1].speech_end - found[1].speech_start, kSecond / 2);
    EXPECT_LT(found[1].peak, 0.8F);
}

TEST(UtteranceSegmenter, EndsWithTheStreamAndBeginsAnother) {
    Stream stream;
    stream.add(10, 0.001F).add(30, 0.9F);
    stream.samples().resize(stream.samples().size() - 300);
    auto segmenter_of_both = segmenter();
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(segmenter_of_both.push(stream.samples()).empty());
        const auto found = segmenter_of_both.flush();
        ASSERT_EQ(found.size(), 1);
        EXPECT_EQ(found[0].speech_start, 10 * kStep);
        EXPECT_EQ(found[0].speech_end, std::ssize(stream.samples()));
        EXPECT_EQ(found[0].start + std::ssize(found[0].samples), std::ssize(stream.samples()));
    }
    EXPECT_TRUE(segmenter_of_both.flush().empty());
}

TEST(UtteranceSegmenter, TakesWhatIsNoNumberForSilence) {
    std::vector<float> samples(std::size_t{200} * kStep, NAN);
    EXPECT_TRUE(segment(samples).empty());
    Stream stream;
    stream.add(40, 0.9F);
    stream.samples()[700] = INFINITY;
    const auto found = segment(stream.samples());
    ASSERT_EQ(found.size(), 1);
    EXPECT_FLOAT_EQ(found[0].peak, 0.9F);
}

}  // namespace
}  // namespace titans::hearing
