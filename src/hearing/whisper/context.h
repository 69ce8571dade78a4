#pragma once

#include <span>
#include <vector>

namespace titans::hearing::whisper {

/// What the decoder takes for the text before a window: words to expect, and what was written of
/// the windows before (openai/whisper, transcribe.py: condition_on_previous_text,
/// carry_initial_prompt).
class Context {
public:
    /// `expected`: tokens of the words; `room`: tokens that fit before a window, the one included
    /// that says that they do stand before it.
    Context(std::vector<int> expected, int room);

    /// A text written at a high temperature is none to go on from, and with it all before it.
    void add(std::span<const int> written, double temperature);

    /// The end of the expected words and that of what was written, as much of each as there is room
    /// for, the words first; behind `start_of_previous`. Nothing if there is neither.
    std::vector<int> tokens(int start_of_previous) const;

private:
    std::vector<int> expected_;
    std::size_t room_;
    std::vector<int> written_;
};

}  // namespace titans::hearing::whisper
