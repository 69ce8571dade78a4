#include "foundation/error.h"

#include <gtest/gtest.h>

#include "foundation/secret.h"

namespace titans {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return fail(ErrorKind::InvalidInput, "number: is odd");
    return number / 2;
}

Result<int> quarter(int number) {
    TITANS_TRY(const int once, half(number));
    TITANS_TRY(const int twice, half(once));
    return twice;
}

TEST(Error, TryPassesValuesAndErrorsOn) {
    EXPECT_EQ(quarter(12), 3);
    ASSERT_FALSE(quarter(6));
    EXPECT_EQ(quarter(6).error().message, "number: is odd");
}

TEST(Error, EveryKindHasItsName) {
    EXPECT_EQ(to_string(ErrorKind::InvalidInput), "invalid_input");
    EXPECT_EQ(to_string(ErrorKind::Internal), "internal");
}

TEST(Secret, NeverPrintsItsValue) {
    EXPECT_EQ(std::format("{}", Secret("sk-12345678")), "***");
    EXPECT_EQ(std::format("{}", Secret()), "");
}

}  // namespace
}  // namespace titans
