#include "hearing/whisper/context.h"

#include <algorithm>

namespace titans::hearing::whisper {
namespace {

constexpr double kSureTemperature = 0.5;

void keep_end(std::vector<int>& tokens, std::size_t most) {
    if (tokens.size() > most)
        tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(most));
}

}  // namespace

Context::Context(std::vector<int> expected, int room)
    : expected_(std::move(expected)), room_(static_cast<std::size_t>(room) - 1) {
    keep_end(expected_, room_);
}

void Context::add(std::span<const int> written, double temperature) {
    if (temperature > kSureTemperature) {
        written_.clear();
        return;
    }
    written_.append_range(written);
    keep_end(written_, room_ - expected_.size());
}

std::vector<int> Context::tokens(int start_of_previous) const {
    if (expected_.empty() && written_.empty()) return {};
    std::vector<int> tokens{start_of_previous};
    tokens.append_range(expected_);
    tokens.append_range(written_);
    return tokens;
}

}  // namespace titans::hearing::whisper
