#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

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
    EXPECT_EQ(settings->database.vectors, "/srv/titans/state");
    EXPECT_EQ(settings->models.folder, "/m");
    EXPECT_TRUE(settings->models.gguf_model.empty());
}

TEST(Settings, ReportsEveryMistakeTogether) {
    const auto settings = read_settings({{"PORT", "70000"},
                                         {"THREADS", "many"},
                                         {"LOG_LEVEL", "loud"},
                                         {"COMPUTE", "fp4"},
                                         {"DEBUG", "yes"}},
                                        {}, "/r");
    ASSERT_FALSE(settings);
    for (const char* name : {"PORT", "THREADS", "LOG_LEVEL", "COMPUTE", "DEBUG"}) {
        EXPECT_THAT(settings.error().message, HasSubstr(name));
    }
}

TEST(Settings, TreatsPlaceholdersAsUnset) {
    const auto settings = read_settings({{"GGUF_MODEL_PATH", "your_model_here"}}, {}, "/r");
    ASSERT_TRUE(settings);
    EXPECT_TRUE(settings->models.gguf_model.empty());
    EXPECT_TRUE(settings->warnings.empty());
}

TEST(Settings, TakesTheSpecificationsExampleForWhatItIs) {
    const auto settings = read_settings({}, parse_dotenv(R"(OPENAI_API_KEY=your_openai_api_key_here
DB_NAME=titans_db
DB_USER=your_db_user
DB_PASSWORD=your_db_password
DB_HOST=localhost
DB_PORT=5432
GGUF_MODEL_PATH=./models/your-model.gguf
MODELS_DIR=./models
CHROMA_DB_PATH=./chroma_db
EMBEDDING_MODEL=text-embedding-ada-002
OPENAI_BASE_URL=https://api.openai.com/v1
DEFAULT_OPENAI_MODEL=gpt-3.5-turbo
HUGGINGFACE_API_KEY=your_huggingface_token_here
NVIDIA_VISIBLE_DEVICES=all
NVIDIA_DRIVER_CAPABILITIES=compute,utility
CUDA_VISIBLE_DEVICES=all)"),
                                        "/srv/titans");
    ASSERT_TRUE(settings);
    EXPECT_TRUE(settings->openai.api_key.empty());
    EXPECT_TRUE(settings->database.user.empty());
    EXPECT_TRUE(settings->database.password.empty());
    EXPECT_TRUE(settings->models.hub_token.empty());
    EXPECT_TRUE(settings->models.gguf_model.empty());
    EXPECT_EQ(settings->database.name, "titans_db");
    EXPECT_EQ(settings->database.vectors, "/srv/titans/chroma_db");
    EXPECT_THAT(settings->warnings, ElementsAre());
}

TEST(Settings, ReadsHostsWithoutTheirPortsInLowerCase) {
    const auto settings =
        read_settings({{"ALLOWED_HOSTS", "Titans.LAN:8080, [FD00::1]:80,,fd00::2"},
                       {"PUBLIC_URL", "https://Voices.example:8443/titans"},
                       {"ALLOWED_PRIVATE_HOSTS", "localhost:11434, 10.0.0.7"},
                       {"ACCEPT_LICENSES", "CC-BY-NC-4.0, all"}},
                      {}, "/r");
    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->models.accepted_licences, ElementsAre("CC-BY-NC-4.0", "all"));
    EXPECT_THAT(settings->server.allowed_hosts,
                ElementsAre("titans.lan", "fd00::1", "fd00::2", "voices.example"));
    EXPECT_THAT(settings->openai.allowed_private_hosts, ElementsAre("localhost:11434", "10.0.0.7"));
}

TEST(Settings, ReadsWhatLastsAndHowLong) {
    const auto settings = read_settings({{"AUDIO_KEEP_DAYS", "2"},
                                         {"AUDIO_KEEP_MB", "3"},
                                         {"MAX_AUDIO_SECONDS", "4"},
                                         {"ENABLE_GPU", "false"},
                                         {"COMPUTE", "bf16"},
                                         {"DB_NAME", "t"},
                                         {"DB_PORT", "5433"},
                                         {"DB_PASSWORD", "p"},
                                         {"TITANS_SECRET_KEY", "s"},
                                         {"DEBUG", "true"}},
                                        {}, "/r");
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->audio.kept_for, std::chrono::days(2));
    EXPECT_EQ(settings->audio.kept_bytes, 3U << 20);
    EXPECT_EQ(settings->audio.max_seconds, std::chrono::seconds(4));
    EXPECT_EQ(settings->compute.gpu, false);
    EXPECT_EQ(settings->compute.precision, Settings::Compute::Precision::Bf16);
    EXPECT_EQ(settings->database.port, 5433);
    EXPECT_EQ(settings->database.password.reveal(), "p");
    EXPECT_EQ(settings->database.sealing_key.reveal(), "s");
    EXPECT_TRUE(settings->server.debug);
    EXPECT_EQ(settings->log_level, log::Level::Debug);
    EXPECT_FALSE(read_settings({}, {}, "/r")->compute.gpu);
}

