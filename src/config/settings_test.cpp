#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(DotEnv, ReadsQuotesCommentsAndExports) {
    const DotEnv dotenv =
        parse_dotenv("# all\nA=1\nexport B = 'two # three'\r\nC=\"x\" # why\nD=plain # why\n\nE=");
    EXPECT_EQ(dotenv.variables,
              (Variables{{"A", "1"}, {"B", "two # three"}, {"C", "x"}, {"D", "plain"}, {"E", ""}}));
    EXPECT_TRUE(dotenv.faults.empty());
}

TEST(DotEnv, NamesTheLineThatSaysNothing) {
    EXPECT_THAT(parse_dotenv("A=1\nwhat is this\n1B=2").faults,
                ElementsAre(HasSubstr("line 2"), HasSubstr("line 3")));
}

TEST(Settings, TheEnvironmentBeatsTheFile) {
    const auto settings =
        read_settings({{"PORT", "6000"}}, parse_dotenv("PORT=7000\nTHREADS=3"), "/srv/titans");
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->server.port, 6000);
    EXPECT_EQ(settings->compute.threads, 3);
}

TEST(Settings, CountsRelativePathsFromTheRoot) {
    const auto settings =
        read_settings({{"DATA_DIR", "./state"}, {"MODELS_DIR", "/m"}}, {}, "/srv/titans");
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->data, "/srv/titans/state");
    EXPECT_EQ(settings->models.folder, "/m");
    EXPECT_TRUE(settings->models.gguf_model.empty());
}

TEST(Settings, ReportsEveryMistakeTogether) {
    const auto settings = read_settings(
        {{"PORT", "70000"}, {"THREADS", "many"}, {"LOG_LEVEL", "loud"}, {"DEBUG", "yes"}}, {},
        "/r");
    ASSERT_FALSE(settings);
    for (const char* name : {"PORT", "THREADS", "LOG_LEVEL", "DEBUG"}) {
        EXPECT_THAT(settings.error().message, HasSubstr(name));
    }
}

TEST(Settings, TreatsPlaceholdersAsUnset) {
    const auto settings = read_settings({{"GGUF_MODEL_PATH", "your_model_here"}}, {}, "/r");
    ASSERT_TRUE(settings);
    EXPECT_TRUE(settings->models.gguf_model.empty());
}

TEST(Settings, EndsUrlsWithoutASlash) {
    const auto settings = read_settings(
        {{"TITANS_URL", "https://titans.example/"}, {"PUBLIC_URL", "https://t.example//"}}, {},
        "/r");
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->client.server_url, "https://titans.example");
    EXPECT_EQ(settings->server.public_url, "https://t.example");
}

TEST(Settings, WarnsOfNamesItDoesNotKnow) {
    const auto settings = read_settings({}, parse_dotenv("PROT=1\nOPENAI_API_KEY=x"), "/r");
    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->warnings, ElementsAre(HasSubstr("PROT")));
}

TEST(Settings, RefusesOtherAddressesWithoutAKey) {
    EXPECT_FALSE(read_settings({{"HOST", "0.0.0.0"}}, {}, "/r"));
    EXPECT_TRUE(read_settings({{"HOST", "0.0.0.0"}, {"TITANS_API_KEY", "k"}}, {}, "/r"));
    EXPECT_TRUE(read_settings({{"HOST", "127.0.0.2"}}, {}, "/r"));
}

}  // namespace
}  // namespace titans::config
