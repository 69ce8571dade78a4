#pragma once

#include "config/settings.h"
#include "engine/layers/device.h"

namespace titans::app {

/// What `settings` say that networks are computed on. Errors: as engine::Device::open.
inline Result<engine::Compute> open_compute(const config::Settings& settings) {
    using Precision = config::Settings::Compute::Precision;
    TITANS_TRY(std::shared_ptr<engine::Device> device,
               engine::Device::open({.threads = settings.compute.threads}));
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
    return engine::Compute{.device = std::move(device), .precision = precision()};
}

}  // namespace titans::app
