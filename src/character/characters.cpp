#include "character/characters.h"

#include <set>

#include "audio/analysis.h"
#include "audio/kind.h"
#include "character/engines.h"
#include "character/llm_config.h"
#include "character/speech_settings.h"
#include "foundation/log.h"
#include "knowledge/documents.h"
#include "knowledge/passages.h"
#include "knowledge/style.h"
#include "text/slug.h"
#include "text/utf8.h"

namespace titans::character {
namespace {

constexpr std::size_t kLongestName = 100;       // characters
constexpr std::size_t kLongestModelName = 256;  // bytes
constexpr std::chrono::seconds kEmbeddingBudget{2};
constexpr std::chrono::days kSessionsKept{30};

/// What a picture is by its first bytes.
std::optional<std::string> image_extension(std::string_view bytes) {
    if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "png";
    if (bytes.starts_with("\xff\xd8\xff")) return "jpg";
    return std::nullopt;
}

Result<void> check_name(std::string_view name) {
    if (!text::is_utf8(name)) return fail(ErrorKind::InvalidInput, "name: is not UTF-8");
    const bool blank = name.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (blank || text::count_code_points(name) > kLongestName) {
        return fail(ErrorKind::InvalidInput,
                    std::format("name: must have 1 to {} characters", kLongestName));
    }
    for (const char c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            return fail(ErrorKind::InvalidInput, "name: must not contain control characters");
        }
    }
    return {};
}

Result<void> check_model_name(std::string_view name) {
    const bool sound = text::is_utf8(name) && std::ranges::none_of(name, [](unsigned char c) {
                           return c < 0x20 || c == 0x7f;
                       });
    if (!sound || name.size() > kLongestModelName) {
        return fail(ErrorKind::InvalidInput,
                    std::format("llm_model: must be text of at most {} bytes", kLongestModelName));
    }
    return {};
}

/// What stands for a key in the specification's examples and in our own answers.
bool is_placeholder(const std::string& key) {
    return key == "set" || key == "your_key" || key == "your_api_key" ||
           (key.starts_with("your_") && key.ends_with("_here"));
}

/// Names of files of a character; empty: none.
struct FileNames {
    std::string image;
    std::string voice;
    std::string sample;
};

void remove_files(const store::MediaStore& files, const FileNames& names) {
    for (const std::string& name : {names.image, names.voice, names.sample}) {
        if (name.empty()) continue;
        if (const Result<void> removed = files.remove(name); !removed) {
            log::warn("file.not_removed", "detail=\"{}\"", removed.error().detail);
        }
    }
}

/// What was written for a change that failed. A change in doubt may have happened: then its files
/// are the character's, and if they are not, they are swept later.
void remove_unless_in_doubt(const store::MediaStore& files, const Error& error,
                            const FileNames& names) {
    if (error.kind != ErrorKind::Busy) remove_files(files, names);
}

/// The files that `change` brings, which are written already.
FileNames new_files(const store::CharacterChange& change) {
    return {.image = change.image_file.value_or(""),
            .voice = change.voice_file.value_or(""),
            .sample = change.sample_file.value_or("")};
}

void add_unknown(std::vector<std::string>& warnings, const SettingsReport& report) {
    for (const std::string& key : report.unknown)
        warnings.push_back(key + ": is no setting here; it is kept and has no effect");
}

}  // namespace

/// A form in which nothing is wrong, and the files of it that were written.
struct Characters::Checked {
    store::CharacterChange change;
    std::vector<std::string> warnings;
    std::optional<audio::SampleReport> voice_sample;
    /// What is to be done to the recording, if that is new or otherwise than before.
    std::optional<audio::Preparation> preparation;
    std::vector<std::byte> sample;  // the WAV that it made; empty if it changes nothing
};

