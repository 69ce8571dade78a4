#include "character/voices.h"

#include <algorithm>
#include <format>

#include "audio/resample.h"
#include "character/listening.h"
#include "character/mind_chooser.h"
#include "foundation/log.h"

namespace titans::character {
namespace {

constexpr std::string_view kStandIn = "espeak-ng";
constexpr std::string_view kStandard = "f5tts";  // of a recording whose settings name none
constexpr const char* kNoRecording = "the character has no recording to clone";
constexpr std::string_view kLearnedExtension = "voice";
constexpr std::size_t kMostRecent = 64;
// Of voices on disk. What is gone is learned again.
constexpr std::chrono::days kLearnedFor{90};
constexpr std::uint64_t kLearnedBytes = std::uint64_t{512} << 20;

std::string_view wanted_family(const VoiceSettings& settings) {
    return settings.model.empty() ? kStandard : std::string_view(settings.model);
}

/// Why it cannot speak.
std::string of_family(const VoiceSettings& settings, const Error& error) {
    return std::format("{}: {}", wanted_family(settings), error.message);
}

/// All that what is learned depends on.
std::string key_of(const store::CharacterRecord& character, const VoiceSettings& settings,
                   std::string_view transcript) {
    const voice::SpeechOptions& speech = settings.speech;
    return std::format("{} 2 {} {} {} {} {} {} {}", wanted_family(settings), character.voice_file,
                       character.sample_key, speech.reference_mode, speech.target_rms,
                       speech.normalize_text, speech.language, transcript);
}

}  // namespace

std::vector<VoiceStatus> Voices::list() const {
    std::vector<VoiceStatus> list;
    for (const voice::VoiceFamily& family : voice::families()) {
        VoiceStatus status{.family = &family, .licences = {}, .missing = {}};
        for (const std::string_view name : family.models) {
            const models::CatalogueModel* const model = models::find_model(name);
            if (model != nullptr) status.licences.push_back(model->licence);
        }
        if (const auto files = find_files(family, {}, nullptr); !files)
            status.missing = files.error().message;
        list.push_back(std::move(status));
    }
    return list;
}

std::vector<std::string> Voices::warnings(const VoiceSettings& settings) const {
    std::vector<std::string> warnings;
    const voice::VoiceFamily& family = *voice::find_family(wanted_family(settings));
    const std::string_view language =
        std::string_view(settings.speech.language).substr(0, settings.speech.language.find('-'));
    if (settings.model_path.empty() && !family.languages.empty() &&
        !std::ranges::contains(family.languages, language)) {
        warnings.push_back(std::format(
            "voice_cloning_settings.language: {} was not trained on {}; a fine-tune of it may be",
            family.name, settings.speech.language));
    }
    if (settings.device.gpu && *settings.device.gpu >= parts_.engines.gpus()) {
        warnings.push_back(std::format(
            "voice_cloning_settings.cuda_device: there is no GPU {}that this server computes on, "
            "so the processor does",
            parts_.engines.gpus() == 0 ? "" : std::format("{} ", *settings.device.gpu)));
    }
    return warnings;
}

VoiceUsed Voices::expected(const VoiceSettings& settings, bool has_recording) const {
    if (settings.model == kStandIn) return stand_in(settings, "").used;
    if (!has_recording) return stand_in(settings, kNoRecording).used;
    const voice::VoiceFamily& family = *voice::find_family(wanted_family(settings));
    if (const auto files = find_files(family, settings, nullptr); !files)
        return stand_in(settings, of_family(settings, files.error())).used;
    return {.engine = std::string(family.name), .cloned = true};
}

Result<void> Voices::sweep(const std::set<CharacterId>& characters) const {
    TITANS_TRY_VOID(parts_.learned.sweep(characters));
    return parts_.learned.trim(kLearnedFor, kLearnedBytes);
}

CharacterVoice Voices::stand_in(const VoiceSettings& settings, std::string reason) const {
    CharacterVoice voice{.synthesizer = parts_.stand_in,
                         .learned = nullptr,
                         .options = settings.speech,
                         .executor = &parts_.speech,
                         .used = {.engine = std::string(kStandIn), .reason = std::move(reason)}};
    if (!voice::speaks(parts_.resources, settings.speech.language)) {
        voice.used.reason +=
            std::format("{}espeak-ng does not speak {}, so it speaks English",
                        voice.used.reason.empty() ? "" : "; ", settings.speech.language);
        voice.options.language = "en";
    }
    // Its ways are its own.
    voice.options.reference_mode = false;
    return voice;
}

Result<Voices::Files> Voices::find_files(const voice::VoiceFamily& family,
                                         const VoiceSettings& settings,
                                         const std::stop_token* stop) const {
    if (std::string missing = family.missing(parts_.resources); !missing.empty())
        return fail(ErrorKind::Unsupported, std::move(missing));
    const std::string_view kind = settings.model_name == "F5TTS_Base" ? "f5tts-base" : "f5tts";
    Files files;
    for (const std::string_view model : family.models) {
        const std::string_view name = model == "f5tts" ? kind : model;
        if (model == "f5tts" && !settings.model_path.empty()) {
            if (stop == nullptr) {
                TITANS_TRY_VOID(
                    parts_.models.check_local_voice(settings.model_path, settings.vocab_path));
                continue;
            }
            TITANS_TRY(
                files.emplace_back(),
                parts_.models.local_voice(settings.model_path, settings.vocab_path, kind, *stop));
            continue;
        }
        auto file = parts_.models.find(name);
        if (!file) {
            return fail(ErrorKind::Conflict,
                        std::format("the model {} is not here yet; {}", name, how_to_get(name)));
        }
        files.push_back(*std::move(file));
    }
    return files;
}

Task<CharacterVoice> Voices::open(store::CharacterRecord character, VoiceSettings settings,
                                  std::stop_token stop) const {
    if (settings.model == kStandIn) co_return stand_in(settings, "");
    if (character.voice_file.empty()) co_return stand_in(settings, kNoRecording);
    const CharacterId id = character.id;
    Result<CharacterVoice> voice = co_await clone(std::move(character), settings, std::move(stop));
    if (voice) co_return *std::move(voice);
    const Error& error = voice.error();
    // What is not here is told, and no fault.
    if (error.kind != ErrorKind::Cancelled && error.kind != ErrorKind::Conflict &&
        error.kind != ErrorKind::Unsupported) {
        log::warn("voice.not_cloned", "character={} message=\"{}\" detail=\"{}\"", id.value,
                  error.message, error.detail);
    }
    co_return stand_in(settings, of_family(settings, error));
}

Task<Result<CharacterVoice>> Voices::clone(store::CharacterRecord character, VoiceSettings settings,
                                           std::stop_token stop) const {
    const voice::VoiceFamily& family = *voice::find_family(wanted_family(settings));
    TITANS_CO_TRY(const Files files, co_await run_on(parts_.files, [&, this] {
                      return find_files(family, settings, &stop);
                  }));
    // Its recording is prepared, and its words are heard, before anything is learned of them.
    co_await parts_.samples.finish(character.id, stop);
    TITANS_CO_TRY(character, co_await parts_.characters.find(character.id));
    const auto reference = parts_.samples.reference_text(character);
    if (!reference) co_return fail(ErrorKind::InvalidInput, kNoRecording);
    if (family.needs_transcript && !reference->text) {
        co_return fail(ErrorKind::InvalidInput,
                       reference->warnings.empty()
                           ? "no words were heard in the recording; reference_text can give them"
                           : reference->warnings.front());
    }
    const std::string transcript = reference->text.value_or("");

    TITANS_CO_TRY(const PlacedVoice placed,
                  co_await run_on(
                      parts_.compute,
                      [&, this] { return parts_.engines.voice(family, files, settings.device); },
                      Executor::Priority::FirstAudio));
    const auto& synthesizer = placed.synthesizer;
    const std::string key = key_of(character, settings, transcript);
    CharacterVoice voice{.synthesizer = synthesizer,
                         .learned = nullptr,
                         .options = synthesizer->complete(settings.speech),
                         .executor = &parts_.compute,
                         .used = {.engine = std::string(family.name), .cloned = true}};
    if (Result<Learned> known = co_await find_learned(synthesizer, character, key)) {
        voice.learned = *std::move(known);
    } else {
        TITANS_CO_TRY(voice.learned, co_await learn(synthesizer, character, settings, transcript,
                                                    std::move(stop)));
        const auto bytes = voice.learned->bytes();
        const Result<std::string> kept = co_await run_on(parts_.files, [&, this] {
            return parts_.learned.keep(bytes, kLearnedExtension, character.id, key);
        });
        if (!kept) log::warn("voice.not_kept", "message=\"{}\"", kept.error().message);
        remember(store::MediaStore::name_of(character.id, key, kLearnedExtension), voice.learned);
        log::info("voice.learned", "character={} family={}", character.id.value, family.name);
    }
    voice.used.excerpt = voice.learned->note();
    voice.used.device = placed.device;
    voice.used.nfe_step = voice.options.nfe_step;
    voice.used.seed = voice.options.seed;
    co_return voice;
}

Task<> Voices::warm_up(CharacterVoice voice) const {
    const std::string_view text = voice.options.language.starts_with("zh") ? "一" : "1";
    // What begins here is never spoken.
    [[maybe_unused]] const auto begun = co_await run_on(
        *voice.executor,
        [&] { return voice.synthesizer->begin(text, voice.learned, voice.options); },
        Executor::Priority::Later);
}

/// Errors: NotFound, or why what was kept cannot be used.
Task<Result<Voices::Learned>> Voices::find_learned(
    std::shared_ptr<voice::SpeechSynthesizer> synthesizer, store::CharacterRecord character,
    std::string key) const {
    const std::string name = store::MediaStore::name_of(character.id, key, kLearnedExtension);
    if (Learned known = recent(name)) co_return known;
    TITANS_CO_TRY(const auto bytes,
                  co_await run_on(parts_.files, [&, this] { return parts_.learned.read(name); }));
    TITANS_CO_TRY(Learned known, synthesizer->recall(bytes));
    remember(name, known);
    co_return known;
}

Task<Result<Voices::Learned>> Voices::learn(std::shared_ptr<voice::SpeechSynthesizer> synthesizer,
                                            store::CharacterRecord character,
                                            VoiceSettings settings, std::string transcript,
                                            std::stop_token stop) const {
    constexpr auto kUrgent = Executor::Priority::FirstAudio;
    TITANS_CO_TRY(const SttSettings stt, parse_stt_settings(character.stt_settings));
    const voice::SpeechOptions& options = settings.speech;
    TITANS_CO_TRY(const audio::Audio recording, co_await run_on(parts_.files, [&, this] {
                      return parts_.samples.recording(character, synthesizer->output_rate(), stop);
                  }));
    TITANS_CO_TRY(voice::Excerpt excerpt, co_await run_on(parts_.files, [&] {
                      return synthesizer->choose_excerpt(recording, options);
                  }));
    // The words of a part are not those of the whole: they are heard.
    if (excerpt.is_part && !options.reference_mode) {
        if (auto missing = missing_ears(parts_.models, stt))
            co_return std::unexpected(*std::move(missing));
        auto hear = [&, this]() -> Result<std::string> {
            TITANS_TRY(const auto ears, parts_.engines.ears(stt));
            TITANS_TRY(const Heard heard,
                       listen(*ears, parts_.engines.detector(), for_samples(stt),
                              audio::resample(excerpt.audio, hearing::vad::kRate), stop));
            return heard.transcript.text;
        };
        TITANS_CO_TRY(transcript, co_await run_on(parts_.compute, std::move(hear), kUrgent));
    }
    const voice::VoiceSample sample{.excerpt = std::move(excerpt),
                                    .transcript = std::move(transcript)};
    co_return co_await run_on(
        parts_.compute, [&] { return synthesizer->learn(sample, options, stop); }, kUrgent);
}

Voices::Learned Voices::recent(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(recent_, name, &std::pair<std::string, Learned>::first);
    if (found == recent_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found);
    return recent_.front().second;
}

void Voices::remember(const std::string& name, Learned learned) const {
    const std::lock_guard lock(mutex_);
    std::erase_if(recent_, [&](const auto& known) { return known.first == name; });
    recent_.emplace_front(name, std::move(learned));
    if (recent_.size() > kMostRecent) recent_.pop_back();
}

}  // namespace titans::character
