#include "net/redact.h"

#include <gtest/gtest.h>

namespace titans::net {
namespace {

const Secret kKey("sk-proj-abcdEFGH/1234+5678");

TEST(Redact, HidesTheWholeKey) {
    EXPECT_EQ(redact("Incorrect API key provided: sk-proj-abcdEFGH/1234+5678.", kKey),
              "Incorrect API key provided: ***.");
    EXPECT_EQ(redact("sk-proj-abcdEFGH/1234+5678", kKey), "***");
    EXPECT_EQ(redact("sk-proj-abcdEFGH/1234+5678sk-proj-abcdEFGH/1234+5678", kKey), "***");
}

TEST(Redact, HidesEveryPieceOfEightCharactersOrMore) {
    EXPECT_EQ(redact("begins with sk-proj-, ends with 234+5678", kKey),
              "begins with ***, ends with ***");
    EXPECT_EQ(redact("sk-proj-....1234+5678", kKey), "***....***");
    EXPECT_EQ(redact("<abcdEFGH><H/1234+5>", kKey), "<***><***>");
}

TEST(Redact, LeavesShorterPieces) {
    EXPECT_EQ(redact("sk-proj****5678", kKey), "sk-proj****5678");
    EXPECT_EQ(redact("", kKey), "");
    EXPECT_EQ(redact("nothing of it", kKey), "nothing of it");
}

TEST(Redact, HidesEscapedPieces) {
    EXPECT_EQ(redact(R"({"key":"sk-proj-abcdEFGH\/1234+5678"})", kKey), R"({"key":"***"})");
    EXPECT_EQ(redact(R"(sk\u002dproj\u002DabcdEFGH\u002f1234\u002b5678)", kKey), "***");
    EXPECT_EQ(redact("key=sk-proj-abcdEFGH%2F1234%2b5678&a=%", kKey), "key=***&a=%");
    EXPECT_EQ(redact("\\", kKey), "\\");
    EXPECT_EQ(redact("\\u00zz %zz %2", kKey), "\\u00zz %zz %2");
}

TEST(Redact, HidesAKeyThatItselfHoldsWhatLooksLikeAnEscape) {
    const Secret key(R"(aa%41bb\/cc)");
    EXPECT_EQ(redact(R"(x aa%41bb\/cc y)", key), "x *** y");
    EXPECT_EQ(redact(R"(x aa%41bb\\/cc y)", key), "x *** y");
}

TEST(Redact, HidesAllOfAShortKey) {
    EXPECT_EQ(redact("the key abc12 is wrong", Secret("abc12")), "the key *** is wrong");
    EXPECT_EQ(redact("the key abc1 is wrong", Secret("abc12")), "the key abc1 is wrong");
    EXPECT_EQ(redact("no key", Secret()), "no key");
}

}  // namespace
}  // namespace titans::net
