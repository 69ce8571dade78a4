#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hearing/speech_recognizer.h"
#include "hearing/vad/silero_detector.h"
#include "knowledge/embedder.h"
#include "mind/language_model.h"
#include "voice/speech_synthesizer.h"

namespace titans::engine {
class Device;
}

namespace titans::character {

/// A model in memory.
struct LoadedModel {
    std::string_view task;  // "mind", "ears", "voice", "detector", "embedder"
    std::string name;
};

/// The models in memory, of all kinds, and the rule by which they go: before another one is loaded,
/// those there that nobody uses do, the least recently used first, until there is room for it.
/// "There" is this machine's memory, or that of a GPU.
///
/// Nobody uses a mind that is idle, and another model that nobody else holds. One thread uses it
/// all, but for list(), which any may call.
class LoadedModels {
public:
    using Model = std::variant<
        std::shared_ptr<mind::SteppedModel>, std::shared_ptr<hearing::SpeechRecognizer>,
        std::shared_ptr<voice::SpeechSynthesizer>,
        std::shared_ptr<const hearing::vad::SileroWeights>, std::shared_ptr<knowledge::Embedder>>;

    /// Bytes that a model could take now, of `gpu`, or of this machine if that is null; 0 if nobody
    /// knows.
    using FreeMemory = std::function<std::uint64_t(const engine::Device* gpu)>;

    explicit LoadedModels(FreeMemory free_memory) : free_memory_(std::move(free_memory)) {}

    /// The one of that kind and key there, which is used now; null if there is none.
    template <typename Kind>
    std::shared_ptr<Kind> find(std::string_view key, const engine::Device* gpu = nullptr) {
        const std::lock_guard lock(mutex_);
        for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
            if (entry->key != key || entry->gpu != gpu || !is_kind<Kind>(*entry)) continue;
            entries_.splice(entries_.begin(), entries_, entry);
            return std::get<std::shared_ptr<Kind>>(entry->model);
        }
        return nullptr;
    }

    /// How many there are of a kind.
    template <typename Kind>
    std::size_t count() const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::ranges::count_if(entries_, is_kind<Kind>));
    }

    /// What was loaded there and is used now.
    void add(LoadedModel what, std::string key, Model model, const engine::Device* gpu = nullptr);

    /// Gives up models there that nobody uses until `bytes` are free, or none is left. Whether they
    /// are, as far as anybody knows.
    bool make_room(std::uint64_t bytes, const engine::Device* gpu = nullptr);
    /// Gives up the one of that kind that nobody has used for longest. False if all are in use.
    template <typename Kind>
    bool give_up_one() {
        return give_up(is_kind<Kind>);
    }

    /// The most recently used first. Thread-safe.
    std::vector<LoadedModel> list() const;

private:
    struct Entry {
        LoadedModel what;
        std::string key;
        Model model;
        const engine::Device* gpu;
    };

    template <typename Kind>
    static bool is_kind(const Entry& entry) {
        return std::holds_alternative<std::shared_ptr<Kind>>(entry.model);
    }
    bool give_up(const std::function<bool(const Entry&)>& may_go);

    const FreeMemory free_memory_;
    mutable std::mutex mutex_;  // guards the rest
    std::list<Entry> entries_;  // the most recently used first
};

}  // namespace titans::character
