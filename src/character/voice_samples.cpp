#include "character/voice_samples.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "audio/decoder.h"
#include "audio/preparation.h"
#include "audio/wav.h"
#include "character/listening.h"
#include "foundation/log.h"

namespace titans::character {
namespace {

constexpr SampleRate kSampleRate{48'000};  // no voice's is higher

/// A recording without a sample in it is a wrong file here: nothing was to be understood in it.
Error of_recording(const Error& error) {
    const bool empty = error.kind == ErrorKind::NothingHeard;
    return {empty ? ErrorKind::InvalidInput : error.kind, "voice_cloning_audio: " + error.message,
            error.detail};
}

bool lacks_text(const store::CharacterRecord& character, const VoiceSettings& voice) {
    return !character.voice_file.empty() && voice.reference_text.empty() &&
           character.transcript_of != character.voice_file;
}

/// Whether what is made of the recording is the same for both.
bool same_recording(const store::CharacterRecord& a, const store::CharacterRecord& b) {
    return a.voice_file == b.voice_file && a.voice_cloning_settings == b.voice_cloning_settings &&
           a.stt_settings == b.stt_settings;
}

bool lacks_sample(const store::CharacterRecord& character, const VoiceSettings& voice) {
    return sample_key(character.voice_file, voice.preparation) != character.sample_key;
}

bool is_incomplete(const store::CharacterRecord& character) {
    if (character.voice_file.empty()) return false;
    const auto voice = parse_voice_settings(character.voice_cloning_settings);
    return !voice || lacks_sample(character, *voice) || lacks_text(character, *voice);
}

/// A recording that is being listened to, one utterance at a time: who waits for it and the
/// background share the work.
struct Hearing {
    Hearing(std::string file, audio::Audio audio)
        : voice_file(std::move(file)), speech(std::move(audio)) {}

    const std::string voice_file;
    std::mutex mutex;  // guards the rest
    audio::Audio speech;
    std::optional<Listening> listening;
    bool done = false;
};

Error not_transcribed(const Error& error) {
    return {error.kind,
            "voice_cloning_settings.reference_text: the recording was not transcribed: " +
                error.message,
            error.detail};
}

Error stopped() { return {ErrorKind::Cancelled, "nobody waits for the voice sample any more", {}}; }

}  // namespace

Result<audio::Audio> decode_sample(std::span<const std::byte> bytes, std::chrono::seconds longest,
                                   std::stop_token stop) {
    auto recording = audio::decode(bytes, kSampleRate, {.duration = longest}, std::move(stop));
    if (!recording) return std::unexpected(of_recording(recording.error()));
    return recording;
}

Result<std::vector<std::byte>> prepare_sample(const audio::Audio& recording,
                                              const audio::Preparation& preparation,
                                              std::stop_token stop) {
    const auto prepared = audio::prepare(recording, preparation, std::move(stop));
    if (!prepared) return std::unexpected(of_recording(prepared.error()));
    return audio::make_wav(*prepared);
}

std::string sample_key(const std::string& voice_file, const audio::Preparation& preparation) {
    if (preparation.changes_nothing()) return {};
    return std::format("{} {:d}{:d}{:d}{:d}{:d}{:d} {} {}", voice_file, preparation.clean,
                       preparation.remove_silence, preparation.enhance, preparation.bass_boost,
                       preparation.treble_boost, preparation.compression, preparation.top_db,
                       preparation.fade_ms);
}

SttSettings for_samples(SttSettings settings) {
    settings.threshold = 0;
    settings.min_seconds = 0;
    return settings;
}

struct VoiceSamples::State {
    /// How to go on with a character's recording.
    struct Effort {
        Executor::Priority priority;
        std::stop_token stop;
    };

    explicit State(Parts given) : parts(std::move(given)) {}

    const Parts parts;
    std::stop_source ended;       // the object is gone, and what it was given may be
    std::atomic<int> running{0};  // coroutines
    mutable std::mutex mutex;     // guards the rest
    std::set<CharacterId> waiting;
    bool working = false;                         // in the background
    std::map<CharacterId, std::string> failures;  // of the last effort
    std::map<CharacterId, std::shared_ptr<Hearing>> hearings;

