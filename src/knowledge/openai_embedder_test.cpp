#include "knowledge/openai_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <nlohmann/json.hpp>

#include "net/http_client.h"
#include "net/loopback_server.h"

namespace titans::knowledge {
namespace {

using net::LoopbackServer;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using Connection = LoopbackServer::Connection;

constexpr const char* kKey = "sk-secret-0123456789";

/// An API that answers what `answer` makes of the body of each request.
class Api {
public:
    explicit Api(std::function<std::string(const json& body)> answer)
        : server_([this, answer = std::move(answer)](const std::string& request,
                                                     const Connection& connection) {
              requests.push_back(request);
              bodies.push_back(json::parse(request.substr(request.find("\r\n\r\n") + 4)));
              connection.send(answer(bodies.back()));
          }) {}

    Result<std::vector<Embedding>> embed(const std::vector<std::string>& texts,
                                         const std::stop_token& stop = {}) const {
        const net::HttpClient client;
        return OpenAiEmbedder(client, {.base_url = server_.url("/v1/"),
                                       .model = "m",
                                       .api_key = Secret(kKey),
                                       .first_pause = std::chrono::milliseconds(2)})
            .embed(texts, TextRole::Passage, stop);
    }

    std::vector<std::string> requests;
    std::vector<json> bodies;

private:
    LoopbackServer server_;
};

std::string ok(const json& body) { return LoopbackServer::answer("200 OK", body.dump()); }

/// [3, 4 * length] for each text, the last text's first.
std::string vectors_of(const json& body) {
    json data = json::array();
    for (std::size_t i = body["input"].size(); i-- > 0;) {
        const double length = static_cast<double>(body["input"][i].get<std::string>().size());
        data.push_back({{"index", i}, {"embedding", {3, 4 * length}}});
    }
    return ok({{"data", data}});
}

TEST(OpenAiEmbedder, ReturnsUnitVectorsInTheOrderOfTheTexts) {
    Api api(vectors_of);
    const auto embeddings = api.embed({"a", "bb"});
    ASSERT_TRUE(embeddings) << embeddings.error().message;
    ASSERT_EQ(embeddings->size(), 2U);
    EXPECT_THAT((*embeddings)[0], testing::Pointwise(testing::FloatNear(1e-6F), {0.6F, 0.8F}));
    EXPECT_NEAR((*embeddings)[1][1] / (*embeddings)[1][0], 8.0 / 3, 1e-5);
    EXPECT_EQ(api.bodies.at(0), (json{{"model", "m"}, {"input", {"a", "bb"}}}));
    EXPECT_THAT(api.requests.at(0), testing::StartsWith("POST /v1/embeddings HTTP/1.1\r\n"));
    EXPECT_THAT(api.requests.at(0), HasSubstr("Authorization: Bearer sk-secret-0123456789\r\n"));
}

TEST(OpenAiEmbedder, AsksForNothingWithoutTexts) {
    Api api(vectors_of);
    EXPECT_TRUE(api.embed({})->empty());
    EXPECT_TRUE(api.requests.empty());
}

TEST(OpenAiEmbedder, SendsBatchesThatAreBounded) {
    Api api(vectors_of);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < 130; ++i) texts.emplace_back(i + 1, 'x');
    const auto embeddings = api.embed(texts);
    ASSERT_TRUE(embeddings);
    ASSERT_EQ(embeddings->size(), 130U);
    for (std::size_t i = 0; i < 130; ++i)
        EXPECT_NEAR((*embeddings)[i][1] / (*embeddings)[i][0], 4.0 * (i + 1) / 3, 1e-2) << i;
    ASSERT_EQ(api.bodies.size(), 3U);
    EXPECT_EQ(api.bodies[0]["input"].size(), 64U);

