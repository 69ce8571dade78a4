#include "engine/espeak/espeak_library.h"

#include <espeak-ng/speak_lib.h>

#include <array>
#include <atomic>
#include <cstring>
#include <utility>

namespace titans::engine {
namespace {

constexpr std::size_t kMaxTextBytes = 8192;
constexpr std::size_t kMaxSeconds = 300;

/// What one call collects; espeak-ng hands its address back with every event.
struct Utterance {
    std::stop_token stop;
    std::size_t most_samples;
    std::vector<std::int16_t> samples;
    bool too_long = false;
    bool out_of_memory = false;
};

constexpr int kContinue = 0;
constexpr int kAbort = 1;

int collect(short* samples, int count, espeak_EVENT* events) noexcept {
    auto& utterance = *static_cast<Utterance*>(events->user_data);
    if (utterance.stop.stop_requested()) return kAbort;
    if (samples == nullptr || count <= 0) return kContinue;
    if (utterance.samples.size() + static_cast<std::size_t>(count) > utterance.most_samples) {
        utterance.too_long = true;
        return kAbort;
    }
    try {
        utterance.samples.insert(utterance.samples.end(), samples, samples + count);
    } catch (const std::bad_alloc&) {
        utterance.out_of_memory = true;
        return kAbort;
    }
    return kContinue;
}

/// The tag that is looked up: lower case, "-" between its parts.
std::string normalized(std::string_view language) {
    std::string tag(language);
    for (char& letter : tag) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
        if (letter == '_') letter = '-';
    }
    return tag;
}

/// Control characters begin commands of espeak-ng's own (01 "0A" silences it); a zero would end
/// the text.
std::string literal(std::string_view text) {
    std::string clean(text);
    for (char& letter : clean) {
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) letter = ' ';
    }
    return clean;
}

std::atomic_bool in_use = false;

}  // namespace

Result<std::unique_ptr<EspeakLibrary>> EspeakLibrary::open() {
    if (in_use.exchange(true)) {
        return fail(ErrorKind::Conflict, "espeak-ng: is open already");
    }
    constexpr int kDefaultBuffer = 0;  // 60 ms
    const int hz = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, kDefaultBuffer, nullptr,
                                     espeakINITIALIZE_DONT_EXIT);
    if (hz <= 0) {
        in_use = false;
        return fail(ErrorKind::Unsupported, "espeak-ng: its voices are not installed",
                    std::format("espeak_Initialize: {}", hz));
    }
    espeak_SetSynthCallback(&collect);
    return std::unique_ptr<EspeakLibrary>(new EspeakLibrary(SampleRate{hz}));
}

EspeakLibrary::EspeakLibrary(SampleRate rate) : rate_(rate) {
    std::map<std::string, int> priorities;  // the lowest number of each tag so far
    for (const espeak_VOICE** voice = espeak_ListVoices(nullptr); *voice != nullptr; ++voice) {
        // Each language: a byte of priority, the tag, a zero. A zero byte of priority ends the
        // list.
        for (const char* entry = (*voice)->languages; *entry != 0;
             entry += std::strlen(entry) + 1) {
            const int priority = *entry++;
            const auto [known, is_new] = priorities.try_emplace(entry, priority);
            if (!is_new && known->second <= priority) continue;
            known->second = priority;
            voices_[entry] = (*voice)->name;
        }
    }
    // Tags in use that espeak-ng does not list; and "en", which it gives to a British voice of
    // which recognisers get twice as many words wrong.
    constexpr std::array<std::pair<const char*, const char*>, 5> kAliases{
        {{"en", "en-us"}, {"zh-hk", "yue"}, {"zh-tw", "cmn"}, {"nn", "nb"}, {"iw", "he"}}};
    for (const auto& [tag, other] : kAliases) {
        if (const auto voice = voices_.find(other); voice != voices_.end()) {
            voices_[tag] = voice->second;
        }
    }
}

EspeakLibrary::~EspeakLibrary() {
    espeak_Terminate();
    in_use = false;
}

const std::string* EspeakLibrary::find_voice(std::string_view language) const {
    std::string tag = normalized(language);
    while (!tag.empty()) {
        if (const auto voice = voices_.find(tag); voice != voices_.end()) return &voice->second;
        const std::size_t part = tag.rfind('-');
        tag.resize(part == std::string::npos ? 0 : part);
    }
    return nullptr;
}

Result<std::vector<std::int16_t>> EspeakLibrary::synthesize(std::string_view text,
                                                            std::string_view language,
                                                            const std::stop_token& stop) {
    const std::string* voice = find_voice(language);
    if (voice == nullptr) {
        return fail(ErrorKind::InvalidInput, "language: espeak-ng has no voice for it");
    }
    if (text.size() > kMaxTextBytes) {
        return fail(ErrorKind::InvalidInput,
                    std::format("text: longer than {} bytes at once", kMaxTextBytes));
    }
    const std::string clean = literal(text);
    Utterance utterance{.stop = stop,
                        .most_samples = kMaxSeconds * static_cast<std::size_t>(rate_.hz),
                        .samples = {}};
    int status = EE_OK;
    {
        const std::lock_guard lock(mutex_);
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
        status = espeak_SetVoiceByName(voice->c_str());
        if (status == EE_OK) {
            status = espeak_Synth(clean.c_str(), clean.size() + 1, 0, POS_CHARACTER, 0,
                                  espeakCHARS_UTF8, nullptr, &utterance);
        }
    }
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    if (utterance.too_long) {
        return fail(ErrorKind::InvalidInput,
                    std::format("text: takes more than {} seconds to speak", kMaxSeconds));
    }
    if (status != EE_OK || utterance.out_of_memory) {
        return fail(ErrorKind::Internal, "espeak-ng: could not speak",
                    std::format("espeak-ng: {}", status));
    }
    return std::move(utterance.samples);
}

}  // namespace titans::engine
