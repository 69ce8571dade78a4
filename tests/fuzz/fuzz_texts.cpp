// Text of clients and minds, on its way to a voice.

#include <array>
#include <cstdlib>

#include "text/chinese_words.h"
#include "text/sentence_stream.h"
#include "text/speakable.h"
#include "text/spoken_form.h"
#include "text/utf8.h"

using namespace titans;

namespace {

std::vector<std::string> sentences(std::string_view text, std::size_t piece) {
    text::SentenceStream stream;
    std::vector<std::string> all;
    const auto take = [&all](std::vector<std::string> some) {
        all.insert(all.end(), some.begin(), some.end());
    };
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
        take(stream.push(text.substr(0, piece)));
    }
    take(stream.flush());
    return all;
}

/// In a language of each kind: month before day, comma in numbers, gender, no spaces, right to
/// left.
void spell(std::string_view text) {
    static std::array forms{text::SpokenForm("en"), text::SpokenForm("de"), text::SpokenForm("fr"),
                            text::SpokenForm("ru"), text::SpokenForm("zh"), text::SpokenForm("ar"),
                            text::SpokenForm("hu")};
    for (text::SpokenForm& form : forms) {
        if (!text::is_utf8(form.of(text))) std::abort();
    }
}

/// The words together are all of the text.
void cut_words(std::string_view text) {
    static const text::ChineseWords cutter;
    std::string all;
    for (const std::string_view word : cutter.cut(text)) {
        if (word.empty()) std::abort();
        all += word;
    }
    if (all != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::string text = text::to_utf8(bytes);
    if (!text::is_utf8(text)) std::abort();
    if (!text::is_utf8(text::speakable(text))) std::abort();
    const auto whole = sentences(text, text.size() + 1);
    for (const std::string& sentence : whole) {
        if (!text::is_utf8(sentence)) std::abort();
    }
    if (sentences(text, 3) != whole) std::abort();
    spell(text);
    cut_words(text);
    return 0;
}
