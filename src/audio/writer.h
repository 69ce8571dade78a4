#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

/// The files that spoken answers may be. Opus lies in an Ogg container.
enum class AudioFormat : std::uint8_t { Wav, Mp3, Opus, Flac };

/// "wav", "mp3", "opus" or "flac"; nothing for any other word.
std::optional<AudioFormat> parse_format(std::string_view word);

/// The end of a file name: "wav", "mp3", "ogg" or "flac".
std::string_view file_extension(AudioFormat format);

/// "audio/wav", "audio/mpeg", "audio/ogg" or "audio/flac".
std::string_view media_type(AudioFormat format);

/// What `normalize_loudness` makes of an answer: usual for speech on the web.
inline constexpr double kSpeechLoudness = -16;  // LUFS

struct WriteOptions {
    AudioFormat format = AudioFormat::Wav;
    /// Turned up or down to this integrated loudness (EBU R128), by 30 dB at most; what is too
    /// short or quiet to measure (less than 0.4 s, or below -70 LUFS) is left as it is.
    std::optional<double> loudness_lufs = {};
};

/// `audio` as a file: mono; WAV and FLAC of 16 bits, dithered; MP3 and Opus at a quality that is
/// hard to tell from the original. Peaks are limited, never clipped: to full scale, or to -1 dB for
/// MP3 and Opus, which miss a peak by a little. What is not a number becomes silence. A decoder
/// that heeds the encoder's delay, as decode() does, gives back as many samples as went in; only a
/// rate that the format has not becomes 48 kHz. The same audio gives the same bytes.
///
/// Thread-safe. Polls `stop`. Errors: Unsupported if the format is not in this build; Cancelled;
/// Internal.
Result<std::vector<std::byte>> write(const Audio& audio, const WriteOptions& options,
                                     std::stop_token stop);

}  // namespace titans::audio
