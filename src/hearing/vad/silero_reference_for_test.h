#pragma once

#include <array>

namespace titans::hearing::vad {

/// What the network answers with the test's weights and signal. Made by
/// tools/reference/silero_vad.py.
// clang-format off
inline constexpr std::array<float, 40> kReference{
    0.546851218F,
    0.532793437F,
    0.555378598F,
    0.832369383F,
    0.877900342F,
    0.904825833F,
    0.408741447F,
    0.450247667F,
    0.622797754F,
    0.868933360F,
    0.823454340F,
    0.617580862F,
    0.326088422F,
    0.495555404F,
    0.570702957F,
    0.655978914F,
    0.770106672F,
    0.599601944F,
    0.252956847F,
    0.359608558F,
    0.425993052F,
    0.549354653F,
    0.778092100F,
    0.651968228F,
    0.351453108F,
    0.519931517F,
    0.558622164F,
    0.606923624F,
    0.650389598F,
    0.822067976F,
    0.493016720F,
    0.405546702F,
    0.426908507F,
    0.674028324F,
    0.757787663F,
    0.400694830F,
    0.141060428F,
    0.190397757F,
    0.345603866F,
    0.616612913F,
};
// clang-format on

}  // namespace titans::hearing::vad