/// Which mind, ears and voice the settings mean is judged together with what the character has
/// already. What can never be is refused; what is only not here yet is a warning.
Result<void> Characters::check_mind(const CharacterForm& form, const store::CharacterRecord* before,
                                    Checked& checked) const {
    if (!form.llm_model && !form.llm_config && before != nullptr) return {};
    const std::string given =
        form.llm_config.value_or(before == nullptr ? "{}" : before->llm_config);
    SettingsReport report;
    TITANS_TRY(LlmConfig config, parse_llm_config(given, &report));
    if (form.llm_config) {
        add_unknown(checked.warnings, report);
        Secret key = config.api_key;
        if (before != nullptr && key.reveal() == "set") {
            TITANS_TRY(const LlmConfig old, parse_llm_config(before->llm_config));
            // Else whoever may change a character could have its key sent anywhere.
            if (!old.api_key.empty() && old.base_url != config.base_url) {
                return fail(ErrorKind::InvalidInput,
                            "llm_config.api_key: must be given again with another base_url");
            }
            key = old.api_key;  // sealed as it is
        } else if (is_placeholder(key.reveal())) {
            checked.warnings.emplace_back(
                "llm_config.api_key: stands for a key and is none; it counts as not given");
            key = Secret();
        } else if (!key.empty()) {
            key = Secret(parts_.secrets.seal(key));
        }
        config.api_key = key;
        checked.change.llm_config =
            report.has_api_key ? with_api_key(given, key) : *form.llm_config;
        if (config.trust_remote_code) {
            checked.warnings.emplace_back(
                "llm_config.trust_remote_code: has no effect; no code of a model is ever run");
        }
    }
    const std::string model = form.llm_model.value_or(before == nullptr ? "" : before->llm_model);
    const Result<MindChoice> choice = parts_.minds.choose(model, config);
    if (!choice && choice.error().kind == ErrorKind::InvalidInput)
        return std::unexpected(choice.error());
    if (!choice) checked.warnings.push_back(choice.error().message);
    return {};
}

Result<void> Characters::check_ears(const std::string& settings,
                                    std::vector<std::string>& warnings) const {
    SettingsReport report;
    TITANS_TRY(const SttSettings stt, parse_stt_settings(settings, &report));
    add_unknown(warnings, report);
    const auto missing = missing_ears(parts_.models, stt);
    if (missing && missing->kind == ErrorKind::InvalidInput) return std::unexpected(*missing);
    if (missing) warnings.push_back(missing->message);
    return {};
}

Result<void> Characters::check_voice(const CharacterForm& form,
                                     const store::CharacterRecord* before,
                                     std::vector<std::string>& warnings) const {
    if (!form.voice_cloning_settings && !form.voice) return {};
    SettingsReport report;
    TITANS_TRY(const VoiceSettings voice,
               parse_voice_settings(form.voice_cloning_settings.value_or(
                                        before == nullptr ? "{}" : before->voice_cloning_settings),
                                    &report));
    if (form.voice_cloning_settings) add_unknown(warnings, report);
    if (!voice.model_path.empty()) {
        auto found = parts_.models.check_local_voice(voice.model_path, voice.vocab_path);
        if (!found)
            return fail(ErrorKind::InvalidInput, found.error().message, found.error().detail);
    }
    const bool recorded = form.voice || (before != nullptr && !before->voice_file.empty());
    const std::string reason = parts_.voices.expected(voice, recorded).reason;
    if (!reason.empty() && (recorded || !voice.model.empty()))
        warnings.push_back("voice_cloning_settings: " + reason);
    if (reason.empty() && recorded) warnings.append_range(parts_.voices.warnings(voice));
    return {};
}

/// A recording that cannot be decoded to its end is refused; what it is like as a voice sample is
/// told. It is prepared here, and the one that the character has is prepared anew if it is to be
/// otherwise.
Result<void> Characters::check_recording(const CharacterForm& form,
                                         const store::CharacterRecord* before,
                                         Checked& checked) const {
    const bool recorded = form.voice || (before != nullptr && !before->voice_file.empty());
    if (!recorded || (!form.voice && !form.voice_cloning_settings)) return {};
    TITANS_TRY(const VoiceSettings voice,
               parse_voice_settings(form.voice_cloning_settings.value_or(
                   before == nullptr ? "{}" : before->voice_cloning_settings)));
    std::vector<std::byte> stored;
    std::span<const std::byte> bytes;
    if (form.voice) {
        bytes = std::as_bytes(std::span(form.voice->bytes));
        if (!audio::find_audio_kind(bytes)) {
            return fail(ErrorKind::InvalidInput,
                        "voice_cloning_audio: must be a WAV, MP3, FLAC or OGG recording");
        }
    } else if (sample_key(before->voice_file, voice.preparation) == before->sample_key) {
        return {};
    } else if (!voice.preparation.changes_nothing()) {
        auto read = parts_.files.read(before->voice_file);
        if (!read) return {};  // replaced meanwhile, perhaps: the background sees to it
        stored = *std::move(read);
        bytes = stored;
    }
    checked.preparation = voice.preparation;
    if (bytes.empty()) return {};
    TITANS_TRY(const audio::Audio recording, decode_sample(bytes, parts_.longest_audio, {}));
    if (form.voice) {
        TITANS_TRY(checked.voice_sample, audio::analyze(recording, {}));
    }
    if (!voice.preparation.changes_nothing()) {
        TITANS_TRY(checked.sample, prepare_sample(recording, voice.preparation, {}));
    }
    return {};
}

