#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/layers/device.h"
#include "engine/layers/stages.h"
#include "foundation/error.h"

namespace titans::voice::f5tts {

/// What the model file says of the network.
struct Config {
    int dim = 1024;
    int depth = 22;
    int heads = 16;
    int ff_mult = 2;
    int mel_dim = 100;
    int text_dim = 512;
    int conv_layers = 4;
    int text_num_embeds = 2545;     // of the vocabulary; the table has one row more, the filler
    bool text_mask_padding = true;  // fillers stay zero throughout the text encoder
    int pe_attn_head = 0;           // 1: only the first head has rotary positions
};

/// The diffusion transformer of F5-TTS (arXiv:2410.06885; SWivid/F5-TTS,
/// f5_tts/model/backbones/dit.py) with its parameters. Shared by all samplings: immutable, but for
/// what it keeps of the last schedules, behind a mutex.
class Network {
public:
    /// Errors: NotFound, Unsupported naming what is wrong with the file, Internal.
    static Result<std::shared_ptr<const Network>> load(const std::filesystem::path& file,
                                                       const engine::Compute& compute);
    ~Network();

    const Config& config() const { return config_; }
    /// The characters and syllables of the vocabulary, by id.
    const std::vector<std::string>& vocabulary() const { return vocabulary_; }

private:
    friend class Sampling;
    struct Layers;
    Network();

    Config config_;
    std::vector<std::string> vocabulary_;
    std::unique_ptr<const Layers> layers_;
};

}  // namespace titans::voice::f5tts
