#include "text/chinese_words.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "text/utf8.h"

namespace titans::text {

namespace {

/// Of what a file says nothing about.
constexpr double kNever = -3.14e100;

struct Word {
    std::string_view letters;
    std::uint32_t frequency;
};
/// Where jieba-rs' dictionary differs from the package's. The first five are
/// all of its words without an ideograph.
constexpr std::array kWordsOfOurOwn{Word{"AT&T", 3},
                                    Word{"C#", 3},
                                    Word{"C++", 3},
                                    Word{"c#", 3},
                                    Word{"c++", 3},
                                    Word{"1号店", 3},
                                    Word{"4S店", 3},
                                    Word{"4s店", 3},
                                    Word{"AA制", 3},
                                    Word{"AB型", 3},
                                    Word{"A型", 3},
                                    Word{"A座", 3},
                                    Word{"A股", 3},
                                    Word{"A轮", 3},
                                    Word{"BB机", 3},
                                    Word{"BP机", 3},
                                    Word{"B型", 3},
                                    Word{"B座", 3},
                                    Word{"B股", 3},
                                    Word{"B轮", 3},
                                    Word{"CALL机", 3},
                                    Word{"CD机", 3},
                                    Word{"CD盒", 3},
                                    Word{"C座", 3},
                                    Word{"C盘", 3},
                                    Word{"C语言", 3},
                                    Word{"D座", 3},
                                    Word{"D版", 3},
                                    Word{"D盘", 3},
                                    Word{"E化", 3},
                                    Word{"E座", 3},
                                    Word{"E盘", 3},
                                    Word{"E通", 3},
                                    Word{"F座", 3},
                                    Word{"F盘", 3},
                                    Word{"G盘", 3},
                                    Word{"H盘", 3},
                                    Word{"H股", 3},
                                    Word{"IC卡", 3},
                                    Word{"IP卡", 3},
                                    Word{"IP地址", 3},
                                    Word{"IP电话", 3},
                                    Word{"I盘", 3},
                                    Word{"K党", 3},
                                    Word{"K歌之王", 3},
                                    Word{"N年", 3},
                                    Word{"O型", 3},
                                    Word{"PC机", 3},
                                    Word{"PH值", 3},
                                    Word{"QQ号", 3},
                                    Word{"Q版", 3},
                                    Word{"RSS订阅", 3},
                                    Word{"SIM卡", 3},
                                    Word{"T台", 3},
                                    Word{"T型台", 3},
                                    Word{"T恤衫", 3},
                                    Word{"T盘", 3},
                                    Word{"U盘", 3},
                                    Word{"VISA卡", 3},
                                    Word{"X光", 3},
                                    Word{"X光线", 3},
                                    Word{"X射线", 3},
                                    Word{"Z盘", 3},
                                    Word{"γ射线", 3},
                                    Word{"一出", 964},
                                    Word{"吉林", 89},
                                    Word{"大S", 3},
                                    Word{"小S", 3},
                                    Word{"江南Style", 3},
                                    Word{"江南style", 3},
                                    Word{"部手机", 33},
                                    Word{"阿Q", 3},
                                    Word{"习总书记", Lexicon::kNoWord},
                                    Word{"张力", Lexicon::kNoWord},
                                    Word{"张华", Lexicon::kNoWord}};

bool is_ideograph(char32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2EBEF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// The ideographs that the Markov model knows.
bool has_positions(char32_t c) { return c >= 0x4E00 && c <= 0x9FD5; }

bool is_alphanumeric(char32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool may_stand_in_word(char32_t c) {
    return is_ideograph(c) || is_alphanumeric(c) ||
           (c < 0x80 && std::string_view("+#&._%-").contains(static_cast<char>(c)));
}

/// "v1.2-rc3", "50%": the bytes of letters and digits, joined by single full stops, hyphens and
/// underscores, that `text` begins with.
std::size_t alphanumeric_length(std::string_view text) {
    const auto continues = [text](std::size_t at) {
        return at < text.size() && is_alphanumeric(static_cast<unsigned char>(text[at]));
    };
    std::size_t end = 0;
    while (true) {
        while (continues(end)) ++end;
        if (end == 0 || end + 1 >= text.size() || !continues(end + 1)) break;
        if (!std::string_view("._-").contains(text[end])) break;
        ++end;
    }
    if (end > 0 && end < text.size() && text[end] == '%') ++end;
    return end;
}

std::unexpected<Error> unusable(const std::filesystem::path& path, std::string_view reason) {
    return fail(ErrorKind::Unsupported, "the data about Chinese words are missing or broken",
                path.string() + ": " + std::string(reason));
}

/// The numbers of `line`, divided by spaces.
bool read_scores(const std::string& line, std::array<double, 4>& scores) {
    std::istringstream numbers(line);
    for (double& score : scores) {
        if (!(numbers >> score)) return false;
    }
    return true;
}

}  // namespace

ChineseWords::ChineseWords() {
    add_words_of_our_own();
    dictionary_.sort();
    log_total_ = std::log(1e6);  // any will do that is above each frequency
}

Result<ChineseWords> ChineseWords::open(const ChineseFiles& files) {
    ChineseWords words;
    words.dictionary_ = {};
    TITANS_TRY_VOID(words.read_dictionary(files.dictionary));
    TITANS_TRY_VOID(words.read_positions(files.positions));
    return words;
}

void ChineseWords::add_words_of_our_own() {
    for (const Word& word : kWordsOfOurOwn) dictionary_.add(word.letters, word.frequency);
}

Result<void> ChineseWords::read_dictionary(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    for (std::string line; std::getline(file, line);) {
        const std::size_t end = line.find(' ');
        std::uint32_t frequency = 0;
        const char* const number = line.data() + std::min(end, line.size() - 1) + 1;
        const char* const line_end = line.data() + line.size();
        if (end == 0 || end == std::string::npos ||
            std::from_chars(number, line_end, frequency).ec != std::errc()) {
            return unusable(path, "a line without word and frequency");
        }
        dictionary_.add(std::string_view(line).substr(0, end), frequency);
    }
    if (dictionary_.size() == 0) return unusable(path, "nothing in it, or not readable");
    add_words_of_our_own();
    dictionary_.sort();
    log_total_ = std::log(static_cast<double>(dictionary_.sum()));
    return {};
}

Result<void> ChineseWords::read_positions(const std::filesystem::path& path) {
    // The file's order of positions is ours: begins, ends, continues, alone.
    std::ifstream file(path, std::ios::binary);
    std::size_t row = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') continue;
        if (row < 5) {
            if (!read_scores(line, row == 0 ? first_ : next_[row - 1])) {
                return unusable(path, "a line without four numbers");
            }
        } else if (row < 9) {
            for (std::size_t at = 0; at < line.size();) {
                const char32_t letter = next_code_point(line, at);
                const std::size_t end = std::min(line.find(',', at), line.size());
                double score = 0;
                if (at >= end || line[at] != ':' ||
                    std::from_chars(line.data() + at + 1, line.data() + end, score).ec !=
                        std::errc()) {
                    return unusable(path, "a letter without its number");
                }
                const auto letters =
                    letters_.try_emplace(letter, Scores{kNever, kNever, kNever, kNever}).first;
                letters->second[row - 5] = score;
                at = end + 1;
            }
        }
        ++row;
    }
    if (row != 9) return unusable(path, "not nine lines, or not readable");
    return {};
}

std::vector<std::string_view> ChineseWords::cut(std::string_view text) const {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        std::size_t end = at;
        while (at < text.size() && may_stand_in_word(next_code_point(text, at))) end = at;
        if (end > start) {
            cut_run(text, start, end, words);
            at = end;
            continue;
        }
        at = start;
        const char32_t c = next_code_point(text, at);
        if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
        words.push_back(text.substr(start, at - start));
    }
    return words;
}

void ChineseWords::cut_run(std::string_view text, std::size_t start, std::size_t end,
                           std::vector<std::string_view>& words) const {
    const std::string_view run = text.substr(start, end - start);
    // From the end to the start: the best word to begin at each byte where a character does, and
    // the score of all from there.
    struct Step {
        double score = 0;
        std::size_t end = 0;
    };
    std::vector<Step> steps(run.size() + 1);
    std::vector<Lexicon::Match> matches;
    for (std::size_t behind = run.size(); behind > 0;) {
        std::size_t at = behind;
        previous_code_point(run, at);
        dictionary_.find_prefixes(run.substr(at), matches);
        Step best{.score = -std::numeric_limits<double>::infinity(), .end = 0};
        for (const Lexicon::Match& match : matches) {
            const double score = std::log(static_cast<double>(match.value)) - log_total_ +
                                 steps[at + match.bytes].score;
            if (score >= best.score) best = {.score = score, .end = at + match.bytes};
        }
        if (best.end == 0) best = {.score = steps[behind].score - log_total_, .end = behind};
        steps[at] = best;
        behind = at;
    }

    // Of what stayed single characters side by side, the Markov model makes words.
    std::size_t singles = 0;  // where they begin
    const auto end_singles = [&](std::size_t at) {
        if (singles == at) return;
        const std::string_view unknown = run.substr(singles, at - singles);
        if (dictionary_.find(unknown)) {
            for (std::size_t i = 0; i < unknown.size();) {
                const std::size_t character = i;
                next_code_point(unknown, i);
                words.push_back(unknown.substr(character, i - character));
            }
        } else {
            cut_unknown(unknown, words);
        }
    };
    for (std::size_t at = 0; at < run.size();) {
        std::size_t character_end = at;
        next_code_point(run, character_end);
        const std::size_t word_end = steps[at].end;
        if (word_end != character_end) {
            end_singles(at);
            words.push_back(run.substr(at, word_end - at));
            singles = word_end;
        }
        at = word_end;
    }
    end_singles(run.size());
}

void ChineseWords::cut_unknown(std::string_view text, std::vector<std::string_view>& words) const {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        std::size_t end = at;
        const bool known = has_positions(next_code_point(text, end));
        if (known) {
            for (at = end; at < text.size() && has_positions(next_code_point(text, at));) end = at;
            cut_by_position(text.substr(start, end - start), words);
        } else if (const std::size_t length = alphanumeric_length(text.substr(start)); length > 0) {
            end = start + length;
            words.push_back(text.substr(start, length));
        } else {
            for (at = end; at < text.size();) {
                const char32_t c = next_code_point(text, at);
                if (has_positions(c) || is_alphanumeric(c)) break;
                end = at;
            }
            words.push_back(text.substr(start, end - start));
        }
        at = end;
    }
}

