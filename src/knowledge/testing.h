#pragma once

// For tests of what uses a store and an embedder.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "execution/executor.h"
#include "execution/on_loop.h"
#include "foundation/temporary_folder_for_test.h"
#include "knowledge/embedder.h"
#include "knowledge/terms.h"
#include "store/sqlite/sqlite_character_store.h"
#include "text/words.h"

namespace titans::knowledge {

/// A store in a folder that goes with it.
class TestStore {
public:
    store::CharacterStore& operator*() { return *store_; }
    store::CharacterStore* operator->() { return store_.get(); }

    /// A character with one passage for each of `texts`.
    CharacterId create(const std::vector<std::string>& texts) {
        text::WordCutter cutter;
        store::NewCharacter character{.name = "n"};
        for (const std::string& text : texts)
            character.passages.push_back({text, search_terms(cutter, text)});
        return on_loop<Result<CharacterId>>([&] { return store_->create(character); }).value();
    }
    std::size_t without_vector(CharacterId id, const std::string& model) {
        return on_loop<Result<std::vector<store::Passage>>>(
                   [&] { return store_->without_vector(id, model, 100000); })
            ->size();
    }

private:
    TemporaryFolder folder_;
    Executor executor_{{.name = "store", .threads = 2}};
    std::unique_ptr<store::SqliteCharacterStore> store_ =
        store::SqliteCharacterStore::open(folder_ / "titans.db", folder_ / "vectors.db", executor_)
            .value();
};

/// Maps a text to a direction by the topics it names ("sea" and "ocean" are one), so that a test
/// knows what is near.
class TopicEmbedder final : public Embedder {
public:
    const std::string& model() const override { return model_; }

    Result<std::vector<Embedding>> embed(std::span<const std::string> texts, TextRole role,
                                         std::stop_token stop) override {
        ++calls;
        last_role = role;
        largest_call = std::max(largest_call, texts.size());
        if (on_call) on_call();
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
        if (fails) return fail(ErrorKind::Internal, "the model is broken");
        std::vector<Embedding> embeddings;
        for (const std::string& text : texts) embeddings.push_back(embed_one(text));
        return embeddings;
    }

    std::atomic<int> calls = 0;
    std::size_t largest_call = 0;
    std::optional<TextRole> last_role;
    bool fails = false;
    std::function<void()> on_call;

private:
    static Embedding embed_one(const std::string& text) {
        Embedding vector(4, 0.0F);
        vector[3] = 0.01F;
        for (const std::string& word : text::WordCutter().cut(text)) {
            if (word == "sea" || word == "ocean" || word == "waves") vector[0] += 1;
            if (word == "mountain" || word == "peak") vector[1] += 1;
            if (word == "bread" || word == "loaf") vector[2] += 1;
        }
        float length = 0;
        for (const float x : vector) length += x * x;
        for (float& x : vector) x /= std::sqrt(length);
        return vector;
    }

    const std::string model_ = "topics";
};

}  // namespace titans::knowledge
