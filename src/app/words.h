#pragma once

#include <span>
#include <string_view>

#include "config/settings.h"

namespace titans::app {

using Arguments = std::span<const std::string_view>;

/// The words of `titans` that work in this process. Each returns its exit status.

int serve(Arguments arguments, const config::Settings& settings);

/// convert KIND IN OUT: in a sandbox, so it reads no settings.
int convert(Arguments arguments);
/// prepare IN OUT.wav: a voice sample as `voice_cloning_settings` would have it.
int prepare(Arguments arguments);

int models(Arguments arguments, const config::Settings& settings);
int transcribe(Arguments arguments, const config::Settings& settings);
int say(Arguments arguments, const config::Settings& settings);

/// Prints "titans: ..." on standard error; returns 1.
int complain(std::string_view sentence);

}  // namespace titans::app
