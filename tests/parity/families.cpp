#include "families.h"

#include <array>

namespace titans::parity {

std::span<const Family> families() {
    static constexpr std::array kFamilies{
        Family{.name = "wav2vec2", .conversion = "wav2vec2", .compute = wav2vec2_stages},
        Family{.name = "hubert", .conversion = "hubert", .compute = hubert_stages},
        Family{.name = "whisper", .conversion = "whisper", .compute = whisper_stages},
    };
    return kFamilies;
}

}  // namespace titans::parity
