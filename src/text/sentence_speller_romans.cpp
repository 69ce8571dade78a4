#include <array>

#include "text/letter_case.h"
#include "text/sentence_speller.h"
#include "text/utf8.h"

namespace titans::text {
namespace {

/// How a language says the Roman numerals behind names. Lists have spaces around each word.
struct RomanReading {
    std::string_view language;
    std::string_view numbered;            // behind these a single letter is a numeral, too
    std::string_view kings = {};          // behind these it is an ordinal
    std::string_view queens = {};         // as behind kings, in the feminine
    std::string_view of_king = {};        // before the ordinal
    std::string_view of_queen = {};       //
    int last_ordinal = 39;                // of kings; from then on a plain number
    std::string_view ordinal_nouns = {};  // behind these always an ordinal
};

constexpr std::array kReadings{
    RomanReading{
        .language = "en",
        .numbered = " war chapter part act volume book type phase section article class grade "
                    "level stage figure table appendix title amendment bowl scene step tier ",
        .kings = " alexander alfonso benedict charles christian clement edward ferdinand francis "
                 "frederick friedrich george gregory harald henry innocent ivan james john karl "
                 "leo leopold louis ludwig napoleon nicholas otto paul peter philip pius ramesses "
                 "ramses richard robert urban victor wilhelm william ",
        .queens = " catherine elizabeth margaret margrethe mary ",
        .of_king = "the ",
        .of_queen = "the "},
    RomanReading{
        .language = "de",
        .numbered = " weltkrieg kapitel teil akt band buch typ phase abschnitt artikel klasse "
                    "stufe szene tabelle ",
        .kings = " albrecht alexander benedikt eduard ferdinand franz friedrich georg gregor "
                 "heinrich iwan jakob johannes joseph karl leo leopold ludwig maximilian napoleon "
                 "nikolaus otto paul peter philipp pius ramses richard rudolf wilhelm ",
        .queens = " elisabeth katharina margarethe maria ",
        .of_king = "der ",
        .of_queen = "die "},
    RomanReading{.language = "fr",
                 .numbered = " guerre chapitre partie acte tome livre type phase section article "
                             "classe niveau scène tableau "},
    RomanReading{.language = "es",
                 .numbered = " mundial capítulo parte acto volumen tomo libro tipo fase sección "
                             "artículo clase nivel escena siglo ",
                 .kings = " alejandro alfonso benedicto carlos felipe fernando francisco gregorio "
                          "guillermo enrique jaime jorge luis napoleón pablo pedro pío ramsés ",
                 .queens = " catalina isabel margarita maría ",
                 .last_ordinal = 10},
    RomanReading{.language = "it",
                 .numbered = " mondiale capitolo parte atto volume libro tipo fase sezione "
                             "articolo classe livello scena ",
                 .kings = " alessandro alfonso benedetto carlo clemente edoardo emanuele enrico "
                          "federico ferdinando filippo francesco giorgio gregorio innocenzo leone "
                          "luigi napoleone paolo pietro pio umberto ",
                 .queens = " caterina elisabetta margherita maria ",
                 .ordinal_nouns = " secolo "},
    RomanReading{.language = "pt",
                 .numbered = " mundial capítulo parte ato volume tomo livro tipo fase seção secção "
                             "artigo classe nível cena século ",
                 .kings = " afonso alexandre bento carlos fernando filipe francisco guilherme "
                          "henrique joão jorge luís napoleão paulo pedro pio ",
                 .queens = " catarina elizabeth isabel margarida maria ",
                 .last_ordinal = 10},
    RomanReading{.language = "nl",
                 .numbered = " wereldoorlog hoofdstuk deel akte boek type fase sectie artikel "
                             "klasse niveau scène ",
                 .kings = " alexander benedictus filips frederik hendrik johannes karel lodewijk "
                          "napoleon paulus philips willem ",
                 .queens = " catharina elizabeth margaretha maria ",
                 .of_king = "de ",
                 .of_queen = "de "}};

/// Up to 39, as they stand behind names; 0 if `letters` are none. Larger ones are words and
/// abbreviations as often.
int roman_value(std::string_view letters) {
    static constexpr std::array<std::string_view, 10> kOnes{"",  "I",  "II",  "III",  "IV",
                                                            "V", "VI", "VII", "VIII", "IX"};
    const std::size_t tens = std::min(letters.find_first_not_of('X'), letters.size());
    const auto* const ones = std::ranges::find(kOnes, letters.substr(tens));
    if (tens > 3 || ones == kOnes.end()) return 0;
    return 10 * static_cast<int>(tens) + static_cast<int>(ones - kOnes.begin());
}

bool lists(std::string_view list, const std::string& word) {
    return !word.empty() && list.contains(" " + word + " ");
}

}  // namespace

bool SentenceSpeller::say_roman() {
    const auto* const reading =
        std::ranges::find(kReadings, numbers_.language(), &RomanReading::language);
    if (reading == kReadings.end() || at_ == 0 || !is_space(before(at_))) return false;
    std::size_t end = std::min(text_.find_first_not_of("IVX", at_), text_.size());
    const std::string_view letters = rest(at_).substr(0, end - at_);
    const int value = roman_value(letters);
    if (value == 0) return false;

    const std::string name = word_before(at_);
    const bool century = lists(" siècle siglo secolo século ", name);
    // "XXe siècle", "XIVème"
    if (numbers_.language() == "fr" && !century) {
        for (const std::string_view suffix : {"e", "ème", "eme"}) {
            if (!rest(end).starts_with(suffix) || !word_ends_at(end + suffix.size())) continue;
            say(numbers_.ordinal(value, Ordinal::Masculine), end + suffix.size());
            return true;
        }
    }
    if (!word_ends_at(end) || at(end) == '\'' || rest(end).starts_with("’")) return false;
    if (!is_upper(code_point_at(word_start(at_))) && !century) return false;

    const bool queen = lists(reading->queens, name);
    const bool king = queen || lists(reading->kings, name);
    const bool numbered = lists(reading->numbered, name) || century;
    if (letters.size() == 1 && !numbered && !(king && letters == "V")) return false;
    std::string said = numbers_.number({.whole = std::to_string(value)});
    if ((king && value <= reading->last_ordinal) || lists(reading->ordinal_nouns, name)) {
        said = numbers_.ordinal(value, queen ? Ordinal::Feminine : Ordinal::Masculine);
        if (numbers_.language() == "de") {
            said = capitalized(said, "de");
            // "Ludwig XIV." has the full stop of an ordinal, unless the sentence ends there.
            if (at(end) == '.' && behind_space(end + 1) != end + 1 &&
                !is_upper(code_point_at(behind_space(end + 1))))
                ++end;
        }
        said.insert(0, queen ? reading->of_queen : reading->of_king);
    }
    say(said, end);
    return true;
}

}  // namespace titans::text
