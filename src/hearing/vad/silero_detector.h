#pragma once

#include <array>
#include <filesystem>
#include <memory>

#include "foundation/error.h"
#include "hearing/vad/voice_activity_detector.h"

namespace titans::hearing::vad {

/// What every detector of the process shares: 1.2 MB.
class SileroWeights;

/// Reads the catalogue's silero-vad: a GGUF file of the ONNX model's tensors. Errors: NotFound;
/// Unsupported if a tensor is missing or of another shape.
Result<std::shared_ptr<const SileroWeights>> load_silero(const std::filesystem::path& model);

/// Silero VAD 6 for 16 kHz (github.com/snakers4/silero-vad; the graph of silero_vad_16k_op15.onnx):
/// the magnitudes of a short Fourier transform, four convolutions, an LSTM, and one output.
class SileroDetector final : public VoiceActivityDetector {
public:
    explicit SileroDetector(std::shared_ptr<const SileroWeights> weights);

    float step(std::span<const float, kStep> samples) override;
    void reset() override;

private:
    static constexpr std::size_t kContext = 64;  // samples of the step before, and mirrored ones
    static constexpr std::size_t kState = 128;   // width of the LSTM

    std::shared_ptr<const SileroWeights> weights_;
    std::array<float, kContext> context_{};
    std::array<float, kState> hidden_{};
    std::array<float, kState> cell_{};
};

}  // namespace titans::hearing::vad
