#include "character/listening.h"

#include <algorithm>
#include <span>
#include <vector>

#include "hearing/utterance_segmenter.h"

namespace titans::character {
namespace {

using hearing::Seconds;

/// Samples that the segmenter takes at once: between two such pieces `stop` is looked at.
constexpr std::size_t kPiece = 16'000;

}  // namespace

Result<Heard> listen(hearing::SpeechRecognizer& ears,
                     std::unique_ptr<hearing::vad::VoiceActivityDetector> detector,
                     const SttSettings& settings, const audio::Audio& speech,
                     const std::stop_token& stop) {
    hearing::UtteranceSegmenter segmenter(std::move(detector),
                                          {.threshold = settings.threshold,
                                           .vad_threshold = settings.vad_threshold,
                                           .silence = Seconds(settings.silence_seconds),
                                           .max_time = Seconds(settings.max_seconds),
                                           .min_duration = Seconds(settings.min_seconds)});
    Heard heard;
    const auto recognize = [&](std::vector<hearing::Utterance> utterances) -> Result<void> {
        for (hearing::Utterance& utterance : utterances) {
            heard.split = heard.split || utterance.split;
            hearing::Transcript& whole = heard.transcript;
            const std::string& language =
                whole.language.empty() ? settings.language : whole.language;
            const audio::Audio said(hearing::vad::kRate, std::move(utterance.samples));
            TITANS_TRY(const hearing::Transcript part,
                       ears.recognize(said, {.language = language}, stop));
            if (part.text.empty()) continue;
            if (whole.text.empty()) whole.language = part.language;
            whole.text += (whole.text.empty() ? "" : " ") + part.text;
        }
        return {};
    };
    for (std::span<const float> rest = speech.samples(); !rest.empty();) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the question was stopped");
        const auto piece = rest.first(std::min(rest.size(), kPiece));
        TITANS_TRY_VOID(recognize(segmenter.push(piece)));
        rest = rest.subspan(piece.size());
    }
    TITANS_TRY_VOID(recognize(segmenter.flush()));
    return heard;
}

}  // namespace titans::character
