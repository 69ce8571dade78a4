#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensors.h"
#include "engine/layers/device.h"
#include "foundation/error.h"

namespace titans::parity {

/// What a network made on its way, under the name that the reference gives it.
struct Stage {
    std::string name;
    std::vector<float> values;  // row-major
};

/// What is compared. Paths of GGUF files.
struct Subject {
    std::filesystem::path model;
    std::filesystem::path vocoder;  // that the family speaks with; may be empty
    const checkpoint::Tensors& reference;
    engine::Compute compute;
};

/// A network and how it is compared with its reference.
struct Family {
    std::string_view name;
    std::string_view conversion;  // the word of checkpoint::find_conversion()
    /// Gives the network what the reference was given, which is among its stages, too.
    Result<std::vector<Stage>> (*compute)(const Subject& subject);
    /// Stages of the reference that are of more than this network.
    std::span<const std::string_view> beyond = {};
};

/// Every family there is. A new one adds its file and its line.
std::span<const Family> families();

/// ctc_stages.cpp
Result<std::vector<Stage>> wav2vec2_stages(const Subject& subject);
Result<std::vector<Stage>> hubert_stages(const Subject& subject);
/// whisper_stages.cpp
Result<std::vector<Stage>> whisper_stages(const Subject& subject);
/// f5tts_stages.cpp: from a recording and two texts, with the vocoder to the waveform; also of the
/// other architecture (base.*), with the same weights.
Result<std::vector<Stage>> f5tts_stages(const Subject& subject);
/// vocos_stages.cpp
Result<std::vector<Stage>> vocos_stages(const Subject& subject);

}  // namespace titans::parity
