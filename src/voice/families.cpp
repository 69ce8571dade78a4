#include "voice/families.h"

#include <array>

#include "voice/espeak/family.h"
#include "voice/f5tts/family.h"

namespace titans::voice {
namespace {

// The families that Titans is to have and cannot run yet.

std::string not_built(const VoiceResources& /*resources*/) {
    return "this build of Titans cannot run its network yet; espeak-ng speaks instead";
}

Result<std::shared_ptr<SpeechSynthesizer>> refuse(std::span<const std::filesystem::path>,
                                                  const VoiceResources& resources) {
    return fail(ErrorKind::Unsupported, "voice_cloning_settings.model: " + not_built(resources));
}

constexpr std::array<std::string_view, 1> kXttsNeeds{"XTTS-v2 weights"};
constexpr std::array<std::string_view, 3> kZonosNeeds{"Zonos v0.1 transformer weights",
                                                      "DAC 44.1 kHz weights", "espeak-ng"};

}  // namespace

std::span<const VoiceFamily> families() {
    static constexpr std::array kFamilies{f5tts::kFamily,
                                          VoiceFamily{.name = "xtts",
                                                      .dependencies = kXttsNeeds,
                                                      .models = {},
                                                      .languages = {},
                                                      .clones = true,
                                                      .missing = not_built,
                                                      .load = refuse},
                                          VoiceFamily{.name = "zonos",
                                                      .dependencies = kZonosNeeds,
                                                      .models = {},
                                                      .languages = {},
                                                      .clones = true,
                                                      .missing = not_built,
                                                      .load = refuse},
                                          espeak::kFamily};
    return kFamilies;
}

bool speaks(const VoiceResources& resources, std::string_view language) {
    return resources.espeak != nullptr && resources.espeak->knows(language);
}

const VoiceFamily* find_family(std::string_view name) {
    const auto found = std::ranges::find(families(), name, &VoiceFamily::name);
    return found == families().end() ? nullptr : &*found;
}

}  // namespace titans::voice
