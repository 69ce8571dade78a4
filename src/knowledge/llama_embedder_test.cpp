#include "knowledge/llama_embedder.h"

#include <ggml.h>
#include <gguf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <format>
#include <numeric>
#include <random>

namespace titans::knowledge {
namespace {

constexpr int kWidth = 32;
constexpr int kPositions = 64;

/// A BERT of one layer with random weights (arXiv:1810.04805), which knows a few words and, as its
/// tokenizer has it, counts what it does not know as [UNK].
class TinyEncoder {
public:
    explicit TinyEncoder(const std::filesystem::path& path)
        : tensors_(ggml_init({.mem_size = 4U << 20U, .mem_buffer = nullptr, .no_alloc = false})),
          file_(gguf_init_empty()) {
        const std::vector<const char*> pieces{"[PAD]",  "[UNK]",     "[CLS]",     "[SEP]",
                                              "[MASK]", "\u2581cat", "\u2581dog", "\u2581sleeps"};
        const std::vector<float> scores(pieces.size(), 0);
        const std::vector<std::int32_t> types{3, 2, 3, 3, 3, 1, 1, 1};
        const auto number = [this](const char* key, std::uint32_t value) {
            gguf_set_val_u32(file_, key, value);
        };
        gguf_set_val_str(file_, "general.architecture", "bert");
        number("bert.context_length", kPositions);
        number("bert.embedding_length", kWidth);
        number("bert.block_count", 1);
        number("bert.feed_forward_length", kWidth);
        number("bert.attention.head_count", 2);
        gguf_set_val_f32(file_, "bert.attention.layer_norm_epsilon", 1e-12F);
        gguf_set_val_bool(file_, "bert.attention.causal", false);
        number("bert.pooling_type", 1);
        gguf_set_val_str(file_, "tokenizer.ggml.model", "bert");
        number("tokenizer.ggml.token_type_count", 2);
        gguf_set_arr_str(file_, "tokenizer.ggml.tokens", const_cast<const char**>(pieces.data()),
                         pieces.size());
        gguf_set_arr_data(file_, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(),
                          scores.size());
        gguf_set_arr_data(file_, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(),
                          types.size());
        number("tokenizer.ggml.unknown_token_id", 1);
        number("tokenizer.ggml.cls_token_id", 2);
        number("tokenizer.ggml.bos_token_id", 2);
        number("tokenizer.ggml.seperator_token_id", 3);  // as the format spells it
        number("tokenizer.ggml.padding_token_id", 0);
        number("tokenizer.ggml.mask_token_id", 4);

        add("token_embd.weight", static_cast<int>(pieces.size()), kWidth);
        add("token_types.weight", 2, kWidth);
        add("position_embd.weight", kPositions, kWidth);
        for (const char* norm :
             {"token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"}) {
            add(std::format("{}.weight", norm), 0, kWidth);
            add(std::format("{}.bias", norm), 0, kWidth);
        }
        for (const char* linear :
             {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"}) {
            add(std::format("blk.0.{}.weight", linear), kWidth, kWidth);
            add(std::format("blk.0.{}.bias", linear), 0, kWidth);
        }
        EXPECT_TRUE(gguf_write_to_file(file_, path.c_str(), false));
    }
    TinyEncoder(const TinyEncoder&) = delete;
    TinyEncoder& operator=(const TinyEncoder&) = delete;
    ~TinyEncoder() {
        gguf_free(file_);
        ggml_free(tensors_);
    }

private:
    /// Shape: [rows, columns]; [columns] if rows is 0.
    void add(const std::string& name, int rows, int columns) {
        ggml_tensor* tensor = rows == 0
                                  ? ggml_new_tensor_1d(tensors_, GGML_TYPE_F32, columns)
                                  : ggml_new_tensor_2d(tensors_, GGML_TYPE_F32, columns, rows);
        ggml_set_name(tensor, name.c_str());
        for (std::int64_t i = 0; i < ggml_nelements(tensor); ++i)
            ggml_get_data_f32(tensor)[i] = normal_(random_);
        gguf_add_tensor(file_, tensor);
    }

    std::mt19937 random_{5};
    std::normal_distribution<float> normal_{0, 0.5F};
    ggml_context* tensors_;
    gguf_context* file_;
};

class LlamaEmbedderTest : public testing::Test {
protected:
    LlamaEmbedderTest()
        : file_(std::filesystem::temp_directory_path() /
                std::format("titans-embedder-{}.gguf", getpid())) {
        const TinyEncoder written(file_);
        auto loaded = LlamaEmbedder::load(file_, "tiny", 1);
        EXPECT_TRUE(loaded.has_value()) << loaded.error().message << ": " << loaded.error().detail;
        if (loaded) embedder_ = *std::move(loaded);
    }
    ~LlamaEmbedderTest() override { std::filesystem::remove(file_); }

    std::vector<Embedding> embed(const std::vector<std::string>& texts) {
        auto embeddings = embedder_->embed(texts, TextRole::Passage, {});
        EXPECT_TRUE(embeddings.has_value()) << embeddings.error().message;
        return embeddings ? *std::move(embeddings) : std::vector<Embedding>(texts.size());
    }

    std::filesystem::path file_;
    std::unique_ptr<LlamaEmbedder> embedder_;
};

double cosine(const Embedding& a, const Embedding& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST_F(LlamaEmbedderTest, GivesVectorsOfLengthOne) {
    const auto vectors = embed({"cat sleeps", "dog", ""});
    for (const Embedding& vector : vectors) {
        EXPECT_EQ(vector.size(), static_cast<std::size_t>(kWidth));
        EXPECT_NEAR(cosine(vector, vector), 1, 1e-5);
    }
    EXPECT_LT(cosine(vectors[0], vectors[1]), 0.999);
    EXPECT_EQ(embedder_->model(), "tiny");
}

TEST_F(LlamaEmbedderTest, GivesATextTheSameVectorInAnyCompany) {
    std::vector<std::string> texts;
    for (int i = 0; i < 200; ++i) {  // several batches, of texts of many lengths
        std::string text = i % 2 == 0 ? "cat" : "dog";
        for (int word = 0; word < i % 31; ++word) text += word % 3 == 0 ? " sleeps" : " cat";
        texts.push_back(text);
    }
    const auto together = embed(texts);
    ASSERT_EQ(together.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_NEAR(cosine(together[i], embed({texts[i]})[0]), 1, 1e-4) << texts[i];
    }
}

TEST_F(LlamaEmbedderTest, CutsOffWhatTheModelCannotRead) {
    std::string longest;
    for (int i = 0; i < kPositions - 2; ++i) longest += "cat ";
    const auto vectors =
        embed({longest, longest + "dog dog dog", longest + std::string(100'000, 'x')});
    EXPECT_NEAR(cosine(vectors[0], vectors[1]), 1, 1e-5);
    EXPECT_NEAR(cosine(vectors[0], vectors[2]), 1, 1e-5);
}

TEST_F(LlamaEmbedderTest, StopsWhenAsked) {
    std::stop_source stop;
    stop.request_stop();
    const auto stopped =
        embedder_->embed(std::vector<std::string>{"cat"}, TextRole::Query, stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
    EXPECT_EQ(embed({"cat"}).size(), 1U);
}

TEST_F(LlamaEmbedderTest, RefusesAFileThatIsNoModel) {
    const auto refused = LlamaEmbedder::load(file_.string() + ".not", "none", 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::InvalidInput);
    EXPECT_FALSE(refused.error().message.contains(file_.string()));
}

}  // namespace
}  // namespace titans::knowledge
