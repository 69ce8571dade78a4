#pragma once

#include "character/engines.h"
#include "knowledge/embedder.h"

namespace titans::character {

/// The default embedder, loaded when it is first used. Used on the compute executor, as Engines
/// are.
class LazyEmbedder : public knowledge::Embedder {
public:
    LazyEmbedder(Engines& engines, std::string model)
        : engines_(engines), model_(std::move(model)) {}

    const std::string& model() const override { return model_; }

    Result<std::vector<knowledge::Embedding>> embed(std::span<const std::string> texts,
                                                    knowledge::TextRole role,
                                                    std::stop_token stop) override {
        TITANS_TRY(const auto embedder, engines_.embedder());
        return embedder->embed(texts, role, std::move(stop));
    }

private:
    Engines& engines_;
    const std::string model_;
};

}  // namespace titans::character
