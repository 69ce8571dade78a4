#include "character/loaded_models.h"

#include <algorithm>
#include <format>

#include "foundation/log.h"

namespace titans::character {
namespace {

struct IsIdle {
    bool operator()(const std::shared_ptr<mind::SteppedModel>& mind) const {
        return mind->is_idle();
    }
    bool operator()(const auto& model) const { return model.use_count() == 1; }
};

}  // namespace

void LoadedModels::add(LoadedModel what, std::string key, Model model, const engine::Device* gpu) {
    const std::lock_guard lock(mutex_);
    entries_.push_front({std::move(what), std::move(key), std::move(model), gpu});
}

bool LoadedModels::make_room(std::uint64_t bytes, const engine::Device* gpu) {
    const auto is_short = [&] {
        const std::uint64_t free = free_memory_(gpu);
        return free != 0 && free < bytes;
    };
    while (is_short())
        if (!give_up([gpu](const Entry& entry) { return entry.gpu == gpu; })) return false;
    return true;
}

bool LoadedModels::give_up(const std::function<bool(const Entry&)>& may_go) {
    std::list<Entry> gone;  // takes its time, without the lock
    {
        const std::lock_guard lock(mutex_);
        const auto found = std::find_if(
            entries_.rbegin(), entries_.rend(),
            [&](const Entry& entry) { return may_go(entry) && std::visit(IsIdle(), entry.model); });
        if (found == entries_.rend()) return false;
        gone.splice(gone.begin(), entries_, std::prev(found.base()));
    }
    const LoadedModel& what = gone.front().what;
    log::info(std::format("{}.unloaded", what.task), "model={}", what.name);
    return true;
}

std::vector<LoadedModel> LoadedModels::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<LoadedModel> list;
    for (const Entry& entry : entries_) list.push_back(entry.what);
    return list;
}

}  // namespace titans::character
