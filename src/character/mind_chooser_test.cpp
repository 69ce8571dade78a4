#include "character/mind_chooser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "foundation/temporary_folder_for_test.h"
#include "net/address_policy.h"
#include "net/http_client.h"

namespace titans::character {
namespace {

using testing::HasSubstr;

/// Models in a folder, and an operator who has a key for an API of his own.
class MindChooserTest : public testing::Test {
protected:
    MindChooserTest() {
        std::filesystem::create_directories(models_dir() / "sub");
        std::ofstream(models_dir() / "sub" / "tiny.gguf") << "GGUF";
        std::ofstream(folder_.path() / "outside.gguf") << "GGUF";
    }

    std::filesystem::path models_dir() const { return folder_.path() / "models"; }

    Result<MindChoice> choose(const std::string& llm_model, const std::string& config) const {
        const MindChooser chooser(models_, secrets_, client_, options_);
        return chooser.choose(llm_model, parse_llm_config(config).value());
    }
    template <typename Choice>
    bool is(const std::string& llm_model, const std::string& config) const {
        const auto choice = choose(llm_model, config);
        return choice && std::holds_alternative<Choice>(*choice);
    }
    std::optional<ErrorKind> refusal(const std::string& llm_model,
                                     const std::string& config) const {
        const auto choice = choose(llm_model, config);
        return choice ? std::nullopt : std::optional(choice.error().kind);
    }
    /// Where the calls of a mind behind an API go, and with what.
    mind::OpenAiTarget target(const std::string& llm_model, const std::string& config) const {
        const auto choice = choose(llm_model, config);
        EXPECT_TRUE(choice) << choice.error().message;
        return std::get<RemoteMind>(choice.value()).target;
    }

    TemporaryFolder folder_;
    models::ModelStore models_{{.models_dir = models_dir(),
                                .downloads_dir = folder_.path() / "downloads",
                                .hub_endpoint = "",
                                .program = {},
                                .root = folder_.path()}};
    store::SecretBox secrets_ = store::SecretBox::open(folder_.path() / "key", Secret()).value();
    net::HttpClient client_;
    MindChooser::Options options_{.openai_base_url = "https://llm.example/v1",
                                  .openai_api_key = {},
                                  .default_openai_model = "gpt-3.5-turbo",
                                  .gguf_model = {},
                                  .client_policy = std::make_shared<const net::AddressPolicy>()};
};

TEST_F(MindChooserTest, TakesAFileBelowTheModelsAndNoOther) {
    EXPECT_TRUE(is<LocalMind>("", R"({"model_path": "sub/tiny.gguf"})"));
    EXPECT_TRUE(is<LocalMind>("sub/tiny.gguf", "{}"));
    EXPECT_TRUE(is<LocalMind>("./models/sub/tiny.gguf", "{}"));
    EXPECT_EQ(refusal("", R"({"model_path": "../outside.gguf"})"), ErrorKind::InvalidInput);
    EXPECT_EQ(refusal("", R"({"model_path": "/etc/passwd"})"), ErrorKind::InvalidInput);
    EXPECT_EQ(refusal("", R"({"model_path": "sub/later.gguf"})"), ErrorKind::Conflict);
    // The file comes before the API, whatever else is given.
    EXPECT_TRUE(is<LocalMind>(
        "gpt-4", R"({"model_path": "sub/tiny.gguf", "base_url": "https://a.example"})"));
}

TEST_F(MindChooserTest, SendsTheOperatorsKeyToTheOperatorsApiAlone) {
    options_.openai_api_key = Secret("sk-operator");
    EXPECT_EQ(target("m", R"({"base_url": "https://llm.example/v1"})").api_key.reveal(),
              "sk-operator");
    for (const char* elsewhere :
         {"https://evil.example/v1", "http://llm.example/v1", "https://llm.example:444/v1",
          "https://llm.example.evil.example/v1", "https://llm.example@evil.example/v1"}) {
        const auto choice = choose("m", nlohmann::json{{"base_url", elsewhere}}.dump());
        if (!choice) continue;  // an address that is none
        const auto found = target("m", nlohmann::json{{"base_url", elsewhere}}.dump());
        EXPECT_TRUE(found.api_key.empty()) << elsewhere;
        EXPECT_NE(found.policy, nullptr) << elsewhere;
    }
    EXPECT_EQ(
        target("m", R"({"base_url": "https://evil.example", "api_key": "mine"})").api_key.reveal(),
        "mine");
}

TEST_F(MindChooserTest, LetsOnlyTheOperatorsApiBeAnywhere) {
    EXPECT_EQ(target("gpt-4o", "{}").policy, nullptr);
    EXPECT_EQ(target("m", R"({"api_key": "k"})").base_url, "https://llm.example/v1");
    EXPECT_NE(target("m", R"({"base_url": "http://127.0.0.1:8080/v1"})").policy, nullptr);
}

TEST_F(MindChooserTest, ReadsASealedKeyAndNotThatOfAnotherServer) {
    const std::string sealed = secrets_.seal(Secret("sk-sealed"));
    EXPECT_EQ(target("m", nlohmann::json{{"api_key", sealed}}.dump()).api_key.reveal(),
              "sk-sealed");
    const auto other = store::SecretBox::open(folder_.path() / "other", Secret()).value();
    EXPECT_EQ(refusal("m", nlohmann::json{{"api_key", other.seal(Secret("x"))}}.dump()),
              ErrorKind::Conflict);
}

TEST_F(MindChooserTest, KnowsOpenAisModelsByTheirNames) {
    for (const char* name : {"gpt-4o", "o3-mini", "chatgpt-4o-latest"})
        EXPECT_TRUE(is<RemoteMind>(name, "{}")) << name;
    EXPECT_EQ(target("gpt-4o", R"({"model_name": "o1"})").model, "o1");
    options_.openai_base_url = "https://api.openai.com/v1";
    EXPECT_THAT(choose("gpt-4o", "{}").error().message, HasSubstr("OPENAI_API_KEY"));
}

TEST_F(MindChooserTest, SaysHowToGetWhatIsNotHere) {
    const auto choice = choose("smollm2-135m-instruct", "{}");
    ASSERT_FALSE(choice);
    EXPECT_EQ(choice.error().kind, ErrorKind::Conflict);
    EXPECT_THAT(choice.error().message, HasSubstr("POST /download-model"));
    EXPECT_EQ(refusal("org/name", "{}"), ErrorKind::Conflict);
    EXPECT_THAT(choose("", R"({"model_name": "org/name"})").error().message,
                HasSubstr("llm_config.model_name: the model org/name"));
    EXPECT_EQ(refusal("no-such-model", "{}"), ErrorKind::InvalidInput);
    EXPECT_EQ(refusal("whisper-base", "{}"), ErrorKind::InvalidInput);
}

TEST_F(MindChooserTest, FallsBackFromTheOperatorsApiToFilesToNone) {
    EXPECT_TRUE(is<NoMind>("", "{}"));
    options_.gguf_model = models_dir() / "sub" / "tiny.gguf";
    EXPECT_TRUE(is<LocalMind>("", "{}"));
    options_.openai_api_key = Secret("sk-operator");
    EXPECT_EQ(target("", "{}").model, "gpt-3.5-turbo");
}

}  // namespace
}  // namespace titans::character
