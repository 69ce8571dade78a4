#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "audio/audio.h"

namespace titans::audio {

/// The mean square of frames of `size` samples, one at every `hop` samples and centred there;
/// beyond the ends is silence. There are 1 + samples / hop.
std::vector<double> frame_energies(std::span<const float> samples, std::size_t size,
                                   std::size_t hop);

/// In dB of a full-scale square wave; -100 at least.
double energy_db(double energy);

/// What is speech and what is noise, told apart by energy alone.
struct EnergyEstimate {
    double noise = 0;   // mean square of the quietest tenth of what is not digital silence
    double speech = 0;  // mean square of what stands above the noise, with the noise
    double speech_seconds = 0;
};
EnergyEstimate estimate_energy(const Audio& audio);

}  // namespace titans::audio
