#include "text/pinyin.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "text/utf8.h"

namespace titans::text {

namespace {

struct Accent {
    char32_t accented;
    std::string_view letter;
    char tone;
};
constexpr std::array kAccents{
    Accent{U'ā', "a", '1'}, Accent{U'á', "a", '2'}, Accent{U'ǎ', "a", '3'}, Accent{U'à', "a", '4'},
    Accent{U'ē', "e", '1'}, Accent{U'é', "e", '2'}, Accent{U'ě', "e", '3'}, Accent{U'è', "e", '4'},
    Accent{U'ō', "o", '1'}, Accent{U'ó', "o", '2'}, Accent{U'ǒ', "o", '3'}, Accent{U'ò', "o", '4'},
    Accent{U'ī', "i", '1'}, Accent{U'í', "i", '2'}, Accent{U'ǐ', "i", '3'}, Accent{U'ì', "i", '4'},
    Accent{U'ū', "u", '1'}, Accent{U'ú', "u", '2'}, Accent{U'ǔ', "u", '3'}, Accent{U'ù', "u", '4'},
    Accent{U'ǖ', "v", '1'}, Accent{U'ǘ', "v", '2'}, Accent{U'ǚ', "v", '3'}, Accent{U'ǜ', "v", '4'},
    Accent{U'ü', "v", 0}, Accent{U'ń', "n", '2'}, Accent{U'ň', "n", '3'}, Accent{U'ǹ', "n", '4'},
    Accent{U'ḿ', "m", '2'}, Accent{U'ế', "ê", '2'}, Accent{U'ề', "ê", '4'},
    // On letters that have no form of their own with them.
    Accent{0x304, "", '1'}, Accent{0x301, "", '2'}, Accent{0x30C, "", '3'}, Accent{0x300, "", '4'}};

/// "zhōng" -> "zhong1".
std::string with_tone_behind(std::string_view reading) {
    std::string syllable;
    char tone = 0;
    for (std::size_t at = 0; at < reading.size();) {
        const char32_t c = next_code_point(reading, at);
        const auto* const accent = std::ranges::find(kAccents, c, &Accent::accented);
        if (accent == kAccents.end()) {
            append(syllable, c);
        } else {
            syllable += accent->letter;
            if (accent->tone != 0) tone = accent->tone;
        }
    }
    if (tone != 0) syllable += tone;
    return syllable;
}

/// 0 for the neutral tone.
char tone_of(std::string_view syllable) {
    const char last = syllable.empty() ? '\0' : syllable.back();
    return last >= '1' && last <= '4' ? last : '\0';
}

void set_tone(std::string& syllable, char tone) {
    if (tone_of(syllable) != 0) syllable.back() = tone;
}

/// The characters that may have a reading.
bool is_readable(char32_t c) {
    return c == 0x3007 || (c >= 0xE815 && c <= 0xE864) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x323AF);
}

/// Of third tones one behind the other all but the last become second ones. As in pypinyin, they
/// are counted at the end of the word and changed from its start.
void change_third_tones(std::span<std::string> syllables) {
    std::size_t run = 0;
    for (const std::string& syllable : syllables) run = tone_of(syllable) == '3' ? run + 1 : 0;
    for (std::string& syllable : syllables) {
        if (run < 2) return;
        if (tone_of(syllable) != '3') continue;
        set_tone(syllable, '2');
        --run;
    }
}

/// 不 and 一 before a fourth tone take the second, else the fourth; 一 at the end the first.
void change_before_fourth_tones(std::string_view word, std::span<std::string> syllables) {
    for (const auto& [changing, at_end] : {std::pair{U'不', '4'}, std::pair{U'一', '1'}}) {
        std::size_t index = 0;
        for (std::size_t at = 0; at < word.size() && index < syllables.size(); ++index) {
            if (next_code_point(word, at) != changing) continue;
            if (index + 1 == syllables.size()) {
                set_tone(syllables[index], at_end);
            } else if (tone_of(syllables[index + 1]) != '4') {
                set_tone(syllables[index], '4');
            } else if (tone_of(syllables[index]) == '4') {
                set_tone(syllables[index], '2');
            }
        }
    }
}

/// Hears the events of a JSON document that is an object of readings.
class ReadingsReader : public nlohmann::json_sax<nlohmann::json> {
public:
    using Take = std::function<void(const std::string& key, std::span<const std::string> readings)>;
    /// `take` gets the first reading of each array, or the string itself.
    explicit ReadingsReader(Take take) : take_(std::move(take)) {}

