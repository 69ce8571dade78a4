#pragma once

#include <whisper.h>

#include <filesystem>
#include <memory>

#include "foundation/error.h"

namespace titans::engine {

struct WhisperContextDeleter {
    void operator()(whisper_context* context) const noexcept { whisper_free(context); }
};
struct WhisperStateDeleter {
    void operator()(whisper_state* state) const noexcept { whisper_free_state(state); }
};

/// A Whisper model of libwhisper's format and the memory to run it once at a time.
class WhisperModel {
public:
    /// Loads ggml's backends if that was not done. Errors: NotFound if there is no such file;
    /// Unsupported if it is not a Whisper model; Internal.
    static Result<WhisperModel> load(const std::filesystem::path& path);

    whisper_context* context() const { return context_.get(); }
    whisper_state* state() const { return state_.get(); }

private:
    WhisperModel() = default;

    std::unique_ptr<whisper_context, WhisperContextDeleter> context_;
    std::unique_ptr<whisper_state, WhisperStateDeleter> state_;
};

}  // namespace titans::engine
