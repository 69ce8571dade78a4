#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/audio.h"

namespace titans::audio {

/// A file of FFmpeg's muxer `format`, made by its encoder `codec`, from the same samples in each of
/// `channels`. Empty if this machine's FFmpeg lacks the encoder.
std::vector<std::byte> encode_for_test(const Audio& audio, const std::string& format,
                                       const std::string& codec, int channels = 1);

/// The sentence of LibriVox that the platform's packages hold under `number` (870, 880, 890, 920 or
/// 930), 16 kHz, as loud as can be; nothing where they are not installed.
std::optional<Audio> load_sentence(int number);

/// Of two signals that begin together: 1 if they are the same but for their levels.
double correlation(std::span<const float> one, std::span<const float> other);

/// `seconds` of a sine of `hz` and `amplitude`.
Audio make_sine(SampleRate rate, double seconds, double hz, float amplitude = 0.5F);

/// The level of what remains of `samples` when the best fitting sine of `hz` is taken away,
/// relative to that sine.
double residual_db(std::span<const float> samples, SampleRate rate, double hz);

double rms(std::span<const float> samples);

/// How strong `hz` is in `samples`: the amplitude of the best fitting sine.
double amplitude_at(std::span<const float> samples, SampleRate rate, double hz);

}  // namespace titans::audio
