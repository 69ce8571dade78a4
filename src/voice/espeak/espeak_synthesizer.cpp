#include "voice/espeak/espeak_synthesizer.h"

#include <cstdlib>

#include "voice/espeak/family.h"

namespace titans::voice::espeak {
namespace {

/// -54 dB: below it is silence, of which a sentence keeps a little at its ends.
constexpr int kAudible = 64;
constexpr double kLeadSeconds = 0.02;
constexpr double kTailSeconds = 0.05;

/// The audible part of `samples` with its lead and tail; empty if nothing is audible.
std::span<const std::int16_t> trimmed(std::span<const std::int16_t> samples, SampleRate rate) {
    const auto audible = [](std::int16_t sample) {
        return std::abs(static_cast<int>(sample)) >= kAudible;
    };
    const auto first = std::ranges::find_if(samples, audible);
    if (first == samples.end()) return {};
    const auto last = std::ranges::find_if(samples.rbegin(), samples.rend(), audible).base();
    const auto begin = std::max<std::ptrdiff_t>(
        first - samples.begin() - static_cast<std::ptrdiff_t>(kLeadSeconds * rate.hz), 0);
    const auto end = std::min<std::ptrdiff_t>(
        last - samples.begin() + static_cast<std::ptrdiff_t>(kTailSeconds * rate.hz),
        static_cast<std::ptrdiff_t>(samples.size()));
    return samples.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

/// What the library says, without the silence around it.
class EspeakUtterance final : public Utterance {
public:
    EspeakUtterance(engine::EspeakLibrary& library, std::string_view text, std::string language)
        : library_(library), text_(text), language_(std::move(language)) {}

    std::optional<Result<audio::Audio>> step(const std::stop_token& stop) override {
        return speak(stop);
    }

private:
    Result<audio::Audio> speak(const std::stop_token& stop) {
        TITANS_TRY(const std::vector<std::int16_t> spoken,
                   library_.synthesize(text_, language_, stop));
        const std::span<const std::int16_t> audible = trimmed(spoken, library_.rate());
        if (audible.empty())
            return fail(ErrorKind::InvalidInput, "text: nothing in it can be pronounced");
        std::vector<float> samples;
        samples.reserve(audible.size());
        for (const std::int16_t sample : audible)
            samples.push_back(static_cast<float>(sample) / 32768.0F);
        return audio::Audio(library_.rate(), std::move(samples));
    }

    engine::EspeakLibrary& library_;
    const std::string text_;
    const std::string language_;
};

}  // namespace

std::string missing(const VoiceResources& resources) {
    return resources.espeak == nullptr ? "espeak-ng's voices are not installed" : "";
}

Result<std::shared_ptr<SpeechSynthesizer>> load(std::span<const std::filesystem::path>,
                                                const VoiceResources& resources) {
    if (resources.espeak == nullptr) {
        return fail(ErrorKind::Unsupported, "espeak-ng: " + missing(resources));
    }
    return std::make_shared<EspeakSynthesizer>(*resources.espeak);
}

Result<std::shared_ptr<const LearnedVoice>> EspeakSynthesizer::learn(const VoiceSample&,
                                                                     const SpeechOptions&,
                                                                     const std::stop_token&) {
    return nullptr;
}

Result<std::shared_ptr<const LearnedVoice>> EspeakSynthesizer::recall(
    std::span<const std::byte>) const {
    return nullptr;
}

Result<std::unique_ptr<Utterance>> EspeakSynthesizer::begin(std::string_view text,
                                                            std::shared_ptr<const LearnedVoice>,
                                                            const SpeechOptions& options) {
    return std::make_unique<EspeakUtterance>(library_, text, options.language);
}

}  // namespace titans::voice::espeak
