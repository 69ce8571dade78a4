#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "character/characters.h"
#include "character/turn.h"

namespace titans::api {

/// The words of the API for what character/ gives. `base` is where clients reach the server,
/// without a slash.

std::string audio_url(const std::string& base, const character::AudioFile& file);

/// What a voice sample is like, with advice about it.
nlohmann::json sample_json(const audio::SampleReport& report);

nlohmann::json answer_json(const character::Answer& answer, const std::string& base);

/// As get-characters lists it.
nlohmann::json character_json(const store::CharacterRecord& character, const std::string& base);

/// As get-character shows it: with the settings, and the words of its recording.
nlohmann::json character_json(const store::CharacterRecord& character, const std::string& base,
                              const std::optional<character::ReferenceText>& reference);

/// One server-sent event, with its closing blank line.
std::string event_text(const character::Event& event, const std::string& base);

}  // namespace titans::api
