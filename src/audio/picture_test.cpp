#include "audio/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/encode_for_test.h"
#include "audio/speech_for_test.h"

namespace titans::audio {
namespace {

TEST(Picture, IsAPngOfBothWhateverTheirRatesAndLengths) {
    const Audio before = make_speech(SampleRate{48'000}, 3);
    const Audio after = make_speech(SampleRate{16'000}, 0.2);
    const auto png = draw_spectrograms(before, after, {});
    ASSERT_TRUE(png) << png.error().detail;
    ASSERT_GT(png->size(), 24U);
    const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>((*png)[i]); };
    EXPECT_EQ(byte(0), 0x89U);
    EXPECT_EQ(byte(1), 'P');
    const unsigned width = byte(18) << 8 | byte(19);
    const unsigned height = byte(22) << 8 | byte(23);
    EXPECT_GE(width, 512U);
    EXPECT_GE(height, 2 * 160U);
}

TEST(Picture, ShowsADifference) {
    const Audio speech = make_speech(SampleRate{24'000}, 1);
    const auto same = draw_spectrograms(speech, speech, {});
    const auto noisy = draw_spectrograms(speech, with_noise(speech, 10), {});
    ASSERT_TRUE(same && noisy);
    EXPECT_GT(noisy->size(), same->size());  // noise is hard to compress
}

TEST(Picture, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const Audio speech = make_speech(SampleRate{24'000}, 1);
    const auto picture = draw_spectrograms(speech, speech, source.get_token());
    ASSERT_FALSE(picture);
    EXPECT_EQ(picture.error().kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::audio
