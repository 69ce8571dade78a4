#include "voice/f5tts/sampling.h"

#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "foundation/temporary_folder_for_test.h"
#include "voice/f5tts/sampling_schedule.h"
#include "voice/f5tts/tiny_f5tts_for_test.h"

namespace titans::voice::f5tts {
namespace {

using Numbers = std::vector<float>;

constexpr std::size_t kMels = 100;
constexpr std::size_t kHeard = 5;  // frames
constexpr int kFrames = 14;

double relative_error(std::span<const float> got, std::span<const float> wanted) {
    EXPECT_EQ(got.size(), wanted.size());
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        difference += std::pow(double{got[i]} - wanted[i], 2);
        size += std::pow(double{wanted[i]}, 2);
    }
    return std::sqrt(difference / size);
}

Sampling::Request request(int steps = 2, int frames = kFrames) {
    Noise noise(1);
    Sampling::Request made{
        .text = {3, 4, 5, 0, 6, 7, 8, 1}, .frames = frames, .times = sampling_times(steps, -1)};
    made.reference = noise.draw(kHeard * kMels);
    made.noise = noise.draw(static_cast<std::size_t>(frames) * kMels);
    return made;
}

std::shared_ptr<const Network> tiny(engine::Device::Arithmetic arithmetic,
                                    const TinyModel& model = {}) {
    const TemporaryFolder folder;
    write_tiny_f5tts(folder / "tiny.gguf", model);
    const auto network =
        Network::load(folder / "tiny.gguf",
                      {.device = *engine::Device::open({.threads = 2, .arithmetic = arithmetic})});
    EXPECT_TRUE(network) << network.error().message;
    return *network;
}

struct Done {
    Numbers mel;
    int pieces = 0;
};

Done finish(Sampling& sampling) {
    Done done;
    for (bool more = true; more;) {
        const auto stepped = sampling.step({});
        EXPECT_TRUE(stepped) << stepped.error().message;
        more = stepped && *stepped;
        ++done.pieces;
    }
    done.mel = sampling.mel();
    return done;
}

Done sample(const std::shared_ptr<const Network>& network, Sampling::Request asked) {
    const auto sampling = Sampling::begin(network, std::move(asked));
    EXPECT_TRUE(sampling) << sampling.error().message;
    return finish(**sampling);
}

class SamplingTest : public testing::TestWithParam<engine::Device::Arithmetic> {
protected:
    std::shared_ptr<const Network> network_ = tiny(GetParam());
};

TEST_P(SamplingTest, ContinuesTheRecording) {
    const Sampling::Request asked = request(7);
    const Numbers mel = sample(network_, asked).mel;
    ASSERT_EQ(mel.size(), kFrames * kMels);
    EXPECT_TRUE(std::ranges::equal(std::span(mel).first(asked.reference.size()), asked.reference));
    EXPECT_TRUE(std::ranges::all_of(mel, [](float value) { return std::isfinite(value); }));
    // It is no longer noise.
    const std::size_t from = asked.reference.size();
    EXPECT_GT(relative_error(std::span(mel).subspan(from), std::span(asked.noise).subspan(from)),
              0.1);
}

TEST_P(SamplingTest, DependsOnTextRecordingAndStrength) {
    const Numbers mel = sample(network_, request()).mel;
    const std::size_t from = kHeard * kMels;
    const auto differs = [&](const Sampling::Request& asked) {
        const Numbers changed = sample(network_, asked).mel;
        return relative_error(std::span(changed).subspan(from), std::span(mel).subspan(from)) >
               1e-3;
    };
    Sampling::Request other = request();
    other.text[6] = 12;
    EXPECT_TRUE(differs(other));
    other = request();
    for (std::size_t i = 0; i < 4 * kMels; ++i) other.reference[i] += 1;
    EXPECT_TRUE(differs(other));
    other = request();
    other.cfg_strength = 3;
    EXPECT_TRUE(differs(other));
    EXPECT_FALSE(differs(request()));
}

TEST_P(SamplingTest, IsTheSameWhateverElseIsSampledBetweenItsSteps) {
    const std::vector<Sampling::Request> asked{request(3), request(2, 20), request(3, 17)};
    std::vector<Numbers> alone;
    for (const Sampling::Request& one : asked) alone.push_back(sample(network_, one).mel);
    std::vector<std::unique_ptr<Sampling>> together;
    for (const Sampling::Request& one : asked) together.push_back(*Sampling::begin(network_, one));
    std::vector<bool> more(asked.size(), true);
    while (std::ranges::find(more, true) != more.end()) {
        for (std::size_t i = 0; i < together.size(); ++i)
            if (more[i]) more[i] = *together[i]->step({});
    }
    for (std::size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i]->mel(), alone[i]) << i;
}

