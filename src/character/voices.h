#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "character/engines.h"
#include "character/speech_settings.h"
#include "character/turn.h"
#include "character/voice_samples.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "models/model_store.h"
#include "store/character_store.h"
#include "store/files/media_store.h"
#include "voice/families.h"
#include "voice/speech_synthesizer.h"

namespace titans::character {

/// How a character speaks.
struct CharacterVoice {
    std::shared_ptr<voice::SpeechSynthesizer> synthesizer;
    std::shared_ptr<const voice::LearnedVoice> learned;  // null: of a voice that is nobody's
    voice::SpeechOptions options;                        // complete
    Executor* executor = nullptr;                        // where `synthesizer` is used
    VoiceUsed used;
};

/// A family of voices as a person chooses among them.
struct VoiceStatus {
    const voice::VoiceFamily* family;
    std::vector<std::string_view> licences;  // of its models, SPDX's names
    std::string missing;                     // why it cannot be used now; empty if it can
};

/// The voices of characters. What is learned of one is kept, in memory and on disk, under a hash of
/// all that it depends on: a second answer computes none of it, nor does a restarted server.
///
/// Thread-safe; call the tasks on event loops. What it is given outlives it.
class Voices {
public:
    struct Parts {
        store::CharacterStore& characters;
        models::ModelStore& models;
        Engines& engines;  // used on `compute` only
        VoiceSamples& samples;
        const store::MediaStore& learned;
        voice::VoiceResources resources;
        std::shared_ptr<voice::SpeechSynthesizer> stand_in;  // thread-safe, and used on `speech`
        Executor& compute;
        Executor& speech;
        Executor& files;
    };

    explicit Voices(Parts parts) : parts_(std::move(parts)) {}

    std::vector<VoiceStatus> list() const;

    /// What of `settings` cannot be as they say though their voice speaks, in sentences.
    std::vector<std::string> warnings(const VoiceSettings& settings) const;

    /// The voice of answers as far as is known without loading anything, for a character with or
    /// without a recording.
    VoiceUsed expected(const VoiceSettings& settings, bool has_recording) const;

    /// Loads and learns what is not there yet. Where that cannot be, the voice is espeak-ng's, and
    /// `used.reason` says why.
    Task<CharacterVoice> open(store::CharacterRecord character, VoiceSettings settings,
                              std::stop_token stop) const;

    /// What speaking reads the first time, like the dictionary of Chinese, is read now.
    Task<> warm_up(CharacterVoice voice) const;

    /// What was learned of the character's voice goes. On the file executor.
    Result<void> forget(CharacterId id) const { return parts_.learned.remove_all_of(id); }
    /// So does what was learned of others than `characters`, or long ago. On the file executor.
    Result<void> sweep(const std::set<CharacterId>& characters) const;

private:
    using Files = std::vector<std::filesystem::path>;
    using Learned = std::shared_ptr<const voice::LearnedVoice>;

    CharacterVoice stand_in(const VoiceSettings& settings, std::string reason) const;
    /// What `family` is loaded from. A checkpoint of one's own is converted if it is not yet; if
    /// `stop` is null it is only looked for, and left out. Errors: what is missing.
    Result<Files> find_files(const voice::VoiceFamily& family, const VoiceSettings& settings,
                             const std::stop_token* stop) const;
    Task<Result<CharacterVoice>> clone(store::CharacterRecord character, VoiceSettings settings,
                                       std::stop_token stop) const;
    Task<Result<Learned>> find_learned(std::shared_ptr<voice::SpeechSynthesizer> synthesizer,
                                       store::CharacterRecord character, std::string key) const;
    Task<Result<Learned>> learn(std::shared_ptr<voice::SpeechSynthesizer> synthesizer,
                                store::CharacterRecord character, VoiceSettings settings,
                                std::string transcript, std::stop_token stop) const;
    Learned recent(const std::string& name) const;
    void remember(const std::string& name, Learned learned) const;

    const Parts parts_;
    mutable std::mutex mutex_;                                   // guards recent_
    mutable std::list<std::pair<std::string, Learned>> recent_;  // the most recently used first
};

}  // namespace titans::character