    bool has_ended() const { return ended.stop_requested(); }
    /// An effort has ended; one that was cancelled is still to be continued.
    void note(CharacterId id, const Result<void>& outcome);

    Result<audio::Audio> recording(const store::CharacterRecord& character, SampleRate rate,
                                   std::stop_token stop) const;
    Result<std::string> write_sample(const std::string& voice_file,
                                     const audio::Preparation& preparation) const;
    std::shared_ptr<Hearing> find_hearing(CharacterId id, const std::string& voice_file);
    Result<std::optional<hearing::Transcript>> hear_more(Hearing& hearing,
                                                         const SttSettings& settings) const;

    static Task<Result<void>> complete(std::shared_ptr<State> state, CharacterId id, Effort effort);
    /// True: nothing is left to do.
    static Task<Result<bool>> take_step(std::shared_ptr<State> state,
                                        store::CharacterRecord character, Effort effort);
    static Task<Result<void>> prepare(std::shared_ptr<State> state,
                                      store::CharacterRecord character,
                                      audio::Preparation preparation, Effort effort);
    static Task<Result<void>> transcribe(std::shared_ptr<State> state,
                                         store::CharacterRecord character, Effort effort);
};

void VoiceSamples::State::note(CharacterId id, const Result<void>& outcome) {
    if (has_ended() || (!outcome && outcome.error().kind == ErrorKind::Cancelled)) return;
    if (!outcome) {
        log::warn("voice.not_ready", "character={} message=\"{}\" detail=\"{}\"", id.value,
                  outcome.error().message, outcome.error().detail);
    }
    const std::lock_guard lock(mutex);
    hearings.erase(id);
    if (outcome) {
        failures.erase(id);
    } else {
        failures[id] = outcome.error().message;
    }
}

Result<audio::Audio> VoiceSamples::State::recording(const store::CharacterRecord& character,
                                                    SampleRate rate, std::stop_token stop) const {
    TITANS_TRY(const VoiceSettings voice, parse_voice_settings(character.voice_cloning_settings));
    const bool prepared = !character.sample_file.empty() && !lacks_sample(character, voice);
    TITANS_TRY(const auto bytes,
               parts.files.read(prepared ? character.sample_file : character.voice_file));
    return audio::decode(bytes, rate, {.duration = parts.longest_audio}, std::move(stop));
}

/// The name of the prepared recording; empty if nothing is to be done to it.
Result<std::string> VoiceSamples::State::write_sample(const std::string& voice_file,
                                                      const audio::Preparation& preparation) const {
    if (preparation.changes_nothing()) return std::string();
    TITANS_TRY(const auto bytes, parts.files.read(voice_file));
    TITANS_TRY(const audio::Audio recording,
               decode_sample(bytes, parts.longest_audio, ended.get_token()));
    TITANS_TRY(const auto wav, prepare_sample(recording, preparation, ended.get_token()));
    return parts.files.write(wav, "wav");
}

std::shared_ptr<Hearing> VoiceSamples::State::find_hearing(CharacterId id,
                                                           const std::string& voice_file) {
    const std::lock_guard lock(mutex);
    const auto found = hearings.find(id);
    if (found == hearings.end()) return nullptr;
    return found->second->voice_file == voice_file ? found->second : nullptr;
}

/// Recognises one more utterance; the transcript when there is none any more.
Result<std::optional<hearing::Transcript>> VoiceSamples::State::hear_more(
    Hearing& hearing, const SttSettings& settings) const {
    const std::lock_guard lock(hearing.mutex);
    if (!hearing.listening)
        hearing.listening.emplace(parts.detector(), settings, std::move(hearing.speech));
    if (!hearing.done) {
        TITANS_TRY(const auto ears, parts.ears(settings));
        TITANS_TRY(const bool more, hearing.listening->next(*ears, ended.get_token()));
        hearing.done = !more;
    }
    if (!hearing.done) return std::nullopt;
    return hearing.listening->heard().transcript;
}

/// Step by step, each looking at the character anew: what was done for a recording that is
/// replaced meanwhile is done again for the next one.
Task<Result<void>> VoiceSamples::State::complete(std::shared_ptr<State> state, CharacterId id,
                                                 Effort effort) {
    while (true) {
        const Result<store::CharacterRecord> character = co_await state->parts.characters.find(id);
        if (state->has_ended() || effort.stop.stop_requested())
            co_return std::unexpected(stopped());
        if (!character && character.error().kind == ErrorKind::NotFound) co_return Result<void>();
        if (!character) co_return std::unexpected(character.error());
        const Result<bool> complete = co_await take_step(state, *character, effort);
        if (state->has_ended()) co_return std::unexpected(stopped());
        if (complete && *complete) co_return Result<void>();
        if (complete) continue;
        if (complete.error().kind == ErrorKind::Cancelled)
            co_return std::unexpected(complete.error());
        const Result<store::CharacterRecord> now = co_await state->parts.characters.find(id);
        if (now && same_recording(*now, *character)) co_return std::unexpected(complete.error());
    }
}

Task<Result<bool>> VoiceSamples::State::take_step(std::shared_ptr<State> state,
                                                  store::CharacterRecord character, Effort effort) {
    if (character.voice_file.empty()) co_return true;
    TITANS_CO_TRY(const VoiceSettings voice,
                  parse_voice_settings(character.voice_cloning_settings));
    if (lacks_sample(character, voice)) {
        TITANS_CO_TRY_VOID(
            co_await prepare(state, std::move(character), voice.preparation, std::move(effort)));
        co_return false;
    }
    if (!lacks_text(character, voice)) co_return true;
    Result<void> transcribed = co_await transcribe(state, std::move(character), std::move(effort));
    if (!transcribed) co_return std::unexpected(not_transcribed(transcribed.error()));
    co_return false;
}

Task<Result<void>> VoiceSamples::State::prepare(std::shared_ptr<State> state,
                                                store::CharacterRecord character,
                                                audio::Preparation preparation, Effort effort) {
    TITANS_CO_TRY(std::string file,
                  co_await run_on(
                      state->parts.file_work,
                      [&] { return state->write_sample(character.voice_file, preparation); },
                      effort.priority));
    if (state->has_ended()) co_return std::unexpected(stopped());
    store::CharacterChange change;
    change.sample_file = file;
    change.sample_key = sample_key(character.voice_file, preparation);
    const Result<store::CharacterRecord> before =
        co_await state->parts.characters.update(character.id, std::move(change));
    if (state->has_ended()) co_return std::unexpected(stopped());
    // A change in doubt may have happened: what is nobody's is swept later.
    if (!before && before.error().kind == ErrorKind::Busy)
        co_return std::unexpected(before.error());
    const std::string gone = before ? before->sample_file : file;
    if (!gone.empty()) {
        co_await run_on(state->parts.file_work, [&] { return state->parts.files.remove(gone); });
    }
    if (!before) co_return std::unexpected(before.error());
    log::info("voice.prepared", "character={}", character.id.value);
    co_return Result<void>();
}

Task<Result<void>> VoiceSamples::State::transcribe(std::shared_ptr<State> state,
                                                   store::CharacterRecord character,
                                                   Effort effort) {
    TITANS_CO_TRY(const SttSettings given, parse_stt_settings(character.stt_settings));
    if (auto missing = state->parts.missing_ears(given))
        co_return std::unexpected(*std::move(missing));
    auto hearing = state->find_hearing(character.id, character.voice_file);
    if (hearing == nullptr) {
        TITANS_CO_TRY(audio::Audio speech, co_await run_on(
                                               state->parts.file_work,
                                               [&] {
                                                   return state->recording(
                                                       character, hearing::vad::kRate,
                                                       state->ended.get_token());
                                               },
                                               effort.priority));
        if (state->has_ended()) co_return std::unexpected(stopped());
        hearing = std::make_shared<Hearing>(character.voice_file, std::move(speech));
        const std::lock_guard lock(state->mutex);
        state->hearings[character.id] = hearing;
    }
    const SttSettings settings = for_samples(given);
    std::optional<hearing::Transcript> heard;
    while (!heard) {
        if (effort.stop.stop_requested()) co_return std::unexpected(stopped());
        TITANS_CO_TRY(
            heard, co_await run_on(
                       state->parts.compute, [&] { return state->hear_more(*hearing, settings); },
                       effort.priority));
        if (state->has_ended()) co_return std::unexpected(stopped());
    }
    store::CharacterChange change;
    change.transcript = heard->text;
    change.transcript_of = character.voice_file;
    TITANS_CO_TRY([[maybe_unused]] const auto before,
                  co_await state->parts.characters.update(character.id, std::move(change)));
    log::info("voice.transcribed", "character={}", character.id.value);
    co_return Result<void>();
}

VoiceSamples::VoiceSamples(Parts parts) : state_(std::make_shared<State>(std::move(parts))) {}

VoiceSamples::~VoiceSamples() { state_->ended.request_stop(); }

bool VoiceSamples::is_idle() const { return state_->running == 0; }

void VoiceSamples::wake(CharacterId id) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->waiting.insert(id);
        if (std::exchange(state_->working, true)) return;
    }
    work(state_);
}

