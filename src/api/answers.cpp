#include "api/answers.h"

#include "api/status.h"
#include "character/llm_config.h"
#include "character/speech_settings.h"

namespace titans::api {
namespace {

using nlohmann::json;

json milliseconds(const std::optional<Milliseconds>& time) {
    if (!time) return nullptr;
    return std::round(time->count() * 10) / 10;
}

json timings_json(const character::Timings& timings) {
    return {{"decode", milliseconds(timings.decode)},
            {"recognise", milliseconds(timings.recognise)},
            {"recall", milliseconds(timings.recall)},
            {"voice", milliseconds(timings.voice)},
            {"first_token", milliseconds(timings.first_token)},
            {"text", milliseconds(timings.text)},
            {"first_audio", milliseconds(timings.first_audio)},
            {"total", milliseconds(timings.total)},
            {"prompt_tokens", timings.prompt_tokens},
            {"cached_tokens", timings.cached_tokens},
            {"completion_tokens", timings.completion_tokens}};
}

json voice_json(const character::VoiceUsed& voice) {
    json result{{"engine", voice.engine}, {"cloned", voice.cloned}, {"reason", voice.reason}};
    if (!voice.excerpt.empty()) result["excerpt"] = voice.excerpt;
    if (!voice.device.empty()) result["device"] = voice.device;
    if (voice.nfe_step) result["nfe_step"] = *voice.nfe_step;
    if (voice.seed) result["seed"] = *voice.seed;
    return result;
}

json sources_json(const knowledge::Recollection& recalled) {
    json sources = json::array();
    for (const auto& passage : recalled.passages) {
        sources.push_back({{"text", passage.text}, {"score", passage.score}});
    }
    return sources;
}

std::string knowledge_context(const knowledge::Recollection& recalled) {
    std::string context;
    for (std::size_t i = 0; i < recalled.passages.size(); ++i) {
        context += std::format("{}Document {}: {}", i == 0 ? "" : "\n\n", i + 1,
                               recalled.passages[i].text);
    }
    return context;
}

/// Settings as they were given, with the defaults of what was left out, but for the key, which
/// never leaves the server.
template <typename Parse>
nlohmann::ordered_json settings_json(const std::string& text, Parse parse) {
    character::SettingsReport report{.unknown = {}, .shown = text};
    // What an earlier version took and this one would not is shown as it is.
    [[maybe_unused]] const auto parsed = parse(text, &report);
    auto settings =
        nlohmann::ordered_json::parse(report.shown, nullptr, /*allow_exceptions=*/false);
    if (settings.contains("api_key")) settings["api_key"] = "set";
    return settings;
}

json stt_json(const character::EarsUsed& ears) {
    return {{"engine", ears.engine},
            {"language", ears.language.empty() ? json(nullptr) : json(ears.language)},
            {"confidence", std::round(double{ears.confidence} * 1000) / 1000}};
}

struct Named {
    std::string_view name;
    json data;
};

struct EventToJson {
    const std::string& base;

    Named operator()(const character::Transcribed& event) const {
        return {"transcribed", {{"text", event.text}, {"language", event.language}}};
    }
    Named operator()(const knowledge::Recollection& event) const {
        return {"recalled",
                {{"passages", sources_json(event)}, {"lexical_only", event.lexical_only}}};
    }
    Named operator()(const character::TextPiece& event) const {
        return {"text", {{"text", event.text}}};
    }
    Named operator()(const character::SentenceWritten& event) const {
        return {"sentence", {{"index", event.index}, {"text", event.text}}};
    }
    Named operator()(const character::SentenceSpoken& event) const {
        return {"audio",
                {{"index", event.index},
                 {"sentences", event.sentences},
                 {"url", audio_url(base, event.file)},
                 {"seconds", std::round(event.duration.count() * 1000) / 1000}}};
    }
    Named operator()(const character::Answer& event) const {
        return {"done", answer_json(event, base)};
    }
    Named operator()(const Error& event) const {
        json body = error_body(event.message);
        body["code"] = static_cast<int>(status_of(event.kind));
        return {"failed", std::move(body)};
    }
};

}  // namespace

std::string audio_url(const std::string& base, const character::AudioFile& file) {
    return std::format("{}/serve-audio/{}/{}", base, file.slug, file.name);
}

json sample_json(const audio::SampleReport& report) {
    const auto rounded = [](double value, double steps) {
        return std::round(value * steps) / steps;
    };
    return {{"seconds", rounded(report.seconds, 100)},
            {"speech_seconds", rounded(report.speech_seconds, 100)},
            {"loudness_lufs", rounded(report.loudness_lufs, 10)},
            {"snr_db", rounded(report.snr_db, 10)},
            {"clipped_share", rounded(report.clipped_share, 1e6)},
            {"warnings", audio::warnings(report)}};
}

json answer_json(const character::Answer& answer, const std::string& base) {
    json body{{answer.question_was_spoken ? "transcribed_question" : "question", answer.question},
              {"text_response", answer.text},
              {"truncated", answer.truncated},
              {"audio_url", answer.audio ? json(audio_url(base, *answer.audio)) : json(nullptr)},
              {"knowledge_context", knowledge_context(answer.recalled)},
              {"character_name", answer.character_name},
              {"sources", sources_json(answer.recalled)},
              {"mind", {{"engine", answer.mind.engine}, {"model", answer.mind.model}}},
              {"voice", voice_json(answer.voice)},
              {"timings", timings_json(answer.timings)},
              {"warnings", answer.warnings},
              {"status", "success"}};
    if (answer.question_was_spoken) body["stt"] = stt_json(answer.ears);
    return body;
}

json character_json(const store::CharacterRecord& character, const std::string& base) {
    json result{{"id", character.id.value},
                {"name", character.name},
                {"image_url", nullptr},
                {"llm_model", character.llm_model},
                {"created_at", character.created_at}};
    if (!character.image_file.empty()) {
        result["image_url"] =
            std::format("{}/serve-image/{}/{}", base, character.slug, character.image_file);
    }
    return result;
}

json character_json(const store::CharacterRecord& character, const std::string& base,
                    const std::optional<character::ReferenceText>& reference) {
    json result = character_json(character, base);
    result["llm_config"] = settings_json(character.llm_config, character::parse_llm_config);
    result["voice_cloning_settings"] =
        settings_json(character.voice_cloning_settings, character::parse_voice_settings);
    result["stt_settings"] = settings_json(character.stt_settings, character::parse_stt_settings);
    result["voice_reference"] = nullptr;
    if (reference) {
        result["voice_reference"] = {
            {"text", reference->text ? json(*reference->text) : json(nullptr)},
            {"transcribed", reference->transcribed},
            {"warnings", reference->warnings}};
    }
    return result;
}

std::string event_text(const character::Event& event, const std::string& base) {
    const Named named = std::visit(EventToJson{base}, event);
    // JSON without line breaks, so that it is one `data:` line.
    return std::format("event: {}\ndata: {}\n\n", named.name,
                       named.data.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace titans::api
