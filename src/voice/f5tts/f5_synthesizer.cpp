#include "voice/f5tts/f5_synthesizer.h"

#include <algorithm>
#include <random>

#include "voice/f5tts/excerpt.h"
#include "voice/f5tts/f5_utterance.h"
#include "voice/f5tts/f5_voice.h"
#include "voice/f5tts/mel.h"
#include "voice/f5tts/text_pieces.h"

namespace titans::voice::f5tts {
namespace {

constexpr int kReferenceSteps = 32;
constexpr double kShortestSeconds = 0.5;  // of a recording
constexpr int kMostFrames = 8192;         // of the network's table of positions: 87 s
// Below it the reference's rule for the length becomes wrong, and gets an exception of its own.
constexpr std::size_t kShortestText = 24;  // UTF-8 bytes

int steps_of(Quality quality) {
    switch (quality) {
        case Quality::Fast:
            return 7;
        case Quality::Balanced:
            return 16;
        case Quality::Best:
            return 32;
    }
    std::unreachable();
}

bool normalizes(const SpeechOptions& options) {
    return options.normalize_text && !options.reference_mode;
}

/// How long each piece is to be with the recording where `options` fix the length of all; else
/// nothing (infer_batch_process()).
std::vector<double> fixed_seconds(const std::vector<std::string>& pieces, const F5Voice& voice,
                                  const SpeechOptions& options) {
    if (!options.fix_duration) return {};
    if (pieces.size() == 1) return {*options.fix_duration};
    const double recording = static_cast<double>(voice.samples() / kHop * kHop) / kRate.hz;
    double bytes = 0;
    for (const std::string& piece : pieces) bytes += static_cast<double>(piece.size());
    const double speech = *options.fix_duration - recording +
                          options.cross_fade_duration * static_cast<double>(pieces.size() - 1);
    std::vector<double> seconds;
    for (const std::string& piece : pieces)
        seconds.push_back(recording + speech * static_cast<double>(piece.size()) / bytes);
    return seconds;
}

}  // namespace

F5Synthesizer::F5Synthesizer(Parts parts) : parts_(std::move(parts)) {
    const std::vector<std::string>& vocabulary = parts_.network->vocabulary();
    for (std::size_t i = 0; i < vocabulary.size(); ++i)
        ids_[vocabulary[i]] = static_cast<std::int32_t>(i);
}

SampleRate F5Synthesizer::output_rate() const { return kRate; }

SpeechOptions F5Synthesizer::complete(SpeechOptions options) const {
    const Quality usual = parts_.on_gpu ? Quality::Balanced : Quality::Fast;
    if (!options.nfe_step) {
        options.nfe_step = options.reference_mode && !options.quality
                               ? kReferenceSteps
                               : steps_of(options.quality.value_or(usual));
    }
    if (!options.seed) options.seed = std::random_device()();
    return options;
}

Excerpt F5Synthesizer::choose_excerpt(const audio::Audio& recording,
                                      const SpeechOptions& options) const {
    return options.reference_mode ? reference_excerpt(recording) : best_excerpt(recording);
}

Result<std::shared_ptr<const LearnedVoice>> F5Synthesizer::learn(const VoiceSample& sample,
                                                                 const SpeechOptions& options,
                                                                 const std::stop_token& /*stop*/) {
    if (!options.reference_mode && sample.excerpt.audio.duration().count() < kShortestSeconds) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_audio: there is less than half a second of sound in it");
    }
    if (!normalizes(options)) return F5Voice::learn(sample, options.target_rms);
    // "in 1999" takes as long as "in nineteen ninety-nine": the length of a text is reckoned from
    // its bytes and these.
    VoiceSample spelled = sample;
    spelled.transcript = spoken_form(options.language).of(sample.transcript);
    return F5Voice::learn(spelled, options.target_rms);
}

Result<std::shared_ptr<const LearnedVoice>> F5Synthesizer::recall(
    std::span<const std::byte> bytes) const {
    return F5Voice::read(bytes);
}

TextLength F5Synthesizer::text_length(const LearnedVoice* learned,
                                      const SpeechOptions& options) const {
    if (options.reference_mode) return {.first = std::string::npos, .later = std::string::npos};
    // The recording is computed again with each text: half of the time at most is to go there.
    const std::size_t recording = dynamic_cast<const F5Voice&>(*learned).text().size();
    return {.first = kShortestText, .later = std::max(kShortestText, recording)};
}

Result<std::vector<std::int32_t>> F5Synthesizer::ids(std::string_view text) const {
    TITANS_TRY(const std::vector<std::string> tokens, parts_.characters->tokens(text));
    std::vector<std::int32_t> ids;
    for (const std::string& token : tokens) {
        const auto found = ids_.find(token);
        ids.push_back(found == ids_.end() ? 0 : found->second);
    }
    return ids;
}

text::SpokenForm& F5Synthesizer::spoken_form(const std::string& language) {
    constexpr std::size_t kMost = 8;
    const auto found = spoken_forms_.find(language);
    if (found != spoken_forms_.end()) return found->second;
    if (spoken_forms_.size() >= kMost) spoken_forms_.clear();
    return spoken_forms_.try_emplace(language, language).first->second;
}

Result<std::vector<Piece>> F5Synthesizer::plan(std::string_view text, const F5Voice& voice,
                                               const SpeechOptions& options) {
    const std::size_t longest = longest_piece(voice.seconds(), voice.text().size(), options.speed);
    std::vector<std::string> texts = cut_text(
        normalizes(options) ? spoken_form(options.language).of(text) : std::string(text), longest);
    std::erase(texts, "");
    if (texts.empty())
        return fail(ErrorKind::InvalidInput, "text: nothing in it can be pronounced");

    const std::string before = before_new_text(voice.text());
    const std::vector<double> fixed = fixed_seconds(texts, voice, options);
    const int recording = static_cast<int>(voice.mel().size() / kMels);
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        Piece piece;
        TITANS_TRY(piece.ids, ids(before + texts[i]));
        piece.frames = fixed.empty() ? piece_frames(voice.samples(), before.size(), texts[i].size(),
                                                    options.speed)
                                     : static_cast<int>(fixed[i] * kRate.hz / kHop);
        const int least = std::max(static_cast<int>(piece.ids.size()), recording) + 1;
        piece.frames = std::min(std::max(piece.frames, least), kMostFrames);
        piece.text = std::move(texts[i]);
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

Result<std::unique_ptr<Utterance>> F5Synthesizer::begin(std::string_view text,
                                                        std::shared_ptr<const LearnedVoice> learned,
                                                        const SpeechOptions& given) {
    F5Utterance::Parts parts{.network = parts_.network,
                             .vocoder = parts_.vocoder,
                             .voice = std::dynamic_pointer_cast<const F5Voice>(std::move(learned)),
                             .pieces = {},
                             .options = complete(given)};
    TITANS_TRY(parts.pieces, plan(text, *parts.voice, parts.options));
    return std::make_unique<F5Utterance>(std::move(parts));
}

}  // namespace titans::voice::f5tts