TEST_P(SamplingTest, StopsWhereItIsAskedToAndCanGoOn) {
    const Numbers whole = sample(network_, request()).mel;
    std::stop_source source;
    source.request_stop();
    const auto sampling = Sampling::begin(network_, request());
    ASSERT_TRUE(sampling);
    for (int pieces = 0; pieces < 5; ++pieces) {
        const auto refused = (*sampling)->step(source.get_token());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::Cancelled);
        ASSERT_TRUE((*sampling)->step({}));
    }
    EXPECT_EQ(finish(**sampling).mel, whole);
    EXPECT_FALSE(*(*sampling)->step({}));
}

TEST_P(SamplingTest, LeavesOutTextThatHasNoFrame) {
    Sampling::Request longer = request();
    longer.text.assign(40, 9);
    Sampling::Request cut = request();
    cut.text.assign(kFrames, 9);
    EXPECT_EQ(sample(network_, longer).mel, sample(network_, cut).mel);
}

TEST_P(SamplingTest, NeedsNoSecondBranchWithoutGuidance) {
    Sampling::Request none = request();
    none.cfg_strength = 0;
    Sampling::Request hardly = request();
    hardly.cfg_strength = 2e-5F;
    EXPECT_LT(relative_error(sample(network_, none).mel, sample(network_, hardly).mel), 1e-4);
}

TEST_P(SamplingTest, ComputesTheModulationOfAScheduleOnce) {
    const int first = sample(network_, request(5)).pieces;
    const int second = sample(network_, request(5)).pieces;
    EXPECT_EQ(first - second, network_->config().depth + 1);
    // Those of the last four schedules are kept.
    for (const int steps : {6, 7, 8, 9}) sample(network_, request(steps));
    EXPECT_EQ(sample(network_, request(9)).pieces - second, 4);
    EXPECT_EQ(sample(network_, request(5)).pieces, first);
}

TEST_P(SamplingTest, RefusesWhatCannotBeSampled) {
    const auto kind_of = [&](Sampling::Request asked) {
        const auto begun = Sampling::begin(network_, std::move(asked));
        EXPECT_FALSE(begun);
        return begun ? ErrorKind::Conflict : begun.error().kind;
    };
    EXPECT_EQ(kind_of(request(2, kHeard)), ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(request(2, 8193)), ErrorKind::InvalidInput);
    Sampling::Request wrong = request();
    wrong.text.push_back(29);
    EXPECT_EQ(kind_of(wrong), ErrorKind::Internal);
    wrong = request();
    wrong.text.push_back(-1);
    EXPECT_EQ(kind_of(wrong), ErrorKind::Internal);
    wrong = request();
    wrong.noise.pop_back();
    EXPECT_EQ(kind_of(wrong), ErrorKind::Internal);
    wrong = request();
    wrong.times.resize(1);
    EXPECT_EQ(kind_of(wrong), ErrorKind::Internal);
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, SamplingTest,
                         testing::Values(engine::Device::Arithmetic::Ours,
                                         engine::Device::Arithmetic::Ggml),
                         [](const auto& parameter) {
                             return parameter.param == engine::Device::Arithmetic::Ours ? "Ours"
                                                                                        : "Ggml";
                         });

TEST(SamplingByBothArithmetics, IsTheSame) {
    for (const std::uint32_t heads : {0U, 1U}) {
        const TinyModel model{.change = [=](gguf_context* file) {
            gguf_set_val_u32(file, "f5tts.pe_attn_head", heads);
            gguf_set_val_bool(file, "f5tts.text_mask_padding", heads == 0);
        }};
        EXPECT_LT(
            relative_error(sample(tiny(engine::Device::Arithmetic::Ours, model), request(7)).mel,
                           sample(tiny(engine::Device::Arithmetic::Ggml, model), request(7)).mel),
            2e-3);  // ggml reads GELU from a table of halves
    }
}

}  // namespace
}  // namespace titans::voice::f5tts
