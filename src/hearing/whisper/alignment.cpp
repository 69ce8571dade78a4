#include "hearing/whisper/alignment.h"

#include <array>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>

#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

bool writes_spaces(std::string_view language) {
    static constexpr std::array<std::string_view, 6> kWithout{"zh", "ja", "th", "lo", "my", "yue"};
    return !std::ranges::contains(kWithout, language);
}

/// Marks that belong to what stands before them.
bool is_closing_mark(std::string_view text) {
    static constexpr std::array<std::string_view, 20> kMarks{"\"", "'", ".",  "。", ",",  "，", "!",
                                                             "！", "?", "？", ":",  "：", "”",  ")",
                                                             "]",  "}", "、", "؟",  "،",  ";"};
    return std::ranges::contains(kMarks, text);
}

/// [heads, rows, positions] to [rows, used]: each head's shares among the positions that are used,
/// by how far they are from what the head does there mostly, smoothed and averaged.
std::vector<float> average(std::span<const float> shares, int heads, int rows, int positions,
                           int used) {
    constexpr int kReach = 3;  // of the median, to both sides
    const auto width = static_cast<std::size_t>(used);
    std::vector<float> mean(static_cast<std::size_t>(rows) * width);
    std::vector<float> head_shares(mean.size());
    for (int head = 0; head < heads; ++head) {
        for (int row = 0; row < rows; ++row) {
            const auto from =
                shares.subspan(static_cast<std::size_t>((head * rows + row) * positions), width);
            const auto to =
                std::span(head_shares).subspan(static_cast<std::size_t>(row) * width, width);
            float sum = 0;
            for (const float share : from) sum += share;
            for (std::size_t i = 0; i < width; ++i) to[i] = sum > 0 ? from[i] / sum : 0;
        }
        for (std::size_t column = 0; column < width; ++column) {
            double sum = 0;
            double squares = 0;
            for (std::size_t at = column; at < head_shares.size(); at += width) {
                sum += head_shares[at];
                squares += double{head_shares[at]} * head_shares[at];
            }
            const double middle = sum / rows;
            const double deviation = std::sqrt(std::max(squares / rows - middle * middle, 1e-20));
            for (std::size_t at = column; at < head_shares.size(); at += width)
                head_shares[at] = static_cast<float>((head_shares[at] - middle) / deviation);
        }
        for (int row = 0; row < rows; ++row) {
            const auto line =
                std::span(head_shares).subspan(static_cast<std::size_t>(row) * width, width);
            for (int i = 0; i < used; ++i) {
                std::array<float, 2 * kReach + 1> around{};
                for (int k = -kReach; k <= kReach; ++k) {  // mirrored at the ends
                    int at = std::abs(i + k);
                    if (at >= used) at = 2 * (used - 1) - at;
                    around[static_cast<std::size_t>(k + kReach)] =
                        line[static_cast<std::size_t>(std::clamp(at, 0, used - 1))];
                }
                std::ranges::nth_element(around, around.begin() + kReach);
                mean[static_cast<std::size_t>(row) * width + static_cast<std::size_t>(i)] +=
                    around[kReach] / static_cast<float>(heads);
            }
        }
    }
    return mean;
}

}  // namespace

std::vector<WordTokens> split_words(const Vocabulary& vocabulary, std::span<const int> tokens,
                                    std::string_view language) {
    const bool spaces = writes_spaces(language);
    std::vector<WordTokens> words;
    WordTokens part;  // tokens that are whole characters together
    for (int i = 0; const int token : tokens) {
        if (part.count == 0) part.first = i;
        ++i;
        ++part.count;
        part.text += vocabulary.text(std::span(&token, 1));
        if (text::incomplete_bytes(part.text) > 0 && std::cmp_less(i, tokens.size())) continue;
        part.text = text::to_utf8(part.text);
        const std::string_view bare = text::trim(part.text);
        const bool begins = spaces ? part.text.starts_with(' ') : !bare.empty();
        const bool goes_on = !words.empty() && (!begins || is_closing_mark(bare));
        if (goes_on) {
            words.back().text += part.text;
            words.back().count += part.count;
        } else {
            words.push_back(part);
        }
        part = {};
    }
    return words;
}

std::vector<int> token_times(std::span<const float> shares, int heads, int rows, int positions,
                             int first, int used) {
    assert(std::cmp_equal(shares.size(), std::int64_t{heads} * rows * positions));
    assert(heads > 0 && first >= 0 && first < rows && used > 0 && used <= positions);
    std::vector<float> costs = average(shares, heads, rows, positions, used);
    costs.erase(costs.begin(), costs.begin() + std::ptrdiff_t{first} * used);
    for (float& cost : costs) cost = -cost;
    return warp(costs, rows - first, used);
}

std::vector<int> warp(std::span<const float> costs, int rows, int columns) {
    assert(rows > 0 && columns > 0);
    enum class Step : std::uint8_t { Both, Row, Column };
    const auto stride = static_cast<std::size_t>(columns) + 1;
    const float far = std::numeric_limits<float>::infinity();
    std::vector<float> sums((static_cast<std::size_t>(rows) + 1) * stride, far);
    std::vector<Step> steps(sums.size(), Step::Both);
    sums[0] = 0;
    for (std::size_t row = 1; std::cmp_less_equal(row, rows); ++row) {
        for (std::size_t column = 1; std::cmp_less_equal(column, columns); ++column) {
            const std::size_t at = row * stride + column;
            const float both = sums[at - stride - 1];
            const float by_row = sums[at - stride];
            const float by_column = sums[at - 1];
            float least = by_column;
            steps[at] = Step::Column;
            if (both < by_row && both < by_column) {
                least = both;
                steps[at] = Step::Both;
            } else if (by_row < both && by_row < by_column) {
                least = by_row;
                steps[at] = Step::Row;
            }
            sums[at] = least + costs[(row - 1) * static_cast<std::size_t>(columns) + column - 1];
        }
    }
    std::vector<int> starts(static_cast<std::size_t>(rows));
    auto row = static_cast<std::size_t>(rows);
    auto column = static_cast<std::size_t>(columns);
    while (row > 0 && column > 0) {
        starts[row - 1] = static_cast<int>(column) - 1;
        const Step step = steps[row * stride + column];
        if (step != Step::Column) --row;
        if (step != Step::Row) --column;
    }
    return starts;
}

}  // namespace titans::hearing::whisper
