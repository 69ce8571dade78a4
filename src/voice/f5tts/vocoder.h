#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/layers/device.h"
#include "engine/layers/stages.h"
#include "foundation/error.h"

namespace titans::voice::f5tts {

/// Vocos: from a log mel spectrogram to sound, by one inverse Fourier transform a frame
/// (arXiv:2306.00814; gemelo-ai/vocos). Immutable.
class Vocoder {
public:
    /// Errors: NotFound, Unsupported naming what is wrong with the file, Internal.
    static Result<std::shared_ptr<const Vocoder>> load(const std::filesystem::path& file,
                                                       const engine::Compute& compute);
    ~Vocoder();

    /// mel: [frames, 100], natural logarithms. Returns (frames - 1) x 256 samples at 24 kHz.
    /// Errors: Cancelled; Internal.
    Result<std::vector<float>> decode(std::span<const float> mel,
                                      const std::stop_token& stop) const;

    /// The network in it: mel, [frames, 100], to logarithms of magnitudes and phases side by side,
    /// [frames, 2 x 513]. Stages: embed, norm, block.N (from 1), final_norm.
    engine::Node draw(engine::GraphBuilder& graph, engine::Node mel,
                      const engine::StageSink& stage = {}) const;
    /// And what follows: overlapping frames, [frames, 2 x 513], to (frames - 1) x 256 samples.
    /// Errors: Internal.
    Result<std::vector<float>> sound(std::span<const float> spectrum) const;

private:
    struct Layers;
    Vocoder();
    std::unique_ptr<const Layers> layers_;
};

}  // namespace titans::voice::f5tts
