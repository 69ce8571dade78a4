#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

/// What can be said of a voice sample before anybody speaks with its voice.
struct SampleReport {
    double seconds = 0;
    double speech_seconds = 0;  // of what stands 6 dB above the noise
    double loudness_lufs = 0;   // EBU R128; -70 if it cannot be measured
    double snr_db = 0;          // of that speech over the noise, estimated: 0 to 80
    double clipped_share = 0;   // of the samples, 0 to 1: those in a row at full scale
    double peak = 0;            // the largest absolute sample, of 1
};

/// Errors: Cancelled; Internal.
Result<SampleReport> analyze(const Audio& audio, std::stop_token stop);

/// What is wrong with the sample, and what helps, in sentences for the person who recorded it;
/// empty if nothing is.
std::vector<std::string> warnings(const SampleReport& report);

}  // namespace titans::audio
