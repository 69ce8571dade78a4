#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace titans::voice::f5tts {

/// The moments between which the sampler steps, from 0 to 1, steps + 1 of them: the reference's
/// pruned ones for 5, 6, 7, 10, 12 and 16 steps (arXiv:2505.19931; f5_tts/model/utils.py,
/// get_epss_timesteps()), else even ones; then swayed, t + sway (cos(pi t / 2) - 1 + t).
std::vector<float> sampling_times(int steps, float sway);

/// `count` normally distributed numbers, those of torch.randn() on a processor after
/// torch.manual_seed(seed).
class Noise {
public:
    explicit Noise(std::uint64_t seed);
    ~Noise();
    /// The next ones, as one call of torch.randn() draws them.
    std::vector<float> draw(std::size_t count);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace titans::voice::f5tts
