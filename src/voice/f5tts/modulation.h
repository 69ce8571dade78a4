#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/device.h"
#include "foundation/error.h"
#include "voice/f5tts/network.h"

namespace titans::voice::f5tts {

/// What the moments of a schedule do to the network: shifts, scales and gates of every block and of
/// the end (the AdaLN layers of f5_tts/model/modules.py). Of each but the last moment.
class Modulation {
public:
    Modulation(std::vector<float> times, std::int64_t width);

    std::span<const float> times() const { return times_; }
    /// Of the moment `step`: of each block the attention's shift, scale and gate, then the
    /// feed-forward layers'; last the end's scale and shift. [width], each dim wide.
    std::span<const float> at(std::size_t step) const;

private:
    friend class ModulationPass;

    std::vector<float> times_;
    std::int64_t width_ = 0;
    std::vector<float> values_;  // [steps, width]
};

/// Numbers of a moment's modulation.
std::int64_t modulation_width(const Config& config);

/// Computes a Modulation layer by layer. Its layers are two fifths of the network's parameters and
/// needed once for a schedule: each is laid out while it is computed, and let go.
class ModulationPass {
public:
    /// Errors: Unsupported, naming the tensor that `file` lacks.
    static Result<void> check(const engine::GgufFile& file, const Config& config);

    /// Of a file that check() found right.
    ModulationPass(std::shared_ptr<const engine::GgufFile> file, const Config& config,
                   std::shared_ptr<engine::Device> device, std::vector<float> times);

    /// Does the next layer; false: it was the last one. Errors: Cancelled; Internal.
    Result<bool> next(const std::stop_token& stop);

    /// [steps, dim]: the embedded moments, after the first next().
    std::span<const float> embedded() const { return embedded_; }
    /// Once it is done.
    std::shared_ptr<const Modulation> result() const { return result_; }

private:
    Result<void> embed(const std::stop_token& stop);

    std::shared_ptr<const engine::GgufFile> file_;
    Config config_;
    std::shared_ptr<engine::Device> device_;
    std::shared_ptr<Modulation> result_;
    std::vector<float> embedded_;
    std::vector<float> activated_;  // what the layers read
    int layer_ = -1;                // the next one; -1: the embedding
};

}  // namespace titans::voice::f5tts
