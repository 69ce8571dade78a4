#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace titans::text {

class SentenceSpeller;

/// Text as words that a voice can read: numbers, dates, times, money, units, usual abbreviations
/// and symbols, as they are said in one language.
///
/// The last of three steps: speakable() takes out what is not to be said (Markdown, emojis, URLs),
/// a SentenceCutter cuts, this spells each sentence. Numbers, units, currencies and months are
/// spelled by ICU, so in every language that it has (some 90); the little words between them
/// ("to", "o'clock") and the abbreviations stand in tables for some. What is not understood stays
/// as it is, all of it in a language that ICU cannot spell.
///
/// Not thread-safe; costly to make (some ms), cheap to use again.
class SpokenForm {
public:
    /// `language`: BCP 47; its region decides between "11/12" in November and in December.
    explicit SpokenForm(std::string_view language);
    ~SpokenForm();

    /// `text`: UTF-8. The result is valid UTF-8, without soft hyphens and zero-width spaces.
    std::string of(std::string_view text);

private:
    std::unique_ptr<SentenceSpeller> speller_;
};

}  // namespace titans::text
