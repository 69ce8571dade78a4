#include "hearing/families.h"

#include <array>

#include "hearing/whisper/family.h"

namespace titans::hearing {
namespace {

Result<std::unique_ptr<SpeechRecognizer>> refuse(const std::filesystem::path& /*model*/,
                                                 const engine::Compute& /*compute*/) {
    return fail(ErrorKind::Unsupported,
                "stt_settings.model: this build of Titans cannot run it yet; use whisper");
}

}  // namespace

std::span<const RecognizerFamily> families() {
    static constexpr std::array kFamilies{
        whisper::kFamily,
        RecognizerFamily{
            .name = "wav2vec", .missing = "Wav2Vec2's network is not built yet", .load = refuse},
        RecognizerFamily{
            .name = "hubert", .missing = "HuBERT's network is not built yet", .load = refuse}};
    return kFamilies;
}

const RecognizerFamily* find_family(std::string_view name) {
    const auto found = std::ranges::find(families(), name, &RecognizerFamily::name);
    return found == families().end() ? nullptr : &*found;
}

}  // namespace titans::hearing