void ChineseWords::cut_by_position(std::string_view text,
                                   std::vector<std::string_view>& words) const {
    // Viterbi's algorithm. Of two equal paths the one from the later position wins.
    static constexpr std::array<std::array<Position, 2>, 4> kBefore{
        {{Ends, Alone}, {Begins, Continues}, {Begins, Continues}, {Ends, Alone}}};
    static constexpr Scores kUnknown{kNever, kNever, kNever, kNever};

    std::vector<std::size_t> offsets;
    std::vector<std::array<Position, 4>> before;
    Scores scores{};
    for (std::size_t at = 0; at < text.size();) {
        offsets.push_back(at);
        const auto found = letters_.find(next_code_point(text, at));
        const Scores& letter = found == letters_.end() ? kUnknown : found->second;
        Scores now{};
        std::array<Position, 4> from{};
        for (std::size_t position = 0; position < 4; ++position) {
            if (offsets.size() == 1) {
                now[position] = first_[position] + letter[position];
                continue;
            }
            const auto [early, late] = kBefore[position];
            const double by_early = scores[early] + next_[early][position] + letter[position];
            const double by_late = scores[late] + next_[late][position] + letter[position];
            from[position] = by_early > by_late ? early : late;
            now[position] = std::max(by_early, by_late);
        }
        scores = now;
        before.push_back(from);
    }

    std::vector<Position> positions(offsets.size());
    Position position = scores[Ends] > scores[Alone] ? Ends : Alone;
    for (std::size_t i = offsets.size(); i-- > 0;) {
        positions[i] = position;
        position = before[i][position];
    }
    std::size_t start = 0;
    for (std::size_t i = 0; i < offsets.size(); ++i) {
        if (positions[i] != Ends && positions[i] != Alone) continue;
        const std::size_t end = i + 1 < offsets.size() ? offsets[i + 1] : text.size();
        words.push_back(text.substr(start, end - start));
        start = end;
    }
}

}  // namespace titans::text
