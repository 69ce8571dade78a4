#include "hearing/whisper/vocabulary.h"

#include <array>
#include <format>

namespace titans::hearing::whisper {
namespace {

/// The vocabulary of the English-only models is GPT-2's, with this number of tokens of text.
constexpr int kGpt2Texts = 50256;

Result<int> find(std::span<const std::string> tokens, std::string_view token) {
    const auto found = std::ranges::find(tokens, token);
    if (found == tokens.end()) {
        return fail(ErrorKind::Unsupported,
                    std::format("the model file's vocabulary has no {}", token));
    }
    return static_cast<int>(found - tokens.begin());
}

}  // namespace

Result<Vocabulary> Vocabulary::read(const engine::GgufFile& file, int size) {
    TITANS_TRY(const std::vector<std::string> tokens, file.texts("tokenizer.tokens"));
    if (std::cmp_not_equal(tokens.size(), size)) {
        return fail(ErrorKind::Unsupported,
                    "the model file's vocabulary has another number of tokens than the model");
    }
    TITANS_TRY(const int end, find(tokens, "<|endoftext|>"));
    TITANS_TRY(text::BytePairs text,
               text::BytePairs::make(std::span(tokens).first(static_cast<std::size_t>(end))));
    Vocabulary made(std::move(text));
    made.size_ = size;
    made.end_ = end;
    TITANS_TRY_VOID(made.find_steering_tokens(tokens));
    TITANS_TRY_VOID(made.read_suppressed(file));
    return made;
}

Result<void> Vocabulary::find_steering_tokens(std::span<const std::string> tokens) {
    TITANS_TRY(start_, find(tokens, "<|startoftranscript|>"));
    TITANS_TRY(const int translate, find(tokens, "<|translate|>"));
    TITANS_TRY(transcribe_, find(tokens, "<|transcribe|>"));
    TITANS_TRY(start_of_previous_, find(tokens, "<|startofprev|>"));
    TITANS_TRY(no_timestamps_, find(tokens, "<|notimestamps|>"));
    // Of two names, by the age of the checkpoint.
    const auto new_name = find(tokens, "<|nospeech|>");
    TITANS_TRY(no_speech_, new_name ? new_name : find(tokens, "<|nocaptions|>"));
    if (start_ <= end_ || translate <= start_ || no_timestamps_ < translate) {
        return fail(ErrorKind::Unsupported,
                    "the model file's vocabulary is in another order than Whisper's");
    }
    is_multilingual_ = end_ != kGpt2Texts;
    for (int id = start_ + 1; is_multilingual_ && id < translate; ++id) {
        const std::string_view token = tokens[static_cast<std::size_t>(id)];
        if (token.starts_with("<|") && token.ends_with("|>") && token.size() > 4)
            languages_.emplace(token.substr(2, token.size() - 4), id);
    }
    if (is_multilingual_ && languages_.empty())
        return fail(ErrorKind::Unsupported, "the model file's vocabulary has no languages");
    return {};
}

Result<void> Vocabulary::read_suppressed(const engine::GgufFile& file) {
    const auto read = [&](const char* key, std::vector<int>& list) -> Result<void> {
        TITANS_TRY(const std::vector<std::int64_t> ids, file.integers(key));
        for (const std::int64_t id : ids) {
            if (id < 0 || id >= size_) {
                return fail(ErrorKind::Unsupported,
                            std::format("the model file's {} are none of its tokens", key));
            }
            list.push_back(static_cast<int>(id));
        }
        return {};
    };
    if (file.has("whisper.suppress_tokens")) {
        TITANS_TRY_VOID(read("whisper.suppress_tokens", suppressed_));
    } else {
        suppress_captions();
    }
    for (int id = end_ + 1; id < size_; ++id) suppressed_.push_back(id);
    if (file.has("whisper.begin_suppress_tokens")) {
        TITANS_TRY_VOID(read("whisper.begin_suppress_tokens", suppressed_first_));
    } else {
        suppressed_first_ = text_.encode(" ");
        suppressed_first_.push_back(end_);
    }
    return {};
}

/// What stands for a sound rather than for a word: brackets, notes, rows of dashes (openai/whisper,
/// tokenizer.py, non_speech_tokens). Whisper writes captions with them.
void Vocabulary::suppress_captions() {
    static constexpr auto kMarks = std::to_array<std::string_view>(
        {"\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",  ">",
         "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",  "「",
         "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[", "('",
         "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪"});
    // Of which the first of several tokens tells.
    static constexpr auto kNotes =
        std::to_array<std::string_view>({"♩", "♪", "♫", "♬", "♭", "♮", "♯"});
    const auto suppress = [&](std::string_view mark, bool first_of_several) {
        for (const std::string& text : {std::string(mark), " " + std::string(mark)}) {
            const std::vector<int> tokens = text_.encode(text);
            if (tokens.size() == 1 || first_of_several) suppressed_.push_back(tokens.front());
        }
    };
    for (const std::string_view mark : kMarks) suppress(mark, false);
    for (const std::string_view note : kNotes) suppress(note, true);
    // Within words both are allowed.
    suppressed_.push_back(text_.encode(" -").front());
    suppressed_.push_back(text_.encode(" '").front());
}

std::string Vocabulary::text(std::span<const int> tokens) const {
    std::string text;
    for (const int token : tokens)
        if (token < end_) text += text_.bytes(token);
    return text;
}

}  // namespace titans::hearing::whisper