    bool key(string_t& name) override {
        key_ = name;
        readings_.clear();
        return true;
    }
    bool string(string_t& text) override {
        if (depth_ == 0) {
            take_(key_, std::array{text});
        } else if (!has_reading_) {
            readings_.push_back(text);
            has_reading_ = true;
        }
        return true;
    }
    bool start_array(std::size_t) override {
        has_reading_ = false;
        return ++depth_ <= 2;
    }
    bool end_array() override {
        if (--depth_ == 0) take_(key_, readings_);
        return true;
    }
    bool start_object(std::size_t) override { return depth_ == 0; }
    bool end_object() override { return true; }
    bool null() override { return false; }
    bool boolean(bool) override { return false; }
    bool number_integer(number_integer_t) override { return false; }
    bool number_unsigned(number_unsigned_t) override { return false; }
    bool number_float(number_float_t, const string_t&) override { return false; }
    bool binary(binary_t&) override { return false; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
        return false;
    }

private:
    Take take_;
    std::string key_;
    std::vector<std::string> readings_;
    int depth_ = 0;
    bool has_reading_ = false;
};

bool read_readings(const std::filesystem::path& path, ReadingsReader::Take take) {
    std::ifstream file(path, std::ios::binary);
    ReadingsReader reader(std::move(take));
    return file && nlohmann::json::sax_parse(file, &reader);
}

std::unexpected<Error> unusable(const std::filesystem::path& path) {
    return fail(ErrorKind::Unsupported, "the data about Chinese readings are missing or broken",
                path.string());
}

}  // namespace

Result<Pinyin> Pinyin::open(const ChineseFiles& files) {
    Pinyin pinyin;
    std::unordered_map<std::string, std::uint16_t> ids;  // by reading
    const auto syllable = [&](const std::string& reading) {
        const auto [at, is_new] = ids.try_emplace(reading, pinyin.syllables_.size());
        if (is_new) pinyin.syllables_.push_back(with_tone_behind(reading));
        return at->second;
    };
    const bool characters = read_readings(
        files.characters, [&](const std::string& key, std::span<const std::string> readings) {
            std::uint32_t code_point = 0;
            std::from_chars(key.data(), key.data() + key.size(), code_point);
            const std::string& all = readings.front();
            pinyin.characters_.emplace(code_point, syllable(all.substr(0, all.find(','))));
        });
    if (!characters || pinyin.characters_.empty()) return unusable(files.characters);
    const bool phrases = read_readings(
        files.phrases, [&](const std::string& key, std::span<const std::string> readings) {
            if (readings.size() != count_code_points(key)) return;
            pinyin.phrases_.add(key, static_cast<std::uint32_t>(pinyin.phrase_syllables_.size()));
            for (const std::string& reading : readings) {
                pinyin.phrase_syllables_.push_back(syllable(reading));
            }
        });
    if (!phrases || pinyin.phrases_.size() == 0) return unusable(files.phrases);
    pinyin.phrases_.sort();
    return pinyin;
}

std::size_t Pinyin::read_phrase(std::string_view text, std::vector<std::string>& readings) const {
    std::vector<Lexicon::Match> matches;
    phrases_.find_prefixes(text, matches);
    if (matches.empty()) return 0;
    const Lexicon::Match& longest = matches.back();
    const std::size_t count = count_code_points(text.substr(0, longest.bytes));
    for (std::size_t i = 0; i < count; ++i) {
        readings.push_back(syllables_[phrase_syllables_[longest.value + i]]);
    }
    return longest.bytes;
}

std::vector<std::string> Pinyin::read(std::string_view word) const {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < word.size();) {
        const std::size_t start = at;
        std::size_t end = at;
        if (!is_readable(next_code_point(word, end))) {
            for (at = end; at < word.size() && !is_readable(next_code_point(word, at));) end = at;
            all.emplace_back(word.substr(start, end - start));
            at = end;
            continue;
        }
        std::vector<std::string> readings;
        at = start + read_phrase(word.substr(start), readings);
        if (at == start) {
            const auto found = characters_.find(next_code_point(word, at));
            readings.push_back(found == characters_.end()
                                   ? std::string(word.substr(start, at - start))
                                   : syllables_[found->second]);
        }
        change_third_tones(readings);
        change_before_fourth_tones(word.substr(start, at - start), readings);
        all.insert(all.end(), std::make_move_iterator(readings.begin()),
                   std::make_move_iterator(readings.end()));
    }
    return all;
}

}  // namespace titans::text
