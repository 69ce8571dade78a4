#include "hearing/families.h"

#include <array>

#include "hearing/hubert/family.h"
#include "hearing/wav2vec2/family.h"
#include "hearing/whisper/family.h"

namespace titans::hearing {

std::span<const RecognizerFamily> families() {
    static constexpr std::array kFamilies{whisper::kFamily, wav2vec2::kFamily,
                                          wav2vec2::kFamilyOfTheHub, hubert::kFamily};
    return kFamilies;
}

const RecognizerFamily* find_family(std::string_view name) {
    const auto found = std::ranges::find(families(), name, &RecognizerFamily::name);
    return found == families().end() ? nullptr : &*found;
}

}  // namespace titans::hearing
