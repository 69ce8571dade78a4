#pragma once

#include <vector>

#include "audio/audio.h"

namespace titans::audio {

/// Something with the rhythm, the pauses and the spectrum of speech, at about -20 dB; the same in
/// every call.
Audio make_speech(SampleRate rate, double seconds);

/// `audio` with white noise that is `snr_db` below the mean of all of it.
Audio with_noise(const Audio& audio, double snr_db, unsigned seed = 1);

/// Read sentences, 25 s together, one behind the other at 16 kHz; empty where this machine has
/// none.
std::vector<Audio> recorded_sentences();

/// `parts` one behind the other.
Audio concatenated(const std::vector<Audio>& parts);

Audio make_silence(SampleRate rate, double seconds);

/// How far `audio` is from being `reference` at some level, in dB.
double snr_db(const Audio& reference, const Audio& audio);

}  // namespace titans::audio
