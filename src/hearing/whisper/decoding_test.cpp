#include "hearing/whisper/decoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "hearing/whisper/tiny_model_for_test.h"

namespace titans::hearing::whisper {
namespace {

using testing::ElementsAre;
using Tokens = std::vector<int>;

constexpr int kA = 'a' - '!';
constexpr int kB = 'b' - '!';
constexpr int kC = 'c' - '!';

/// A decoder whose answer depends on the text by a table: the probabilities of what follows.
class FakeReader final : public TokenReader {
public:
    using Table = std::function<std::map<int, double>(const Tokens&)>;

    FakeReader(const Vocabulary& vocabulary, Table table)
        : width_(static_cast<std::size_t>(vocabulary.size())), table_(std::move(table)) {}

    std::vector<float> logits(const Tokens& text) const {
        std::vector<float> logits(width_, -20);
        for (const auto& [id, share] : table_(text))
            logits[static_cast<std::size_t>(id)] = static_cast<float>(std::log(share)) + 3;
        return logits;
    }

    Result<std::span<const float>> read(std::span<const int> /*tokens*/, int /*position*/,
                                        const std::stop_token& /*stop*/) override {
        return fail(ErrorKind::Internal, "not asked for");
    }
    Result<void> fork(int sequences, int length) override {
        begin = length;
        texts_.assign(static_cast<std::size_t>(sequences), {});
        return {};
    }
    Result<std::span<const float>> read_each(std::span<const int> tokens, int position,
                                             const std::stop_token& stop) override {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
        EXPECT_EQ(tokens.size(), texts_.size());
        answer_.clear();
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            texts_[i].resize(static_cast<std::size_t>(position - begin));
            texts_[i].push_back(tokens[i]);
            const std::vector<float> row = logits(texts_[i]);
            answer_.insert(answer_.end(), row.begin(), row.end());
        }
        return std::span<const float>(answer_);
    }
    void reorder(std::span<const int> sources, int length) override {
        const std::vector<Tokens> before = texts_;
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            texts_[i] = before[static_cast<std::size_t>(sources[i])];
            EXPECT_EQ(std::ssize(texts_[i]), length - begin);
        }
    }

    int begin = 0;

private:
    std::size_t width_;
    Table table_;
    std::vector<Tokens> texts_;
    std::vector<float> answer_;
};

class WhisperDecoding : public testing::Test {
protected:
    Result<Written> greedy(FakeReader& reader, int most = 20, Sampling sampling = {},
                           std::stop_token stop = {}) {
        std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same in every run
        return write_tokens(reader, rules,
                            {.logits = reader.logits({}), .position = 4, .most = most}, sampling,
                            random, stop);
    }
    Result<Written> beams(FakeReader& reader, int count, int most = 20) {
        return write_beams(reader, rules,
                           {.logits = reader.logits({}), .position = 4, .most = most}, count, {});
    }

    const Vocabulary vocabulary = load_tiny_vocabulary();
    const TokenRules rules{vocabulary};
    const int end = vocabulary.end();
    /// "b" is less likely than "a" at first, but what follows it is sure.
    const FakeReader::Table garden = [this](const Tokens& text) -> std::map<int, double> {
        if (text.empty()) return {{kA, 0.6}, {kB, 0.4}};
        if (text.size() == 1 && text[0] == kB) return {{kC, 1.0}};
        if (text.size() == 1) return {{kA, 0.3}, {kB, 0.3}, {kC, 0.4}};
        return {{end, 1.0}};
    };
};

TEST_F(WhisperDecoding, TakesTheLikeliestTokenEachTime) {
    FakeReader reader(vocabulary, garden);
    const auto written = greedy(reader);
    ASSERT_TRUE(written);
    EXPECT_THAT(written->tokens, ElementsAre(kA, kC));
    EXPECT_NEAR(written->sum, std::log(0.6 * 0.4), 1e-4);
    EXPECT_NEAR(written->mean_log_probability(), std::log(0.6 * 0.4) / 3, 1e-4);
    ASSERT_EQ(written->log_probabilities.size(), 2);
    EXPECT_NEAR(written->log_probabilities[1], std::log(0.4), 1e-4);
}

TEST_F(WhisperDecoding, FollowsSeveralHypotheses) {
    FakeReader reader(vocabulary, garden);
    for (const int count : {2, 3, 5}) {
        const auto written = beams(reader, count);
        ASSERT_TRUE(written);
        EXPECT_THAT(written->tokens, ElementsAre(kB, kC)) << count;
        EXPECT_NEAR(written->sum, std::log(0.4), 1e-4);
    }
    const auto one = beams(reader, 1);
    ASSERT_TRUE(one);
    EXPECT_THAT(one->tokens, ElementsAre(kA, kC));
}

TEST_F(WhisperDecoding, PrefersTheGreaterProbabilityForEachToken) {
    // As a whole they are equally likely, for each token the long one is likelier.
    FakeReader reader(vocabulary, [this](const Tokens& text) -> std::map<int, double> {
        if (text.empty()) return {{kA, 0.5}, {kB, 0.5}};
        if (text[0] == kA) return {{text.size() == 1 ? end : kC, 1.0}};
        return {{text.size() == 5 ? end : kB, 1.0}};
    });
    const auto written = beams(reader, 2);
    ASSERT_TRUE(written);
    EXPECT_THAT(written->tokens, ElementsAre(kB, kB, kB, kB, kB));
}

TEST_F(WhisperDecoding, EndsWhereThereIsNoRoom) {
    FakeReader reader(vocabulary, [](const Tokens& text) -> std::map<int, double> {
        return {{kA + static_cast<int>(text.size()), 1.0}};
    });
    for (const bool side_by_side : {false, true}) {
        const auto written = side_by_side ? beams(reader, 3, 6) : greedy(reader, 6);
        ASSERT_TRUE(written);
        EXPECT_EQ(written->tokens.size(), 6);
    }
}

TEST_F(WhisperDecoding, EndsWhereATextGoesInCircles) {
    FakeReader reader(vocabulary, [](const Tokens& text) -> std::map<int, double> {
        return {{text.size() % 2 == 0 ? kA : kB, 1.0}};
    });
    const auto written = greedy(reader, 200);
    ASSERT_TRUE(written);
    EXPECT_TRUE(written->in_circles);
    EXPECT_LT(written->tokens.size(), 40);
}

TEST_F(WhisperDecoding, DrawsTextsAndTakesTheLikeliest) {
    FakeReader reader(vocabulary, garden);
    std::map<Tokens, int> alone;
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same in every run
    const Beginning beginning{.logits = reader.logits({}), .position = 4, .most = 20};
    for (int i = 0; i < 2000; ++i) {
        const auto written =
            write_tokens(reader, rules, beginning, {.temperature = 1, .hypotheses = 1}, random, {});
        ASSERT_TRUE(written);
        ++alone[written->tokens];
    }
    EXPECT_NEAR((alone[{kB, kC}]), 800, 100);
    EXPECT_NEAR((alone[{kA, kC}]), 480, 80);
    EXPECT_NEAR((alone[{kA, kA}]), 360, 80);
    const auto best =
        write_tokens(reader, rules, beginning, {.temperature = 1, .hypotheses = 16}, random, {});
    ASSERT_TRUE(best);
    EXPECT_THAT(best->tokens, ElementsAre(kB, kC));
}

TEST_F(WhisperDecoding, StopsWhenAsked) {
    FakeReader reader(vocabulary, garden);
    std::stop_source source;
    source.request_stop();
    const auto written = greedy(reader, 20, {}, source.get_token());
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::hearing::whisper
