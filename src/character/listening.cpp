#include "character/listening.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace titans::character {
namespace {

using hearing::Seconds;

/// Samples that the segmenter takes at once: between two such pieces `stop` is looked at.
constexpr std::size_t kPiece = 16'000;

}  // namespace

Listening::Listening(std::unique_ptr<hearing::vad::VoiceActivityDetector> detector,
                     const SttSettings& settings, audio::Audio speech)
    : segmenter_(std::move(detector), {.threshold = settings.threshold,
                                       .vad_threshold = settings.vad_threshold,
                                       .silence = Seconds(settings.silence_seconds),
                                       .max_time = Seconds(settings.max_seconds),
                                       .min_duration = Seconds(settings.min_seconds)}),
      language_(settings.language),
      speech_(std::move(speech)) {}

Result<bool> Listening::next(hearing::SpeechRecognizer& ears, const std::stop_token& stop) {
    while (found_.empty() && !flushed_) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the listening was stopped");
        const auto rest = speech_.samples().subspan(segmented_);
        flushed_ = rest.empty();
        const auto piece = rest.first(std::min(rest.size(), kPiece));
        found_.append_range(flushed_ ? segmenter_.flush() : segmenter_.push(piece));
        segmented_ += piece.size();
    }
    if (found_.empty()) return false;
    hearing::Utterance utterance = std::move(found_.front());
    found_.pop_front();
    TITANS_TRY_VOID(recognize(std::move(utterance), ears, stop));
    return true;
}

Result<void> Listening::recognize(hearing::Utterance utterance, hearing::SpeechRecognizer& ears,
                                  const std::stop_token& stop) {
    heard_.split = heard_.split || utterance.split;
    const audio::Audio said(hearing::vad::kRate, std::move(utterance.samples));
    TITANS_TRY(const hearing::Transcript part, ears.recognize(said, {.language = language_}, stop));
    if (part.text.empty()) return {};
    hearing::Transcript& whole = heard_.transcript;
    if (whole.text.empty()) {
        whole.language = part.language;
        if (!part.language.empty()) language_ = part.language;
    }
    const double seconds = said.duration().count();
    whole.confidence =
        static_cast<float>((whole.confidence * understood_seconds_ + part.confidence * seconds) /
                           (understood_seconds_ + seconds));
    understood_seconds_ += seconds;
    whole.text += (whole.text.empty() ? "" : " ") + part.text;
    return {};
}

Result<Heard> listen(hearing::SpeechRecognizer& ears,
                     std::unique_ptr<hearing::vad::VoiceActivityDetector> detector,
                     const SttSettings& settings, audio::Audio speech,
                     const std::stop_token& stop) {
    Listening listening(std::move(detector), settings, std::move(speech));
    while (true) {
        TITANS_TRY(const bool more, listening.next(ears, stop));
        if (!more) return listening.heard();
    }
}

}  // namespace titans::character
