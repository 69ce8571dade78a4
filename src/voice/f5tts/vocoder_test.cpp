#include "voice/f5tts/vocoder.h"

#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "audio/fourier.h"
#include "foundation/temporary_folder_for_test.h"
#include "voice/f5tts/sampling_schedule.h"
#include "voice/f5tts/tiny_f5tts_for_test.h"

namespace titans::voice::f5tts {
namespace {

using ::testing::HasSubstr;
using Numbers = std::vector<float>;

constexpr std::size_t kMels = 100;
constexpr std::size_t kHop = 256;
constexpr std::size_t kSize = 1024;
constexpr std::size_t kBins = kSize / 2 + 1;

class VocoderTest : public testing::Test {
protected:
    Result<std::shared_ptr<const Vocoder>> load(const TinyModel& model = {}) {
        write_tiny_vocos(path_, model);
        return Vocoder::load(path_, compute_);
    }

    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_ / "tiny.gguf";
    engine::Compute compute_{.device = *engine::Device::open({.threads = 2})};
};

TEST_F(VocoderTest, MakesAHopOfSamplesOfEachFrameButOne) {
    const auto vocoder = load();
    ASSERT_TRUE(vocoder) << vocoder.error().message;
    const auto sound = (*vocoder)->decode(Noise(1).draw(9 * kMels), {});
    ASSERT_TRUE(sound);
    EXPECT_EQ(sound->size(), 8 * kHop);
    double energy = 0;
    for (const float sample : *sound) energy += double{sample} * sample;
    EXPECT_GT(energy, 0);
    EXPECT_TRUE(std::isfinite(energy));
    EXPECT_TRUE((*vocoder)->decode(Noise(1).draw(kMels), {})->empty());
    EXPECT_TRUE((*vocoder)->decode({}, {})->empty());
}

/// Frame by frame, as the network is to make it, of samples that are mirrored at their ends.
Numbers spectrum_of(const Numbers& samples) {
    const auto fourier = audio::RealFourier::make(kSize);
    const std::size_t frames = samples.size() / kHop + 1;
    const auto length = static_cast<std::ptrdiff_t>(samples.size());
    Numbers made;
    for (std::size_t frame = 0; frame < frames; ++frame) {
        Numbers windowed(kSize);
        for (std::size_t i = 0; i < kSize; ++i) {
            auto place = static_cast<std::ptrdiff_t>(frame * kHop + i) -
                         static_cast<std::ptrdiff_t>(kSize / 2);
            if (place < 0) place = -place;
            if (place >= length) place = 2 * (length - 1) - place;
            const double turn = 2 * std::numbers::pi * static_cast<double>(i) / kSize;
            windowed[i] = samples[static_cast<std::size_t>(place)] *
                          static_cast<float>((1 - std::cos(turn)) / 2);
        }
        std::vector<std::complex<float>> bins(kBins);
        fourier->transform(windowed, bins);
        for (const auto& bin : bins) made.push_back(std::log(std::abs(bin) + 1e-20F));
        for (const auto& bin : bins) made.push_back(std::arg(bin));
    }
    return made;
}

TEST_F(VocoderTest, GivesBackTheSoundThatASpectrumIsOf) {
    const auto vocoder = load();
    ASSERT_TRUE(vocoder);
    Numbers samples = Noise(2).draw(12 * kHop);
    for (float& sample : samples) sample *= 0.1F;
    const auto sound = (*vocoder)->sound(spectrum_of(samples));
    ASSERT_TRUE(sound);
    ASSERT_EQ(sound->size(), samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i)
        ASSERT_NEAR((*sound)[i], samples[i], 1e-5) << i;
}

TEST_F(VocoderTest, LimitsMagnitudes) {
    const auto vocoder = load();
    ASSERT_TRUE(vocoder);
    const auto of = [&](float logarithm) {
        Numbers spectrum(4 * 2 * kBins, -30.0F);
        for (std::size_t frame = 0; frame < 4; ++frame) {
            spectrum[frame * 2 * kBins + 40] = logarithm;
            for (std::size_t bin = 0; bin < kBins; ++bin)
                spectrum[(frame * 2 + 1) * kBins + bin] = 0;
        }
        return *(*vocoder)->sound(spectrum);
    };
    EXPECT_EQ(of(30), of(std::log(200.0F)));
    EXPECT_NE(of(std::log(50.0F)), of(std::log(200.0F)));
    EXPECT_EQ(of(1000), of(30));
}

TEST_F(VocoderTest, StopsWhenItIsAskedTo) {
    const auto vocoder = load();
    ASSERT_TRUE(vocoder);
    std::stop_source source;
    source.request_stop();
    const auto sound = (*vocoder)->decode(Noise(1).draw(9 * kMels), source.get_token());
    ASSERT_FALSE(sound);
    EXPECT_EQ(sound.error().kind, ErrorKind::Cancelled);
}

TEST_F(VocoderTest, RefusesVocodersOfOtherSpectrograms) {
    for (const auto& [key, value] :
         std::initializer_list<std::pair<const char*, std::uint32_t>>{{"vocos.n_mels", 80},
                                                                      {"vocos.hop_length", 320},
                                                                      {"vocos.sample_rate", 44'100},
                                                                      {"vocos.n_fft", 511},
                                                                      {"vocos.n_fft", 0}}) {
        const auto vocoder =
            load({.change = [&](gguf_context* file) { gguf_set_val_u32(file, key, value); }});
        ASSERT_FALSE(vocoder) << key;
        EXPECT_EQ(vocoder.error().kind, ErrorKind::Unsupported);
        EXPECT_THAT(vocoder.error().message, HasSubstr(key));
    }
    const auto padded = load(
        {.change = [](gguf_context* file) { gguf_set_val_str(file, "vocos.padding", "same"); }});
    ASSERT_FALSE(padded);
    EXPECT_THAT(padded.error().message, HasSubstr("vocos.padding"));
}

TEST_F(VocoderTest, NamesTheTensorThatAFileLacks) {
    for (const char* const name : {"backbone.embed.weight", "backbone.norm.bias",
                                   "backbone.convnext.0.gamma", "head.out.weight"}) {
        const auto vocoder = load({.lacks = name});
        ASSERT_FALSE(vocoder) << name;
        EXPECT_EQ(vocoder.error().kind, ErrorKind::Unsupported);
        EXPECT_THAT(vocoder.error().message, HasSubstr(name));
    }
    const auto wrong = load({.change = [](gguf_context* file) {
        gguf_set_val_u32(file, "vocos.intermediate_dim", 32);
    }});
    ASSERT_FALSE(wrong);
    write_tiny_f5tts(path_);
    EXPECT_FALSE(Vocoder::load(path_, compute_));
    EXPECT_EQ(Vocoder::load(folder_ / "none.gguf", compute_).error().kind, ErrorKind::NotFound);
}

}  // namespace
}  // namespace titans::voice::f5tts
