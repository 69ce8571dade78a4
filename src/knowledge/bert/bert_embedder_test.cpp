#include "knowledge/bert/bert_embedder.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <functional>
#include <numeric>
#include <random>

#include "foundation/temporary_folder_for_test.h"

namespace titans::knowledge::bert {
namespace {

constexpr int kWidth = 32;
constexpr int kPositions = 60;
constexpr int kLongest = 50;

/// Writes a BERT of two layers with random weights, as checkpoint/ converts it, which knows a few
/// words. `change` may set other facts.
void write(
    const std::filesystem::path& path,
    const std::function<void(gguf_context*)>& change = [](gguf_context*) {}) {
    const gguf_context_ptr file(gguf_init_empty());
    const ggml_context_ptr context(
        ggml_init({.mem_size = 4U << 20U, .mem_buffer = nullptr, .no_alloc = false}));
    std::vector<const char*> tokens{"[PAD]", "[UNK]", "[CLS]",  "[SEP]", "[MASK]",
                                    "cat",   "dog",   "sleeps", "query", ":"};
    gguf_set_val_str(file.get(), "general.architecture", "bert");
    const auto set = [&](const char* key, std::uint32_t value) {
        gguf_set_val_u32(file.get(), key, value);
    };
    set("titans.format", 1);
    set("bert.hidden_size", kWidth);
    set("bert.num_hidden_layers", 2);
    set("bert.num_attention_heads", 2);
    set("bert.intermediate_size", 48);
    set("bert.vocab_size", static_cast<std::uint32_t>(tokens.size()));
    set("bert.max_position_embeddings", kPositions);
    set("bert.type_vocab_size", 2);
    set("bert.max_seq_length", kLongest);
    gguf_set_val_f32(file.get(), "bert.layer_norm_eps", 1e-12F);
    gguf_set_val_str(file.get(), "bert.pooling", "mean");
    gguf_set_val_bool(file.get(), "bert.normalize", true);
    for (const char* key :
         {"bert.do_lower_case", "bert.strip_accents", "bert.tokenize_chinese_chars"})
        gguf_set_val_bool(file.get(), key, true);
    gguf_set_arr_str(file.get(), "tokenizer.tokens", tokens.data(), tokens.size());
    change(file.get());

    std::mt19937 random(5);
    std::normal_distribution<float> normal(0, 0.5F);
    const auto add = [&](const std::string& name, std::initializer_list<std::int64_t> axes,
                         float mean = 0) {
        std::vector<std::int64_t> shape(axes);
        std::ranges::reverse(shape);
        ggml_tensor* tensor = ggml_new_tensor(context.get(), GGML_TYPE_F32,
                                              static_cast<int>(shape.size()), shape.data());
        ggml_set_name(tensor, name.c_str());
        for (std::int64_t i = 0; i < ggml_nelements(tensor); ++i)
            ggml_get_data_f32(tensor)[i] = mean + normal(random);
        gguf_add_tensor(file.get(), tensor);
    };
    const auto linear = [&](const std::string& name, int in, int out) {
        add(name + ".weight", {out, in});
        add(name + ".bias", {out});
    };
    const auto norm = [&](const std::string& name) {
        add(name + ".weight", {kWidth}, 2);
        add(name + ".bias", {kWidth});
    };
    add("embeddings.word_embeddings.weight", {static_cast<std::int64_t>(tokens.size()), kWidth});
    add("embeddings.position_embeddings.weight", {kPositions, kWidth});
    add("embeddings.token_type_embeddings.weight", {2, kWidth});
    norm("embeddings.LayerNorm");
    for (int i = 0; i < 2; ++i) {
        const std::string layer = std::format("encoder.layer.{}.", i);
        for (const char* part : {"query", "key", "value"})
            linear(layer + "attention.self." + part, kWidth, kWidth);
        linear(layer + "attention.output.dense", kWidth, kWidth);
        norm(layer + "attention.output.LayerNorm");
        linear(layer + "intermediate.dense", kWidth, 48);
        linear(layer + "output.dense", 48, kWidth);
        norm(layer + "output.LayerNorm");
    }
    ASSERT_TRUE(gguf_write_to_file(file.get(), path.c_str(), /*only_meta=*/false));
}

double cosine(const Embedding& a, const Embedding& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

class BertEmbedderTest : public testing::TestWithParam<engine::Device::Arithmetic> {
protected:
    Result<std::unique_ptr<BertEmbedder>> load(
        const std::function<void(gguf_context*)>& change = [](gguf_context*) {},
        const std::string& name = "tiny") {
        const auto file = folder_ / std::format("{}.gguf", ++files_);
        write(file, change);
        return BertEmbedder::load(file, name, {.device = device_});
    }

    static std::vector<Embedding> embed(BertEmbedder& embedder,
                                        const std::vector<std::string>& texts,
                                        TextRole role = TextRole::Passage) {
        auto embeddings = embedder.embed(texts, role, {});
        EXPECT_TRUE(embeddings.has_value()) << embeddings.error().message;
        return embeddings ? *std::move(embeddings) : std::vector<Embedding>(texts.size());
    }

    TemporaryFolder folder_;
    int files_ = 0;
    std::shared_ptr<engine::Device> device_ =
        engine::Device::open({.threads = 2, .arithmetic = GetParam()}).value();
};

TEST_P(BertEmbedderTest, GivesVectorsOfLengthOne) {
    const auto embedder = load();
    ASSERT_TRUE(embedder) << embedder.error().message;
    const auto vectors = embed(**embedder, {"cat sleeps", "dog", ""});
    for (const Embedding& vector : vectors) {
        EXPECT_EQ(vector.size(), static_cast<std::size_t>(kWidth));
        EXPECT_NEAR(cosine(vector, vector), 1, 1e-5);
    }
    EXPECT_LT(cosine(vectors[0], vectors[1]), 0.999);
    EXPECT_EQ((*embedder)->model(), "tiny");
    EXPECT_TRUE(embed(**embedder, {}).empty());
}

TEST_P(BertEmbedderTest, GivesATextTheSameVectorInAnyCompany) {
    const auto embedder = load();
    ASSERT_TRUE(embedder) << embedder.error().message;
    std::vector<std::string> texts;
    for (int i = 0; i < 120; ++i) {  // several batches, of texts of many lengths
        std::string text = i % 2 == 0 ? "cat" : "dog";
        for (int word = 0; word < i * 7 % 47; ++word) text += word % 3 == 0 ? " sleeps" : " cat";
        texts.push_back(text);
    }
    const auto together = embed(**embedder, texts);
    ASSERT_EQ(together.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_NEAR(cosine(together[i], embed(**embedder, {texts[i]})[0]), 1, 1e-5) << texts[i];
    }
    EXPECT_LT(cosine(together[0], together[1]), 0.999);
}

TEST_P(BertEmbedderTest, CutsOffWhatTheModelWasNotMadeFor) {
    const auto embedder = load();
    ASSERT_TRUE(embedder) << embedder.error().message;
    std::string longest;
    for (int i = 0; i < kLongest - 2; ++i) longest += "cat ";
    const auto vectors = embed(
        **embedder, {longest, longest + "dog dog dog", longest + std::string(100'000, 'x'), "cat"});
    EXPECT_EQ((*embedder)->tokens(longest + "dog").size(), static_cast<std::size_t>(kLongest));
    EXPECT_NEAR(cosine(vectors[0], vectors[1]), 1, 1e-5);
    EXPECT_NEAR(cosine(vectors[0], vectors[2]), 1, 1e-5);
    EXPECT_LT(cosine(vectors[0], vectors[3]), 0.9999);
}

TEST_P(BertEmbedderTest, TakesTheFirstTokenWhereTheModelWasTrainedSo) {
    const auto by_mean = load();
    ASSERT_TRUE(by_mean) << by_mean.error().message;
    const auto by_first =
        load([](gguf_context* file) { gguf_set_val_str(file, "bert.pooling", "cls"); });
    ASSERT_TRUE(by_first) << by_first.error().message;
    const std::vector<std::string> texts{"cat sleeps"};
    EXPECT_LT(cosine(embed(**by_mean, texts)[0], embed(**by_first, texts)[0]), 0.9999);

    // The first token's is the first row of the network's output.
    Network::Nodes nodes;
    const Network& network = (*by_first)->network();
    const auto graph = engine::Graph::build(*device_, [&](engine::GraphBuilder& builder) {
        nodes = network.draw(builder, {.texts = 1, .length = 4});
    });
    ASSERT_TRUE(graph);
    const std::vector<std::int32_t> ids = (*by_first)->tokens(texts[0]);
    ASSERT_THAT(ids, testing::ElementsAre(2, 5, 7, 3));
    (*graph)->write(nodes.ids, ids);
    (*graph)->write(nodes.lengths, std::vector<std::int32_t>{4});
    ASSERT_TRUE((*graph)->compute({}));
    Embedding first = (*graph)->read(nodes.out);
    first.resize(kWidth);
    EXPECT_NEAR(cosine(first, embed(**by_first, texts)[0]), std::sqrt(cosine(first, first)), 1e-4);
}

TEST_P(BertEmbedderTest, WritesBeforeAQuestionWhatTheModelWants) {
    const auto plain = load();
    ASSERT_TRUE(plain);
    const auto told = load([](gguf_context* file) {
        gguf_set_val_str(file, "bert.prompt.query", "query: ");
        gguf_set_val_str(file, "bert.prompt.passage", "dog ");
    });
    ASSERT_TRUE(told);
    const auto known = load([](gguf_context*) {}, "e5-small-v2");
    ASSERT_TRUE(known);
    const Embedding asked = embed(**plain, {"query: cat"})[0];
    EXPECT_NEAR(cosine(asked, embed(**told, {"cat"}, TextRole::Query)[0]), 1, 1e-5);
    EXPECT_NEAR(cosine(asked, embed(**known, {"cat"}, TextRole::Query)[0]), 1, 1e-5);
    EXPECT_LT(cosine(asked, embed(**plain, {"cat"}, TextRole::Query)[0]), 0.999);
    EXPECT_NEAR(cosine(embed(**plain, {"dog cat"})[0], embed(**told, {"cat"})[0]), 1, 1e-5);
}

TEST_P(BertEmbedderTest, StopsWhenAsked) {
    const auto embedder = load();
    ASSERT_TRUE(embedder);
    std::stop_source stop;
    stop.request_stop();
    const auto stopped =
        (*embedder)->embed(std::vector<std::string>{"cat"}, TextRole::Query, stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
    EXPECT_EQ(embed(**embedder, {"cat"}).size(), 1U);
}

TEST_P(BertEmbedderTest, RefusesFilesOfOtherKinds) {
    const auto refused = [&](const std::function<void(gguf_context*)>& change) {
        const auto embedder = load(change);
        EXPECT_FALSE(embedder);
        if (embedder) return std::string();
        EXPECT_EQ(embedder.error().kind, ErrorKind::Unsupported);
        return embedder.error().message;
    };
    using testing::HasSubstr;
    EXPECT_THAT(refused([](gguf_context* file) { gguf_remove_key(file, "titans.format"); }),
                HasSubstr("converted"));
    EXPECT_THAT(refused([](gguf_context* file) {
                    gguf_set_val_str(file, "general.architecture", "whisper");
                }),
                HasSubstr("BERT"));
    EXPECT_THAT(refused([](gguf_context* file) { gguf_remove_key(file, "bert.hidden_size"); }),
                HasSubstr("bert.hidden_size"));
    for (const char* key : {"bert.hidden_size", "bert.num_attention_heads",
                            "bert.max_position_embeddings", "bert.vocab_size"}) {
        for (const std::uint32_t value : {0U, 7U, 1U << 31U}) {
            refused([&](gguf_context* file) { gguf_set_val_u32(file, key, value); });
        }
    }
    for (const std::uint32_t value : {0U, 2U, 61U}) {
        EXPECT_THAT(refused([value](gguf_context* file) {
                        gguf_set_val_u32(file, "bert.max_seq_length", value);
                    }),
                    HasSubstr("bert.max_seq_length"));
    }
    EXPECT_THAT(refused([](gguf_context* file) { gguf_set_val_str(file, "bert.pooling", "max"); }),
                HasSubstr("bert.pooling"));
    EXPECT_THAT(refused([](gguf_context* file) {
                    std::vector<const char*> tokens{"[PAD]", "[UNK]", "[CLS]"};
                    gguf_set_arr_str(file, "tokenizer.tokens", tokens.data(), tokens.size());
                }),
                HasSubstr("[SEP]"));
    EXPECT_EQ(BertEmbedder::load(folder_ / "none.gguf", "n", {.device = device_}).error().kind,
              ErrorKind::NotFound);
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, BertEmbedderTest,
                         testing::Values(engine::Device::Arithmetic::Ours,
                                         engine::Device::Arithmetic::Ggml),
                         [](const auto& info) {
                             return info.param == engine::Device::Arithmetic::Ours ? "Ours"
                                                                                   : "Ggml";
                         });

}  // namespace
}  // namespace titans::knowledge::bert
