#include "engine/whisper/whisper_model.h"

#include <array>
#include <cstdint>
#include <fstream>

#include "engine/ggml/backends.h"

namespace titans::engine {
namespace {

/// libwhisper believes the sizes in a file's header, and takes a file that ends behind it for a
/// model without weights: only what can be one of the published models goes on.
bool is_plausible(std::istream& file) {
    // Magic; then n_vocab, and n_audio_ctx, state, head, layer, n_text_ctx, state, head, layer,
    // n_mels, ftype.
    std::array<std::int32_t, 12> header{};
    file.read(reinterpret_cast<char*>(header.data()), sizeof(header));
    const auto within = [](std::int32_t value, std::int32_t least, std::int32_t most) {
        return value >= least && value <= most;
    };
    const bool known = file.good() && header[0] == 0x67676D6C &&
                       within(header[1], 50'000, 60'000) && header[2] == 1500 &&
                       within(header[3], 128, 4096) && within(header[4], 1, 64) &&
                       within(header[5], 1, 64) && header[6] == 448 &&
                       within(header[7], 128, 4096) && within(header[8], 1, 64) &&
                       within(header[9], 1, 64) && (header[10] == 80 || header[10] == 128);
    if (!known) return false;
    // The token embeddings alone, at four bits.
    const std::int64_t least = std::int64_t{header[1]} * header[7] / 2;
    file.seekg(0, std::ios::end);
    return file.tellg() >= least;
}

}  // namespace

Result<WhisperModel> WhisperModel::load(const std::filesystem::path& path) {
    load_backends();
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(ErrorKind::NotFound, "whisper: the model's file is missing", path.string());
    if (!is_plausible(file)) {
        return fail(ErrorKind::Unsupported, "whisper: the file is not a Whisper model",
                    path.string());
    }
    file.close();

    const LibraryWords words;
    whisper_context_params params = whisper_context_default_params();
    params.use_gpu = false;
    WhisperModel model;
    try {
        model.context_.reset(whisper_init_from_file_with_params_no_state(path.c_str(), params));
        if (model.context_) model.state_.reset(whisper_init_state(model.context_.get()));
    } catch (const std::exception& exception) {
        return fail(ErrorKind::Internal, "whisper: the model could not be loaded",
                    exception.what());
    }
    if (!model.state_) {
        return fail(ErrorKind::Internal, "whisper: the model could not be loaded", words.text());
    }
    return model;
}

}  // namespace titans::engine