/// Everything that can be wrong with a form is found here, before anything is written. `before`:
/// the character that is to change, if there is one.
Result<Characters::Checked> Characters::check(CharacterForm& form,
                                              const store::CharacterRecord* before) const {
    Checked checked;
    store::CharacterChange& change = checked.change;
    if (form.name) TITANS_TRY_VOID(check_name(*form.name));
    if (form.llm_model) TITANS_TRY_VOID(check_model_name(*form.llm_model));
    TITANS_TRY_VOID(check_mind(form, before, checked));
    if (form.stt_settings) TITANS_TRY_VOID(check_ears(*form.stt_settings, checked.warnings));
    TITANS_TRY_VOID(check_voice(form, before, checked.warnings));
    if (form.image && !image_extension(form.image->bytes)) {
        return fail(ErrorKind::InvalidInput, "character_image: must be a PNG or JPEG picture");
    }
    TITANS_TRY_VOID(check_recording(form, before, checked));
    if (form.knowledge) {
        TITANS_TRY(const knowledge::Document document,
                   knowledge::read_document(form.knowledge->bytes, form.knowledge->name));
        change.passages = knowledge::cut_passages(document);
        change.knowledge = form.append_knowledge ? store::KnowledgeChange::Append
                                                 : store::KnowledgeChange::Replace;
    }
    if (form.style) {
        TITANS_TRY(change.style, knowledge::read_style(form.style->bytes));
    }
    if (form.name) change.slug_base = text::slug(*form.name);
    change.name = std::move(form.name);
    change.llm_model = std::move(form.llm_model);
    change.voice_cloning_settings = std::move(form.voice_cloning_settings);
    change.stt_settings = std::move(form.stt_settings);
    return checked;
}

Result<Characters::Checked> Characters::check_and_write(
    CharacterForm& form, const store::CharacterRecord* before) const {
    TITANS_TRY(Checked checked, check(form, before));
    const Result<void> written = write(form, before, checked);
    if (!written) {
        remove_files(parts_.files, new_files(checked.change));
        return std::unexpected(written.error());
    }
    return checked;
}

Result<void> Characters::write(const CharacterForm& form, const store::CharacterRecord* before,
                               Checked& checked) const {
    store::CharacterChange& change = checked.change;
    if (form.image) {
        TITANS_TRY(change.image_file,
                   parts_.files.write(std::as_bytes(std::span(form.image->bytes)),
                                      *image_extension(form.image->bytes)));
    }
    if (form.voice) {
        const auto bytes = std::as_bytes(std::span(form.voice->bytes));
        TITANS_TRY(
            change.voice_file,
            parts_.files.write(bytes, audio::file_extension(*audio::find_audio_kind(bytes))));
    }
    if (checked.preparation) {
        const std::string& voice = change.voice_file ? *change.voice_file : before->voice_file;
        change.sample_key = sample_key(voice, *checked.preparation);
        change.sample_file = "";
        if (!checked.sample.empty()) {
            TITANS_TRY(change.sample_file, parts_.files.write(checked.sample, "wav"));
        }
    }
    return {};
}

Task<Result<SavedCharacter>> Characters::create(CharacterForm form, std::stop_token stop) {
    if (!form.name) co_return fail(ErrorKind::InvalidInput, "name: is required");
    // Else each attempt would leave files behind while the database is away.
    TITANS_CO_TRY_VOID(co_await parts_.characters.check());
    TITANS_CO_TRY(Checked checked, co_await run_on(parts_.file_work, [this, &form] {
                      return check_and_write(form, nullptr);
                  }));
    store::CharacterChange& change = checked.change;
    const FileNames files = new_files(change);
    const std::size_t passages = change.passages.size();
    const Result<CharacterId> id = co_await parts_.characters.create(
        {.name = *std::move(change.name),
         .slug_base = std::move(change.slug_base),
         .llm_model = std::move(change.llm_model).value_or(""),
         .llm_config = std::move(change.llm_config).value_or("{}"),
         .voice_cloning_settings = std::move(change.voice_cloning_settings).value_or("{}"),
         .stt_settings = std::move(change.stt_settings).value_or("{}"),
         .image_file = files.image,
         .voice_file = files.voice,
         .sample_file = files.sample,
         .sample_key = std::move(change.sample_key).value_or(""),
         .style = std::move(change.style).value_or(std::vector<store::StyleExample>()),
         .passages = std::move(change.passages)});
    if (!id) {
        remove_unless_in_doubt(parts_.files, id.error(), files);
        co_return std::unexpected(id.error());
    }
    log::info("character.created", "character={} passages={}", id->value, passages);
    if (passages > 0) co_await parts_.embedding.embed_now(*id, kEmbeddingBudget, stop);
    // Last: who waits for create does not wait for this.
    if (!files.voice.empty()) parts_.samples.wake(*id);
    co_return SavedCharacter{*id, std::move(checked.warnings), checked.voice_sample};
}

