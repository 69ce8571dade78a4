#include "hearing/whisper/compression_ratio.h"

#include <gtest/gtest.h>

#include <string>

namespace titans::hearing::whisper {
namespace {

// Python: len(text) / len(zlib.compress(text.encode()))
TEST(CompressionRatio, IsThatOfPythonsZlib) {
    EXPECT_NEAR(compression_ratio("Tell me about the lighthouse."), 29.0 / 37, 1e-12);
    std::string laughter;
    for (int i = 0; i < 60; ++i) laughter += "ha ";
    EXPECT_NEAR(compression_ratio(laughter), 180.0 / 14, 1e-12);
    EXPECT_EQ(compression_ratio(""), 0);
}

}  // namespace
}  // namespace titans::hearing::whisper
