#include "families.h"

#include <array>

namespace titans::parity {

std::span<const Family> families() {
    // What is made with the vocoder; of a padding that no known model of F5-TTS has.
    static constexpr std::array<std::string_view, 1> kBeyondF5tts{"waveform"};
    static constexpr std::array<std::string_view, 1> kBeyondVocos{"waveform.same"};
    static constexpr std::array kFamilies{
        Family{.name = "wav2vec2", .conversion = "wav2vec2", .compute = wav2vec2_stages},
        Family{.name = "hubert", .conversion = "hubert", .compute = hubert_stages},
        Family{.name = "whisper", .conversion = "whisper", .compute = whisper_stages},
        Family{.name = "f5tts",
               .conversion = "f5tts",
               .compute = f5tts_stages,
               .beyond = kBeyondF5tts},
        Family{.name = "f5tts-base",
               .conversion = "f5tts-base",
               .compute = f5tts_stages,
               .beyond = kBeyondF5tts},
        Family{.name = "vocos",
               .conversion = "vocos",
               .compute = vocos_stages,
               .beyond = kBeyondVocos},
    };
    return kFamilies;
}

}  // namespace titans::parity
