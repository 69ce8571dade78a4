#include "text/spoken_form.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>

#include "text/utf8.h"

namespace titans::text {
namespace {

struct Reading {
    std::string_view written;
    std::string_view spoken;
};

void expect_readings(std::string_view language, std::initializer_list<Reading> readings) {
    SpokenForm form(language);
    for (const auto& [written, spoken] : readings) EXPECT_EQ(form.of(written), spoken) << written;
}

bool has_digit(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (u_isdigit(static_cast<UChar32>(next_code_point(text, at))) != 0) return true;
    }
    return false;
}

TEST(SpokenForm, LeavesWordsAsTheyAre) {
    expect_readings("en", {{"", ""},
                           {"Nothing to do here, is there?", "Nothing to do here, is there?"},
                           {"NASA and the USA agree.", "NASA and the USA agree."},
                           {"C++ is fine (I hope).", "C++ is fine (I hope)."}});
}

TEST(SpokenForm, SpellsNumbers) {
    expect_readings(
        "en", {{"I have 3 cats.", "I have three cats."},
               {"1,234,567 of 8,000",
                "one million two hundred thirty-four thousand five hundred "
                "sixty-seven of eight thousand"},
               {"1.25 and 0.5", "one point two five and zero point five"},
               {"It is -5 or -3.5.", "It is minus five or minus three point five."},
               {"It is \u22125.", "It is minus five."},
               {"12,34,567 rupees",
                "one million two hundred thirty-four thousand five hundred sixty-seven rupees"},
               {"100k fans", "one hundred thousand fans"}});
}

TEST(SpokenForm, ReadsTheSeparatorsOfTheLanguage) {
    expect_readings("de",
                    {{"1.234,5 Liter", "eintausendzweihundertvierunddreißig Komma fünf Liter"},
                     {"3,5 und 3.5", "drei Komma fünf und drei Komma fünf"}});
    expect_readings("fr", {{"1 234 567 personnes",
                            "un million deux cent trente-quatre mille cinq "
                            "cent soixante-sept personnes"},
                           {"3,14", "trois virgule quatorze"}});
    expect_readings("ru", {{"3,5", "три целых пять десятых"}});
}

TEST(SpokenForm, ReadsLongNumbersAndLeadingZerosByDigit) {
    expect_readings("en", {{"Agent 007", "Agent zero zero seven"},
                           {"12345678901234567890",
                            "one two three four five six seven eight nine "
                            "zero one two three four five six seven eight "
                            "nine zero"}});
}

TEST(SpokenForm, ReadsTelephoneNumbersByDigit) {
    expect_readings("en",
                    {{"Call +49 30 1234567.",
                      "Call plus four nine, three zero, one two three four five six "
                      "seven."},
                     {"555-123-4567 now", "five five five, one two three, four five six seven now"},
                     {"(030) 123 4567", "zero three zero, one two three, four five six seven"}});
}

TEST(SpokenForm, ReadsRomanNumeralsBehindNames) {
    expect_readings(
        "en", {{"World War II began.", "World War two began."},
               {"Henry VIII and Louis XIV met.", "Henry the eighth and Louis the fourteenth met."},
               {"Elizabeth II, Charles V", "Elizabeth the second, Charles the fifth"},
               {"Final Fantasy VII, Rocky III", "Final Fantasy seven, Rocky three"},
               {"Act V, Chapter I", "Act five, Chapter one"},
               {"Chapter XXXIX", "Chapter thirty-nine"}});
    expect_readings(
        "de", {{"Ludwig XIV. war König.", "Ludwig der Vierzehnte war König."},
               {"Es lebe Elisabeth II. Sie winkt.", "Es lebe Elisabeth die Zweite. Sie winkt."},
               {"im Kapitel IV", "im Kapitel vier"}});
    expect_readings("fr", {{"au XXe siècle", "au vingtième siècle"},
                           {"Louis XIV arrive", "Louis quatorze arrive"}});
    expect_readings("es", {{"en el siglo XXI", "en el siglo veintiuno"},
                           {"Felipe II y Alfonso XIII", "Felipe segundo y Alfonso trece"},
                           {"Isabel II", "Isabel segunda"}});
    expect_readings("it", {{"nel secolo XXI", "nel secolo ventunesimo"},
                           {"Luigi XIV", "Luigi quattordicesimo"}});
    expect_readings("nl", {{"Willem III", "Willem de derde"}});
}

TEST(SpokenForm, LeavesLettersThatAreNoRomanNumerals) {
    expect_readings("en",
                    {{"In Part I was wrong, and so was I.", "In Part one was wrong, and so was I."},
                     {"Malcolm X and Plan V", "Malcolm X and Plan V"},
                     {"VII of them, an IV drip, Henry VIII's wife",
                      "VII of them, an IV drip, Henry VIII's wife"},
                     {"Size XXL, Mark IIII, Anna VIVID", "Size XXL, Mark IIII, Anna VIVID"}});
    expect_readings("fr", {{"Ils vont, Marie a dit IV", "Ils vont, Marie a dit IV"}});
}

TEST(SpokenForm, SaysWhatAnAmountIsOf) {
    expect_readings(
        "en", {{"$5/kg and 3 mg/kg", "five dollars per kilogram and three milligrams per kilogram"},
               {"$10/month", "ten dollars per month"},
               {"20 MB/s, 80 km/h", "twenty megabytes per second, eighty kilometers per hour"},
               {"3/week", "three per week"},
               {"and/or, he/she", "and or, he or she"}});
    expect_readings("de",
                    {{"5 €/kg", "fünf Euro pro Kilogramm"}, {"10 €/Nacht", "zehn Euro pro Nacht"}});
    expect_readings("fr", {{"5 €/l", "cinq euros par litre"}});
}

TEST(SpokenForm, SpellsNumbersInsideWords) {
    expect_readings("en", {{"MP3 and B2B", "MP three and B two B"},
                           {"GPT-4, F5-TTS, 4K", "GPT-four, F five-TTS, four K"},
                           {"Version 1.2.3", "Version one dot two dot three"},
                           {"v2.0 and v1.2.3", "v two point zero and v one dot two dot three"},
                           {"5'7\" tall", "five foot seven\" tall"}});
}

TEST(SpokenForm, SpellsOrdinals) {
    expect_readings("en", {{"the 1st, 2nd, 3rd and 21st",
                            "the first, second, third and "
                            "twenty-first"}});
    expect_readings("de", {{"der 3. Platz", "der dritte Platz"},
                           {"am 2. Tag", "am zweiten Tag"},
                           {"sein 1. Buch", "sein erster Buch"},
                           {"Es waren 3.", "Es waren drei."}});
    expect_readings("fr", {{"le 1er et la 2e", "le premier et la deuxième"}});
    expect_readings("es", {{"el 1º y la 2ª", "el primero y la segunda"}});
    expect_readings("nl", {{"de 2e keer", "de tweede keer"}});
    expect_readings("tr", {{"2. sınıf", "ikinci sınıf"}});
    expect_readings("ru", {{"1-й и 2-я", "первый и вторая"}});
}

TEST(SpokenForm, SpellsFractions) {
    expect_readings("en", {{"1/2 or 3/4 or 2/5", "one half or three quarters or two fifths"},
                           {"2 1/2 cups, ½ cup, 1½",
                            "two and a half cups, one half cup, one and a "
                            "half"},
                           {"open 24/7, since 9/11", "open twenty-four seven, since nine eleven"}});
    expect_readings("de", {{"3/4 und 2/5", "drei Viertel und zwei Fünftel"}});
    expect_readings("fr", {{"2/3", "deux tiers"}});
    expect_readings("it", {{"3/5", "tre quinti"}});
    expect_readings("zh", {{"1/2", "二分之一"}});
}

TEST(SpokenForm, SpellsRanges) {
    expect_readings("en", {{"pages 3-5", "pages three to five"},
                           {"5–10 km", "five to ten kilometers"},
                           {"1914-1918", "nineteen fourteen to nineteen eighteen"},
                           {"9am-5pm", "nine a.m. to five p.m."},
                           {"$5-$10", "five dollars to ten dollars"},
                           {"1-2-3", "one two three"}});
    expect_readings("de", {{"3-5 Tage", "drei bis fünf Tage"},
                           {"vom 3.-5. Mai", "vom dritten bis fünften Mai"}});
}

TEST(SpokenForm, SpellsYears) {
    expect_readings("en", {{"in 1999 and since 2006",
                            "in nineteen ninety-nine and since two "
                            "thousand six"},
                           {"It was 1984.", "It was nineteen eighty-four."},
                           {"1500 people", "one thousand five hundred people"},
                           {"the 1990s and 80s", "the nineteen nineties and eighties"}});
    expect_readings("de", {{"Im Jahr 1984", "Im Jahr neunzehnhundertvierundachtzig"},
                           {"1500 Leute", "eintausendfünfhundert Leute"},
                           {"die 1990er", "die neunzehnhundertneunziger"}});
    expect_readings("zh", {{"1999年", "一九九九年"}});
    expect_readings("ru", {{"1984 г.", "одна тысяча девятьсот восемьдесят четвертого года."},
                           {"В 2020 г. и в 2020 году",
                            "В две тысячи двадцатом году и в две тысячи двадцатом году"}});
    expect_readings("pl",
                    {{"w 1945 r. i od 1945 roku",
                      "w tysiąc dziewięćset czterdziestym piątym roku i od tysiąc dziewięćset "
                      "czterdziestego piątego roku"}});
}

TEST(SpokenForm, SpellsDates) {
    expect_readings(
        "en-US", {{"On 2026-11-23 it", "On November twenty-third, twenty twenty-six it"},
                  {"11/23/2026", "November twenty-third, twenty twenty-six"},
                  {"23.11.2026", "November twenty-third, twenty twenty-six"},
                  {"03/04/2026", "March fourth, twenty twenty-six"},
                  {"Nov 23, 2026", "November twenty-third, twenty twenty-six"},
                  {"Sept. 5", "September fifth"},
                  {"5 Sep 2020", "fifth of September twenty twenty"},
                  {"the 5th of May 2020", "the fifth of May twenty twenty"},
                  {"I may 5 times", "I may five times"},
                  {"2026-11-23T14:30", "November twenty-third, twenty twenty-six fourteen thirty"},
                  {"30.02.2026", "thirty dot zero two dot two thousand twenty-six"}});
    expect_readings("en-GB", {{"03/04/2026", "April third, twenty twenty-six"}});
    expect_readings("de", {{"am 23.11.2026",
                            "am dreiundzwanzigsten November "
                            "zweitausendsechsundzwanzig"},
                           {"23.11.2026", "dreiundzwanzigster November zweitausendsechsundzwanzig"},
                           {"der 1. Januar 2020", "der erste Januar zweitausendzwanzig"},
                           {"bis 31.12. zahlen", "bis einunddreißigsten Dezember zahlen"}});
    expect_readings("fr", {{"le 01/05/2020", "le premier mai deux mille vingt"},
                           {"le 23 nov. 2026", "le vingt-trois novembre deux mille vingt-six"}});
    expect_readings("es", {{"el 2 de mayo de 2020", "el dos de mayo de dos mil veinte"}});
    expect_readings("ru", {{"23.11.2026",
                            "двадцать третьего ноября две тысячи двадцать шестого "
                            "года"}});
    expect_readings("zh", {{"2026-11-23", "二零二六年十一月二十三日"}});
}

TEST(SpokenForm, SpellsTimes) {
    expect_readings("en", {{"at 14:30", "at fourteen thirty"},
                           {"at 2:30 pm", "at two thirty p.m."},
                           {"at 5:05", "at five oh five"},
                           {"at 5:00 sharp", "at five o'clock sharp"},
                           {"by 2 pm.", "by two p.m."},
                           {"from 9:00 – 17:00", "from nine o'clock to seventeen hundred"}});
    expect_readings("de", {{"um 14:30 Uhr", "um vierzehn Uhr dreißig"},
                           {"um 14.30 Uhr", "um vierzehn Uhr dreißig"},
                           {"um 1 Uhr", "um ein Uhr"}});
    expect_readings("fr", {{"à 14h30", "à quatorze heures trente"}, {"à 1h", "à une heure"}});
    expect_readings("es", {{"a las 14:30", "a las catorce y treinta"}});
    expect_readings("zh", {{"14:30开始", "十四点三十分开始"}});
}

TEST(SpokenForm, SpellsMoney) {
    expect_readings("en",
                    {{"$3.50", "three dollars and fifty cents"},
                     {"$1.01 and £1.02", "one dollar and one cent and one pound and two pence"},
                     {"$0.50", "fifty cents"},
                     {"3,50 EUR", "three euros and fifty cents"},
                     {"£2m", "two million pounds"},
                     {"$2.5bn", "two billion five hundred million dollars"},
                     {"$3.5 million", "three point five million dollars"},
                     {"-$5", "minus five dollars"},
                     {"20 CHF", "twenty Swiss francs"}});
    expect_readings("de", {{"3,50 €", "drei Euro fünfzig"}, {"1 €", "ein Euro"}});
    expect_readings("es", {{"£1", "una libra"}, {"$5", "cinco dólares"}});
    expect_readings("fr", {{"3,50 €", "trois euros cinquante"}});
    expect_readings("pl", {{"3,50 zł", "trzy złote pięćdziesiąt"}});
    expect_readings("zh", {{"价格是$3.50", "价格是三点五零美元"}});
}

TEST(SpokenForm, SpellsUnits) {
    expect_readings("en", {{"5 km/h", "five kilometers per hour"},
                           {"20°C", "twenty degrees Celsius"},
                           {"1 kg, 3kg", "one kilogram, three kilograms"},
                           {"10 GB", "ten gigabytes"},
                           {"50%, 0.5 %", "fifty percent, zero point five percent"},
                           {"5 min", "five minutes"},
                           {"5 m&ms", "five meters and ms"}});
    expect_readings("de", {{"1 km, 2,5 kg", "ein Kilometer, zwei Komma fünf Kilogramm"},
                           {"1 t", "eine Tonne"}});
    expect_readings("ru", {{"21 км", "двадцать один километр"}, {"2 %", "два процента"}});
    expect_readings("zh", {{"50%", "百分之五十"}, {"20°C", "二十摄氏度"}});
    expect_readings("ar", {{"٥٠٪", "خمسون بالمئة"}});
    expect_readings("tr", {{"%50", "yüzde elli"}});
    expect_readings("ja", {{"気温20°C", "気温摂氏二十度"}});
}

TEST(SpokenForm, SpellsAbbreviations) {
    expect_readings("en", {{"Dr. Smith of Main St. met St. Paul.",
                            "Doctor Smith of Main Street met Saint Paul."},
                           {"e.g. this, i.e. that, etc.",
                            "for example this, that is that, et "
                            "cetera."},
                           {"No. 5 said no. No.", "Number five said no. No."},
                           {"Mr. X vs. Mrs. Y", "Mister X versus Missus Y"}});
    expect_readings("de", {{"z.B. Dr. Müller, Nr. 5 usw.",
                            "zum Beispiel Doktor Müller, Nummer fünf "
                            "und so weiter."},
                           {"3 Mio. Menschen", "drei Millionen Menschen"}});
    expect_readings(
        "fr", {{"M. et Mme Martin", "M. et Madame Martin"}, {"M. Martin", "Monsieur Martin"}});
    expect_readings("es", {{"la Sra. López", "la señora López"}});
}

TEST(SpokenForm, SpellsSigns) {
    expect_readings("en",
                    {{"R&D, 2+2=4, 5 - 3 = 2",
                      "R and D, two plus two equals four, five minus "
                      "three equals two"},
                     {"3 x 4, 3×4", "three times four, three times four"},
                     {"#1, #music, @bob", "number one, music, at bob"},
                     {"Mr. & Mrs. Smith, 50+ users", "Mister and Missus Smith, fifty plus users"},
                     {"a ratio of 3:1", "a ratio of three to one"},
                     {"he/she and/or w/o km/h", "he or she and or w/o km/h"},
                     {"jo.doe42@example.com", "jo dot doe forty-two at example dot com"}});
    expect_readings("de", {{"Max & Moritz", "Max und Moritz"}});
}

TEST(SpokenForm, AgreesWithNounsWhereTheirEndingsTell) {
    expect_readings(
        "de", {{"1 Apfel, 1 Stunde", "ein Apfel, eine Stunde"}, {"1 von 2", "eins von zwei"}});
    expect_readings("es", {{"21 casas, 1 día", "veintiuna casas, un día"}});
    expect_readings("zh", {{"2个人，2月", "两个人，二月"}});
}

TEST(SpokenForm, ReadsDigitsOfAllScripts) {
    expect_readings("en", {{"１２ and ٣ and ५", "twelve and three and five"}});
    expect_readings("hi", {{"३ किताबें", "तीन किताबें"}});
    expect_readings("fa", {{"۲۱", "بیست و یک"}});
}

TEST(SpokenForm, WritesNoSoftHyphensOrZeroWidthSpaces) {
    expect_readings("de", {{"Donau\u00ADdampf 21", "Donaudampf einundzwanzig"}});
    expect_readings("th", {{"21", "ยี่สิบเอ็ด"}});
}

TEST(SpokenForm, LeavesTextOfUnknownLanguagesAsItIs) {
    for (const std::string_view language : {"", "xx", "not a language", "tlh"}) {
        EXPECT_EQ(SpokenForm(language).of("About 5 km"), "About 5 km") << language;
    }
}

constexpr std::array kLanguages{
    "en", "en-GB", "en-IN", "de", "de-CH", "fr", "es", "es-MX", "it", "pt", "pt-BR", "nl", "pl",
    "ru", "tr",    "ar",    "hi", "zh",    "ja", "ko", "sv",    "da", "nb", "nn",    "fi", "cs",
    "sk", "hu",    "uk",    "el", "he",    "ro", "bg", "hr",    "sl", "sr", "ca",    "id", "vi",
    "th", "fa",    "et",    "lv", "lt",    "ms", "sw", "ta",    "af", "is", "zh-TW"};

constexpr std::array kInputs{"0",
                             "1",
                             "7 cats",
                             "21",
                             "100",
                             "101 nights",
                             "1000",
                             "1,000",
                             "1.000",
                             "1 000",
                             "12,345.67",
                             "12.345,67",
                             "3.14",
                             "3,14",
                             "-5",
                             "-0.5",
                             "+7",
                             "1234567",
                             "12345678901",
                             "1e9",
                             "99999999999999999999",
                             "007",
                             "1.2.3",
                             "192.168.0.1",
                             "2026-11-23",
                             "23.11.2026",
                             "11/23/2026",
                             "1/2",
                             "22/7",
                             "2 1/2",
                             "½",
                             "3-5",
                             "1914–1918",
                             "1-2-3-4",
                             "14:30",
                             "14:30:05",
                             "0:00",
                             "2:30 pm",
                             "9 am",
                             "$3.50",
                             "3,50 €",
                             "£2m",
                             "¥500",
                             "USD 20",
                             "5 EUR",
                             "$1.5 million",
                             "5 km/h",
                             "20°C",
                             "-3 °F",
                             "50%",
                             "3 kg",
                             "10GB",
                             "5m²",
                             "1st",
                             "2nd",
                             "2. Mai",
                             "No. 5",
                             "#1",
                             "MP3",
                             "x2y3z",
                             "1990s",
                             "in 1984.",
                             "2020年5月3日",
                             "+49 30 1234567",
                             "(555) 123-4567",
                             "a1@b2.com",
                             "1,2,3",
                             "5x5",
                             "2+2=4",
                             "٣٫٥",
                             "१२३",
                             "１２３",
                             "5..6",
                             "1.",
                             "1,",
                             "3.-5. May",
                             "31.12.",
                             "14h30",
                             "%50",
                             "29.02.2025",
                             "99.99.9999"};

TEST(SpokenForm, LeavesNoDigitInAnyLanguage) {
    for (const char* const language : kLanguages) {
        SpokenForm form(language);
        for (const std::string_view input : kInputs) {
            const std::string said = form.of(input);
            EXPECT_TRUE(is_utf8(said)) << language << ": " << input;
            EXPECT_FALSE(has_digit(said)) << language << ": " << input << " -> " << said;
            EXPECT_FALSE(said.contains("\u00AD")) << language << ": " << input;
            EXPECT_FALSE(said.empty()) << language << ": " << input;
            // Words are stable: what was said once has nothing left to say.
            EXPECT_EQ(form.of(said), said) << language << ": " << input;
        }
    }
}

TEST(SpokenForm, KnowsNothingOfTheTextBefore) {
    SpokenForm form("en");
    EXPECT_EQ(form.of("in May"), "in May");
    EXPECT_EQ(form.of("5 of them"), "five of them");
    EXPECT_EQ(form.of("12"), "twelve");
    EXPECT_EQ(form.of("a -5"), "a minus five");
}

TEST(SpokenForm, SurvivesPiecesOfAnyInput) {
    SpokenForm form("en");
    for (const std::string_view input : kInputs) {
        for (std::size_t length = 0; length <= input.size(); ++length) {
            EXPECT_TRUE(is_utf8(form.of(input.substr(0, length)))) << input;
            EXPECT_TRUE(is_utf8(form.of(input.substr(length)))) << input;
        }
    }
}

}  // namespace
}  // namespace titans::text
