#pragma once

#include "character/engines.h"
#include "knowledge/embedder.h"

namespace titans::character {

/// The default embedder, loaded when it is first used. Used on the compute executor, as Engines
/// are.
class LazyEmbedder : public knowledge::Embedder {
public:
    explicit LazyEmbedder(Engines& engines) : engines_(engines) {}

    const std::string& model() const override { return engines_.embedder_name(); }

    Result<std::vector<knowledge::Embedding>> embed(std::span<const std::string> texts,
                                                    std::stop_token stop) override {
        TITANS_TRY(knowledge::Embedder* const embedder, engines_.embedder());
        return embedder->embed(texts, std::move(stop));
    }

private:
    Engines& engines_;
};

}  // namespace titans::character
