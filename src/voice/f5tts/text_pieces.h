#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace titans::voice::f5tts {

/// A long text in pieces of at most `longest` UTF-8 bytes, cut behind punctuation
/// (f5_tts/infer/utils_infer.py, chunk_text()); a piece without any may be longer.
std::vector<std::string> cut_text(std::string_view text, std::size_t longest);

/// The longest text to speak in one piece, in UTF-8 bytes: with a recording of `seconds`, whose
/// words have `reference_bytes`, about 22 s (infer_process()).
std::size_t longest_piece(double seconds, std::size_t reference_bytes, double speed);

/// Frames of recording and speech together (infer_batch_process()): the new text takes as long a
/// byte as the recording's words, very short ones more. reference_samples: at kRate.
int piece_frames(std::size_t reference_samples, std::size_t reference_bytes, std::size_t text_bytes,
                 double speed);

/// The recording's words, ending in a full stop and a space (preprocess_ref_audio_text()).
std::string end_reference_text(std::string text);
/// Those words as they stand before a new text: with one more space if they do not end in a wide
/// character (infer_batch_process()).
std::string before_new_text(std::string reference_text);

/// The pieces one after the other, each `seconds` faded into the one before.
std::vector<float> cross_fade(const std::vector<std::vector<float>>& pieces, double seconds);

}  // namespace titans::voice::f5tts