DetachedTask VoiceSamples::work(std::shared_ptr<State> state) {
    ++state->running;
    const State::Effort effort{Executor::Priority::Background, state->ended.get_token()};
    while (true) {
        CharacterId id;
        {
            const std::lock_guard lock(state->mutex);
            if (state->waiting.empty() || state->has_ended()) {
                state->working = false;
                break;
            }
            id = *state->waiting.begin();
            state->waiting.erase(state->waiting.begin());
        }
        if (id == CharacterId{}) {
            const auto all = co_await state->parts.characters.list();
            if (!all) log::warn("voice.not_looked_for", "message=\"{}\"", all.error().message);
            if (!all || state->has_ended()) continue;
            const std::lock_guard lock(state->mutex);
            for (const store::CharacterRecord& character : *all)
                if (is_incomplete(character)) state->waiting.insert(character.id);
        } else {
            const Result<void> outcome = co_await State::complete(state, id, effort);
            state->note(id, outcome);
        }
    }
    --state->running;
}

void VoiceSamples::forget(CharacterId id) {
    const std::lock_guard lock(state_->mutex);
    state_->failures.erase(id);
}

Task<> VoiceSamples::finish(CharacterId id, std::stop_token stop) {
    const std::shared_ptr<State> state = state_;
    ++state->running;
    const Result<void> outcome =
        co_await State::complete(state, id, {Executor::Priority::Later, stop});
    state->note(id, outcome);
    if (stop.stop_requested() && !state->has_ended()) wake(id);
    --state->running;
}

std::optional<ReferenceText> VoiceSamples::reference_text(
    const store::CharacterRecord& character) const {
    if (character.voice_file.empty()) return std::nullopt;
    ReferenceText reference;
    {
        const std::lock_guard lock(state_->mutex);
        const auto failure = state_->failures.find(character.id);
        if (failure != state_->failures.end()) reference.warnings.push_back(failure->second);
    }
    const auto voice = parse_voice_settings(character.voice_cloning_settings);
    if (!voice) {
        reference.warnings.push_back(voice.error().message);
    } else if (!voice->reference_text.empty()) {
        reference.text = voice->reference_text;
    } else if (!lacks_text(character, *voice)) {
        reference.transcribed = true;
        if (!character.transcript.empty()) {
            reference.text = character.transcript;
        } else {
            reference.warnings.emplace_back(
                "voice_cloning_settings.reference_text: nothing was understood in the recording; "
                "say here what is said in it");
        }
    }
    return reference;
}

Result<audio::Audio> VoiceSamples::recording(const store::CharacterRecord& character,
                                             SampleRate rate, std::stop_token stop) const {
    return state_->recording(character, rate, std::move(stop));
}

}  // namespace titans::character
