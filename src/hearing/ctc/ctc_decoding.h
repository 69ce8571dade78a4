#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "foundation/error.h"
#include "hearing/speech_recognizer.h"

namespace titans::hearing::ctc {

/// What the outputs of a network with a CTC head stand for.
struct Vocabulary {
    std::vector<std::string> tokens;  // UTF-8
    int blank = 0;                    // nothing, or more of the same
    int delimiter = 0;                // between words
    std::vector<bool> is_special;     // by token: of training, and no text
    bool lowers_case = false;         // the model's own files ask for lower case
};

/// From the file's tokenizer. Errors: Unsupported, naming the key, if it has not as many tokens as
/// `size`, or lacks the blank's or the delimiter.
Result<Vocabulary> read_vocabulary(const engine::GgufFile& file, int size);

/// The likeliest token at a moment.
struct Choice {
    int token = 0;
    float probability = 0;
};

/// Adds a Choice for each row of `logits`, [frames, tokens], to `choices`.
void choose(std::span<const float> logits, std::size_t tokens, std::vector<Choice>& choices);

/// The words that `choices`, one a frame of `frame` milliseconds, spell: repeated tokens are one
/// unless a blank lies between (Graves et al. 2006, greedy). A letter is as probable as its frames
/// are on average, a word as its letters.
std::vector<Word> spell(std::span<const Choice> choices, const Vocabulary& vocabulary,
                        Milliseconds frame);

/// Makes words of a vocabulary without lower case, as the official English models have, what a
/// person would write: lower case, the first with a capital, and the English "I". Others stay as
/// they are. `language`: ISO 639-1, or empty.
void write_readably(std::vector<Word>& words, const Vocabulary& vocabulary,
                    const std::string& language);

}  // namespace titans::hearing::ctc
