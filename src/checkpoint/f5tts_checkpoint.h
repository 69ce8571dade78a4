#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "checkpoint/tensor_picker.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The two published networks, which have the same tensors and differ in what no tensor says.
enum class F5ttsVariant : std::uint8_t {
    V1Base,  // F5TTS_v1_Base: the text's padding is masked, positions turn all heads
    Base,    // F5TTS_Base: neither; positions turn the first head alone
};

/// What the shapes of an F5-TTS network (arXiv:2410.06885) say of it.
struct F5ttsSizes {
    int dim = 0;
    int depth = 0;  // blocks of the transformer
    int ff_mult = 0;
    int text_dim = 0;
    int conv_layers = 0;      // blocks of the text encoder
    int mel_dim = 0;          // bands
    int text_num_embeds = 0;  // tokens; the table has a row more, the filler's
};

/// The tensors of the network as the ModelFile has them.
std::vector<NeededTensor> f5tts_tensors(const F5ttsSizes& sizes);

/// A folder with vocab.txt and a checkpoint of F5-TTS, to GGUF: the only safetensors file, or the
/// only one that is called model_*, or else a .pt in the same way. Of what a training has saved,
/// the averaged weights are taken. Errors: NotFound, InvalidInput or Unsupported, naming the file
/// or tensor; Internal.
Result<void> convert_f5tts(F5ttsVariant variant, const std::filesystem::path& folder,
                           const std::filesystem::path& output);

}  // namespace titans::checkpoint
