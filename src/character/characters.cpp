#include "character/characters.h"

#include "audio/kind.h"
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

constexpr std::size_t kLongestName = 100;  // characters
constexpr std::chrono::seconds kEmbeddingBudget{2};

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

/// Everything that can be wrong with a form is found here, before anything is written.
Result<store::NewCharacter> read_form(CharacterForm& form) {
    TITANS_TRY_VOID(check_name(form.name));
    TITANS_TRY([[maybe_unused]] const auto llm, parse_llm_config(form.llm_config));
    TITANS_TRY([[maybe_unused]] const auto voice,
               parse_voice_settings(form.voice_cloning_settings));
    TITANS_TRY([[maybe_unused]] const auto stt, parse_stt_settings(form.stt_settings));

    store::NewCharacter character;
    if (form.image && !image_extension(form.image->bytes)) {
        return fail(ErrorKind::InvalidInput, "character_image: must be a PNG or JPEG picture");
    }
    if (form.voice && !audio::find_audio_kind(std::as_bytes(std::span(form.voice->bytes)))) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_audio: must be a WAV, MP3, FLAC or OGG recording");
    }
    if (form.knowledge) {
        TITANS_TRY(const knowledge::Document document,
                   knowledge::read_document(form.knowledge->bytes, form.knowledge->name));
        character.passages = knowledge::cut_passages(document);
    }
    if (form.style) {
        TITANS_TRY(character.style, knowledge::read_style(form.style->bytes));
    }
    character.slug_base = text::slug(form.name);
    character.name = std::move(form.name);
    character.llm_model = std::move(form.llm_model);
    character.llm_config = std::move(form.llm_config);
    character.voice_cloning_settings = std::move(form.voice_cloning_settings);
    character.stt_settings = std::move(form.stt_settings);
    return character;
}

Result<void> write_files(const CharacterForm& form, const store::MediaStore& files,
                         store::NewCharacter& character) {
    if (form.image) {
        TITANS_TRY(character.image_file, files.write(std::as_bytes(std::span(form.image->bytes)),
                                                     *image_extension(form.image->bytes)));
    }
    if (form.voice) {
        const auto bytes = std::as_bytes(std::span(form.voice->bytes));
        TITANS_TRY(character.voice_file,
                   files.write(bytes, audio::file_extension(*audio::find_audio_kind(bytes))));
    }
    return {};
}

void remove_files(const store::MediaStore& files, std::string_view image, std::string_view voice) {
    for (const std::string_view name : {image, voice}) {
        if (name.empty()) continue;
        if (const Result<void> removed = files.remove(name); !removed) {
            log::warn("file.not_removed", "detail=\"{}\"", removed.error().detail);
        }
    }
}

}  // namespace

Task<Result<CharacterId>> Characters::create(CharacterForm form, std::stop_token stop) {
    TITANS_CO_TRY(store::NewCharacter character,
                  co_await run_on(parts_.file_work, [this, &form]() -> Result<store::NewCharacter> {
                      TITANS_TRY(store::NewCharacter read, read_form(form));
                      TITANS_TRY_VOID(write_files(form, parts_.files, read));
                      return read;
                  }));
    const std::string image = character.image_file;
    const std::string voice = character.voice_file;
    const std::size_t passages = character.passages.size();
    Result<CharacterId> id = co_await parts_.characters.create(std::move(character));
    if (!id) {
        remove_files(parts_.files, image, voice);
        co_return id;
    }
    log::info("character.created", "character={} passages={}", id->value, passages);
    if (passages > 0) co_await parts_.embedding.embed_now(*id, kEmbeddingBudget, stop);
    co_return id;
}

Task<Result<void>> Characters::remove(CharacterId id) {
    TITANS_CO_TRY(const store::CharacterRecord character, co_await parts_.characters.find(id));
    TITANS_CO_TRY_VOID(co_await parts_.characters.remove(id));
    co_return co_await run_on(parts_.file_work, [this, &character] {
        remove_files(parts_.files, character.image_file, character.voice_file);
    });
}

Result<std::filesystem::path> Characters::picture(std::string_view name) const {
    if (!name.ends_with(".png") && !name.ends_with(".jpg"))
        return fail(ErrorKind::NotFound, "there is no such picture");
    return parts_.files.path(name);
}

Task<Result<void>> Characters::sweep() {
    TITANS_CO_TRY(const std::vector<std::string> names, co_await parts_.characters.file_names());
    co_return co_await run_on(parts_.file_work,
                              [this, &names] { return parts_.files.sweep(names); });
}

}  // namespace titans::character
