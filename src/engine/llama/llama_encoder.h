#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/llama/llama_model.h"
#include "foundation/error.h"

struct llama_context;

namespace titans::engine {

/// The computation of a model that makes one vector of a text.
///
/// Not thread-safe.
class LlamaEncoder {
public:
    struct Options {
        int text_length =
            256;  // tokens of the longest text; less if the model was trained for less
        int batch_size =
            512;  // tokens of all texts that are computed at once, at least text_length
        int threads = 1;
    };

    /// Errors: Unsupported if `model` gives no one vector for a text; Internal, with libllama's
    /// words.
    static Result<std::unique_ptr<LlamaEncoder>> open(std::shared_ptr<const LlamaModel> model,
                                                      Options options);

    LlamaEncoder(const LlamaEncoder&) = delete;
    LlamaEncoder& operator=(const LlamaEncoder&) = delete;
    ~LlamaEncoder();

    /// One vector of the model's embedding_size for each text, as the model pools it, not
    /// normalised. Each text has 1 to text_length tokens; all together at most batch_size, and
    /// most_texts() of them. Errors: Cancelled; Internal.
    Result<std::vector<std::vector<float>>> encode(std::span<const std::span<const Token>> texts,
                                                   const std::stop_token& stop);

    const LlamaModel& model() const { return *model_; }
    const Options& options() const { return options_; }  // as granted
    int most_texts() const;

private:
    LlamaEncoder(std::shared_ptr<const LlamaModel> model, Options options)
        : model_(std::move(model)), options_(options) {}

    std::shared_ptr<const LlamaModel> model_;
    Options options_;
    llama_context* context_ = nullptr;
    std::stop_token stop_;  // what the abort callback reads
};

}  // namespace titans::engine