TEST(Settings, TakesTheHubsTokenFromTheFirstPlaceThatHasOne) {
    const Variables all{{"HUGGINGFACE_API_KEY", "a"}, {"HF_TOKEN", "b"}};
    EXPECT_EQ(read_settings(all, {}, "/r")->models.hub_token.reveal(), "a");
    EXPECT_EQ(read_settings({{"HF_TOKEN", "b"}}, {}, "/r")->models.hub_token.reveal(), "b");
    const std::string file = testing::TempDir() + "titans_hub_token";
    std::ofstream(file) << "c\n";
    EXPECT_EQ(read_settings({{"HF_TOKEN_PATH", file}}, {}, "/r")->models.hub_token.reveal(), "c");
    std::filesystem::remove(file);
    EXPECT_TRUE(read_settings({{"HF_TOKEN_PATH", file}}, {}, "/r")->models.hub_token.empty());
}

TEST(Settings, RefusesUrlsThatAreNone) {
    for (const char* url : {"titans.example", "ftp://t.example", "http://", "http://user@t.example",
                            "http://t.example?x=1", "http://t.example/#x", "http://t example",
                            "http://t.example:port", "http://t.example:0", "http://:80",
                            "http://t.example\r\nX: y"}) {
        for (const char* name : {"PUBLIC_URL", "OPENAI_BASE_URL", "HF_ENDPOINT", "TITANS_URL"}) {
            const auto settings = read_settings({{name, url}}, {}, "/r");
            ASSERT_FALSE(settings) << name << "=" << url;
            EXPECT_THAT(settings.error().message, HasSubstr(name));
        }
    }
    EXPECT_TRUE(read_settings({{"PUBLIC_URL", "http://[::1]:80/titans"}}, {}, "/r"));
}

TEST(Settings, GoesOnWithoutAModelFileThatIsNotThere) {
    const auto settings = read_settings({{"GGUF_MODEL_PATH", "nowhere.gguf"}}, {}, "/r");
    ASSERT_TRUE(settings);
    EXPECT_TRUE(settings->models.gguf_model.empty());
    EXPECT_THAT(settings->warnings, ElementsAre(HasSubstr("GGUF_MODEL_PATH")));
}

TEST(Settings, DropsAnApisEmbeddingModelIfThereIsNoApi) {
    const Variables given{{"EMBEDDING_MODEL", "text-embedding-ada-002"}};
    auto settings = read_settings(given, {}, "/r");
    settle_embedding_model(*settings, /*in_catalogue=*/false);
    EXPECT_TRUE(settings->knowledge.embedding_model.empty());
    EXPECT_THAT(settings->warnings, ElementsAre(HasSubstr("EMBEDDING_MODEL")));

    settings = read_settings(given, {}, "/r");
    settle_embedding_model(*settings, /*in_catalogue=*/true);
    EXPECT_EQ(settings->knowledge.embedding_model, "text-embedding-ada-002");

    for (const auto& [name, value] :
         Variables{{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "http://10.0.0.7/v1"}}) {
        settings = read_settings(Variables{{name, value}, *given.begin()}, {}, "/r");
        settle_embedding_model(*settings, /*in_catalogue=*/false);
        EXPECT_EQ(settings->knowledge.embedding_model, "text-embedding-ada-002");
        EXPECT_TRUE(settings->warnings.empty());
    }
}

TEST(Settings, AreAllInTheExample) {
    std::ifstream stream(TITANS_ENV_EXAMPLE);
    std::vector<std::string> names;
    for (std::string line; std::getline(stream, line);) {
        if (!line.starts_with('#') || line.starts_with("# ")) continue;
        for (const auto& [name, value] : parse_dotenv(line.substr(1)).variables)
            names.push_back(name);
    }
    std::ranges::sort(names);
    EXPECT_THAT(names, testing::ElementsAreArray(known_names()));
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
    EXPECT_FALSE(read_settings({{"HOST", "127.evil.example"}}, {}, "/r"));
    EXPECT_TRUE(read_settings({{"HOST", "127.0.0.2"}}, {}, "/r"));
}

}  // namespace
}  // namespace titans::config