    api.bodies.clear();
    ASSERT_TRUE(api.embed(std::vector<std::string>(64, std::string(8'000, 'x'))));
    EXPECT_EQ(api.bodies.size(), 2U);
}

TEST(OpenAiEmbedder, CutsLongTextsBetweenCharacters) {
    Api api(vectors_of);
    std::string text = "x";
    for (int i = 0; i < 6'000; ++i) text += "\xC3\xA9";
    ASSERT_TRUE(api.embed({text, "", "\xFF"}));
    const json& input = api.bodies.at(0)["input"];
    EXPECT_EQ(input[0], text.substr(0, 7'999));
    EXPECT_EQ(input[1], ".");
    EXPECT_EQ(input[2], "\xEF\xBF\xBD");
}

TEST(OpenAiEmbedder, ReportsWhatAreNotTheVectors) {
    const auto one = [](json numbers) {
        return json{{"data", {{{"index", 0}, {"embedding", std::move(numbers)}}}}}.dump();
    };
    for (const std::string& body :
         {std::string(),
          std::string("[]"),
          std::string("{}"),
          std::string("{\"data\":7}"),
          std::string("{\"data\":[]}"),
          std::string("{\"data\":[7]}"),
          std::string(R"({"data":[{"index":0}]})"),
          std::string(R"({"data":[{"embedding":[1]}]})"),
          std::string(R"({"data":[{"index":1,"embedding":[1]}]})"),
          std::string(R"({"data":[{"index":-1,"embedding":[1]}]})"),
          std::string(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})"),
          std::string(R"({"data":[{"index":0,"embedding":[1e999]}]})"),
          std::string(R"({"data":[{"index":0,"embedding":[1e300,1e300]}]})"),
          std::string(R"({"data":[{"index":0,"embedding":[1)"),
          one(json::array()),
          one({0, 0}),
          one({1, nullptr}),
          one({1, "2"}),
          one("AAAA"),
          one(std::vector<int>(8'193, 1)),
          "{\"data\":" + std::string(100'000, '[')}) {
        Api api([&](const json&) { return LoopbackServer::answer("200 OK", body); });
        const auto embeddings = api.embed({"a"});
        ASSERT_FALSE(embeddings) << body.substr(0, 100);
        EXPECT_EQ(embeddings.error().kind, ErrorKind::Upstream) << body.substr(0, 100);
        EXPECT_EQ(api.requests.size(), 1U);
    }
    Api largest([&](const json&) {
        return LoopbackServer::answer("200 OK", one(std::vector<int>(8'192, 1)));
    });
    EXPECT_TRUE(largest.embed({"a"}));
}

TEST(OpenAiEmbedder, ReportsVectorsOfDifferentDimensions) {
    Api api([](const json&) {
        return ok({{"data",
                    {{{"index", 0}, {"embedding", {1, 2}}}, {{"index", 1}, {"embedding", {1}}}}}});
    });
    const auto embeddings = api.embed({"a", "b"});
    ASSERT_FALSE(embeddings);
    EXPECT_EQ(embeddings.error().kind, ErrorKind::Upstream);
}

TEST(OpenAiEmbedder, TriesAgainWhereTheApiIsBusy) {
    int failures = 2;
    Api api([&](const json& body) {
        return failures-- > 0 ? LoopbackServer::answer("429 Too Many Requests", "")
                              : vectors_of(body);
    });
    EXPECT_TRUE(api.embed({"a"}));
    EXPECT_EQ(api.requests.size(), 3U);
}

TEST(OpenAiEmbedder, TellsWhatTheApiSaysWithoutTheKey) {
    Api api([](const json&) {
        return LoopbackServer::answer("401 Unauthorized",
                                      R"({"error":{"message":"bad key sk-secret-0123456789"}})");
    });
    const auto embeddings = api.embed({"a"});
    ASSERT_FALSE(embeddings);
    EXPECT_EQ(embeddings.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(embeddings.error().message, testing::StartsWith("EMBEDDING_MODEL: the API at "));
    EXPECT_THAT(embeddings.error().message, HasSubstr("answered 401: bad key ***"));
    EXPECT_THAT(embeddings.error().detail, Not(HasSubstr("0123456789")));
}

TEST(OpenAiEmbedder, StopsBetweenBatches) {
    std::stop_source source;
    Api api([&](const json& body) {
        source.request_stop();
        return vectors_of(body);
    });
    const auto embeddings = api.embed(std::vector<std::string>(100, "a"), source.get_token());
    ASSERT_FALSE(embeddings);
    EXPECT_EQ(embeddings.error().kind, ErrorKind::Cancelled);
    EXPECT_EQ(api.requests.size(), 1U);
}

}  // namespace
}  // namespace titans::knowledge
