#include "checkpoint/bert_gguf_writer.h"

#include <ggml-cpp.h>
#include <gguf.h>
#include <gmock/gmock.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;

class BertGgufWriter : public testing::Test {
protected:
    Result<void> write() {
        Tensors tensors;
        for (const test::Array& array : arrays_) EXPECT_TRUE(tensors.add(array.view()));
        std::FILE* const out = std::fopen((folder_ / "out").c_str(), "wb");
        auto result = write_bert_gguf(tensors, config_, pieces_, out);
        (void)std::fclose(out);
        return result;
    }

    std::vector<float> values(std::string_view name) {
        return *to_f32(std::ranges::find(arrays_, name, &test::Array::name)->view());
    }

    test::Folder folder_;
    std::vector<test::Array> arrays_ = test::tiny_bert();
    std::vector<std::string> pieces_ = test::kTinyBertPieces;
    BertConfig config_{.vocabulary = 7,
                       .width = 8,
                       .layers = 1,
                       .heads = 2,
                       .feed_forward = 16,
                       .positions = 6,
                       .token_types = 2,
                       .layer_norm_epsilon = 1e-12F,
                       .pooling = Pooling::Mean,
                       .context = 4};
};

/// A GGUF file read back by ggml.
class Gguf {
public:
    explicit Gguf(const std::filesystem::path& path) {
        ggml_context* context = nullptr;
        file_.reset(gguf_init_from_file(path.c_str(), {.no_alloc = false, .ctx = &context}));
        context_.reset(context);
    }
    const gguf_context* file() const { return file_.get(); }
    std::uint32_t number(const char* key) const {
        return gguf_get_val_u32(file(), gguf_find_key(file(), key));
    }
    ggml_tensor* tensor(const char* name) const { return ggml_get_tensor(context_.get(), name); }
    std::vector<float> values(const char* name) const {
        const auto* const data = static_cast<const float*>(tensor(name)->data);
        return {data, data + ggml_nelements(tensor(name))};
    }

private:
    gguf_context_ptr file_;
    ggml_context_ptr context_;
};

TEST_F(BertGgufWriter, WritesTensorsThatReadBackEqual) {
    ASSERT_TRUE(write());
    const Gguf gguf(folder_ / "out");
    ASSERT_NE(gguf.file(), nullptr);
    EXPECT_EQ(gguf_get_n_tensors(gguf.file()), 5 + 16);
    EXPECT_EQ(gguf.values("token_embd.weight"), values("embeddings.word_embeddings.weight"));
    EXPECT_EQ(gguf.values("blk.0.attn_v.bias"),
              values("encoder.layer.0.attention.self.value.bias"));
    EXPECT_EQ(gguf.values("blk.0.ffn_down.weight"), values("encoder.layer.0.output.dense.weight"));
    EXPECT_EQ(gguf.values("blk.0.layer_output_norm.weight"),
              values("encoder.layer.0.output.LayerNorm.weight"));
    EXPECT_EQ(gguf.tensor("blk.0.ffn_down.weight")->ne[0], 16);
    EXPECT_EQ(gguf.tensor("blk.0.ffn_down.weight")->ne[1], 8);
}

TEST_F(BertGgufWriter, KeepsAsManyPositionsAsTheEncoderReads) {
    ASSERT_TRUE(write());
    const Gguf gguf(folder_ / "out");
    EXPECT_EQ(gguf.number("bert.context_length"), 4);
    std::vector<float> kept = values("embeddings.position_embeddings.weight");
    kept.resize(4 * 8);
    EXPECT_EQ(gguf.values("position_embd.weight"), kept);
}

TEST_F(BertGgufWriter, WritesTheVocabularyAsLibllamaMarksIt) {
    ASSERT_TRUE(write());
    const Gguf gguf(folder_ / "out");
    const std::int64_t key = gguf_find_key(gguf.file(), "tokenizer.ggml.tokens");
    ASSERT_EQ(gguf_get_arr_n(gguf.file(), key), 7);
    EXPECT_STREQ(gguf_get_arr_str(gguf.file(), key, 2), "[CLS]");
    EXPECT_STREQ(gguf_get_arr_str(gguf.file(), key, 5), "\u2581cat");
    EXPECT_STREQ(gguf_get_arr_str(gguf.file(), key, 6), "s");
    EXPECT_EQ(gguf.number("tokenizer.ggml.unknown_token_id"), 1);
    EXPECT_EQ(gguf.number("tokenizer.ggml.cls_token_id"), 2);
    EXPECT_EQ(gguf.number("tokenizer.ggml.seperator_token_id"), 3);
    EXPECT_EQ(gguf.number("bert.pooling_type"), 1);
}

TEST_F(BertGgufWriter, RefusesTensorsOfAnotherShape) {
    config_.feed_forward = 8;
    EXPECT_EQ(write().error().message,
              "tensor encoder.layer.0.intermediate.dense.weight: its shape is [16, 8], not [8, 8]");
}

TEST_F(BertGgufWriter, RefusesAVocabularyThatIsNotTheModels) {
    pieces_.push_back("dog");
    EXPECT_EQ(write().error().message, "vocab.txt: has another number of tokens than the model");
    pieces_ = test::kTinyBertPieces;
    pieces_[6] = "cat";
    EXPECT_EQ(write().error().message, "vocab.txt: has a token twice");
    pieces_ = test::kTinyBertPieces;
    pieces_[3] = "dog";
    EXPECT_EQ(write().error().message, "vocab.txt: has no [SEP]");
}

}  // namespace
}  // namespace titans::checkpoint