Task<Result<SavedCharacter>> Characters::update(CharacterId id, CharacterForm form,
                                                std::stop_token stop) {
    TITANS_CO_TRY(const store::CharacterRecord known, co_await parts_.characters.find(id));
    TITANS_CO_TRY(Checked checked, co_await run_on(parts_.file_work, [this, &form, &known] {
                      return check_and_write(form, &known);
                  }));
    const FileNames files = new_files(checked.change);
    const bool prepared = checked.preparation.has_value();
    const std::size_t passages = checked.change.passages.size();
    const Result<store::CharacterRecord> before =
        co_await parts_.characters.update(id, std::move(checked.change));
    if (!before) {
        remove_unless_in_doubt(parts_.files, before.error(), files);
        co_return std::unexpected(before.error());
    }
    TITANS_CO_TRY_VOID(co_await run_on(parts_.file_work, [&] {
        remove_files(parts_.files, {.image = files.image.empty() ? "" : before->image_file,
                                    .voice = files.voice.empty() ? "" : before->voice_file,
                                    .sample = prepared ? before->sample_file : ""});
    }));
    log::info("character.updated", "character={} passages={}", id.value, passages);
    if (passages > 0) co_await parts_.embedding.embed_now(id, kEmbeddingBudget, stop);
    parts_.samples.wake(id);
    co_return SavedCharacter{id, std::move(checked.warnings), checked.voice_sample};
}

Task<Result<void>> Characters::remove(CharacterId id) {
    TITANS_CO_TRY(const store::CharacterRecord character, co_await parts_.characters.find(id));
    TITANS_CO_TRY_VOID(co_await parts_.characters.remove(id));
    parts_.samples.forget(id);
    co_return co_await run_on(parts_.file_work, [this, id, &character]() -> Result<void> {
        remove_files(parts_.files, {.image = character.image_file,
                                    .voice = character.voice_file,
                                    .sample = character.sample_file});
        TITANS_TRY_VOID(parts_.voices.forget(id));
        return parts_.audio.forget(id);
    });
}

Result<std::filesystem::path> Characters::picture(std::string_view name) const {
    if (!name.ends_with(".png") && !name.ends_with(".jpg"))
        return fail(ErrorKind::NotFound, "there is no such picture");
    return parts_.files.path(name);
}

Task<Result<void>> Characters::sweep() {
    TITANS_CO_TRY(const std::vector<store::CharacterRecord> all, co_await parts_.characters.list());
    for (const store::CharacterRecord& character : all) {
        const Result<LlmConfig> config = parse_llm_config(character.llm_config);
        if (!config || config->api_key.empty() ||
            store::SecretBox::is_sealed(config->api_key.reveal()))
            continue;
        store::CharacterChange change;
        change.llm_config =
            with_api_key(character.llm_config, Secret(parts_.secrets.seal(config->api_key)));
        TITANS_CO_TRY([[maybe_unused]] const auto before,
                      co_await parts_.characters.update(character.id, std::move(change)));
    }
    co_return co_await sweep_files();
}

Task<Result<void>> Characters::sweep_files() {
    TITANS_CO_TRY(const std::vector<store::CharacterRecord> all, co_await parts_.characters.list());
    std::set<CharacterId> ids;
    for (const store::CharacterRecord& character : all) ids.insert(character.id);
    TITANS_CO_TRY(const std::vector<std::string> names, co_await parts_.characters.file_names());
    co_return co_await run_on(parts_.file_work, [this, &names, &ids]() -> Result<void> {
        TITANS_TRY_VOID(parts_.files.sweep(names));
        TITANS_TRY_VOID(parts_.voices.sweep(ids));
        return parts_.audio.sweep(ids);
    });
}

Task<> Characters::tidy() {
    parts_.samples.wake();
    if (const auto forgotten = co_await parts_.characters.forget_session_turns(kSessionsKept);
        !forgotten) {
        log::warn("sessions.not_tidied", "message=\"{}\"", forgotten.error().message);
    }
    const Result<void> trimmed = co_await run_on(
        parts_.file_work, [this] { parts_.audio.trim(); }, Executor::Priority::Background);
    if (!trimmed) log::warn("audio.not_tidied", "message=\"{}\"", trimmed.error().message);
    if (const Result<void> swept = co_await sweep_files(); !swept)
        log::warn("files.not_tidied", "message=\"{}\"", swept.error().message);
}

}  // namespace titans::character
