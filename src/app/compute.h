#pragma once

#include "config/settings.h"
#include "engine/layers/device.h"

namespace titans::app {

/// What `settings` say that networks are computed on. Errors: as engine::Devices::open().
inline Result<engine::Devices> open_devices(const config::Settings& settings) {
    using Precision = config::Settings::Compute::Precision;
    const auto precision = [&] {
        switch (settings.compute.precision) {
            case Precision::Auto:
                return engine::native_precision();
            case Precision::F32:
                return engine::Precision::F32;
            case Precision::Bf16:
                return engine::Precision::Bf16;
            case Precision::Int8:
                return engine::Precision::Int8;
        }
        std::unreachable();
    };
    const auto gpus = [&] {
        if (!settings.compute.gpu) return engine::UseGpus::WithMemoryOfTheirOwn;
        return *settings.compute.gpu ? engine::UseGpus::Any : engine::UseGpus::Never;
    };
    return engine::Devices::open(
        {.threads = settings.compute.threads, .precision = precision(), .gpus = gpus()});
}

}  // namespace titans::app
