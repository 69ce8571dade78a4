#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <span>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/device.h"
#include "voice/f5tts/modulation.h"
#include "voice/f5tts/network.h"
#include "voice/f5tts/transformer.h"

namespace titans::voice::f5tts {

/// What a Network consists of.
struct Network::Layers {
    std::shared_ptr<const engine::GgufFile> file;
    std::shared_ptr<engine::Device> device;
    std::unique_ptr<const Transformer> transformer;

    /// Of a schedule that was sampled by lately, else null.
    std::shared_ptr<const Modulation> find_modulation(std::span<const float> times) const;
    void remember(std::shared_ptr<const Modulation> modulation) const;

private:
    mutable std::mutex mutex_;  // of the cache
    mutable std::deque<std::shared_ptr<const Modulation>> modulations_;
};

}  // namespace titans::voice::f5tts
