#include "store/postgres/word_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "store/bm25.h"

namespace titans::store::postgres {

static_assert(std::endian::native == std::endian::little, "places are stored little-endian");

namespace {

// What goes into one statement.
constexpr std::size_t kBatchRows = 20'000;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

// What fits an index of PostgreSQL with room to spare.
constexpr std::size_t kLongestWord = 1'000;

/// Of passage_word.places.
struct Place {
    std::int64_t passage_id;
    std::int32_t times;
    std::int32_t length;  // of the passage, in words
};
static_assert(sizeof(Place) == 16);

bool is_word(std::string_view word) {
    return !word.empty() && word.size() <= kLongestWord &&
           std::ranges::none_of(word, [](char c) { return (c >= 0 && c <= ' ') || c == 0x7f; });
}

}  // namespace

void WordPlaces::add(std::int64_t passage_id, const std::vector<std::string>& words) {
    std::unordered_map<std::string_view, std::int32_t> times;
    std::int32_t length = 0;
    for (const std::string& word : words) {
        if (!is_word(word)) continue;
        ++times[word];
        ++length;
    }
    for (const auto& [word, count] : times) {
        const Place place{passage_id, count, length};
        places_[word].append(reinterpret_cast<const char*>(&place), sizeof place);
    }
    total_ += length;
}

Result<void> WordPlaces::insert(Connection& connection, CharacterId id) const {
    // In the order of the index, which is then written from its start to its end.
    std::vector<std::string_view> sorted;
    for (const auto& [word, places] : places_) sorted.push_back(word);
    std::ranges::sort(sorted);
    for (std::size_t next = 0; next < sorted.size();) {
        std::vector<std::string> words;
        std::vector<std::string> places;
        for (std::size_t bytes = 0;
             next < sorted.size() && words.size() < kBatchRows && bytes < kBatchBytes; ++next) {
            words.emplace_back(sorted[next]);
            places.push_back(places_.at(sorted[next]));
            bytes += words.back().size() + places.back().size();
        }
        TITANS_TRY_VOID(connection.run(
            "INSERT INTO passage_word (character_id, word, places) SELECT $1, word, places FROM "
            "unnest($2, $3) AS new (word, places) ON CONFLICT (character_id, word) DO UPDATE SET "
            "places = passage_word.places || excluded.places",
            id.value, words, Blobs{places}));
    }
    return {};
}

Result<WordCounts> count_words(Connection& connection, CharacterId id,
                               const std::vector<std::string>& words) {
    WordCounts counts{.containing = std::vector<std::int64_t>(words.size())};
    TITANS_TRY(const Rows character,
               connection.query("SELECT passages FROM character WHERE id = $1", id.value));
    if (!character.empty()) counts.passages = character.integer(0, 0);
    std::vector<std::string> asked;
    std::ranges::copy_if(words, std::back_inserter(asked), is_word);
    TITANS_TRY(const Rows rows,
               connection.query("SELECT word, octet_length(places)::bigint FROM passage_word WHERE "
                                "character_id = $1 AND word = ANY ($2)",
                                id.value, asked));
    for (int row = 0; row < rows.size(); ++row) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i] == rows.text(row, 0))
                counts.containing[i] =
                    rows.integer(row, 1) / static_cast<std::int64_t>(sizeof(Place));
        }
    }
    return counts;
}

Result<std::vector<ScoredPassage>> search_words(Connection& connection, CharacterId id,
                                                const std::vector<std::string>& words, int limit) {
    TITANS_TRY(const Rows character,
               connection.query("SELECT passages, words FROM character WHERE id = $1", id.value));
    if (character.empty() || character.integer(0, 0) == 0) return {};
    const std::int64_t passages = character.integer(0, 0);
    const double average_length =
        static_cast<double>(character.integer(0, 1)) / static_cast<double>(passages);
    std::vector<std::string> asked;
    std::ranges::copy_if(words, std::back_inserter(asked), is_word);
    // A word asked for twice counts once. In order, so that the same sums come out each time.
    TITANS_TRY(
        const Rows found,
        connection.query("SELECT places FROM passage_word WHERE character_id = $1 AND word = "
                         "ANY ($2) ORDER BY word",
                         id.value, asked));
    std::unordered_map<std::int64_t, double> scores;
    for (int row = 0; row < found.size(); ++row) {
        const std::string_view places = found.text(row, 0);
        const double weight =
            bm25_weight(passages, static_cast<std::int64_t>(places.size() / sizeof(Place)));
        for (std::size_t at = 0; at + sizeof(Place) <= places.size(); at += sizeof(Place)) {
            Place place{};
            std::memcpy(&place, places.data() + at, sizeof place);
            scores[place.passage_id] +=
                bm25_score(weight, place.times, place.length, average_length);
        }
    }

    struct Scored {
        double score;
        std::int64_t passage_id;
    };
    std::vector<Scored> best;
    for (const auto& [passage_id, score] : scores) best.push_back({score, passage_id});
    const auto end = best.begin() + std::min(std::ssize(best), std::ptrdiff_t{std::max(limit, 0)});
    std::ranges::partial_sort(best, end, [](const Scored& a, const Scored& b) {
        return a.score != b.score ? a.score > b.score : a.passage_id < b.passage_id;
    });
    best.erase(end, best.end());

    std::vector<std::int64_t> ids;
    for (const Scored& scored : best) ids.push_back(scored.passage_id);
    TITANS_TRY(const Rows texts,
               connection.query("SELECT text FROM unnest($1) WITH ORDINALITY AS best (id, place) "
                                "JOIN passage USING (id) ORDER BY place",
                                ids));
    std::vector<ScoredPassage> answer;
    for (int row = 0; row < texts.size(); ++row) {
        const Scored& scored = best[static_cast<std::size_t>(row)];
        answer.push_back({{scored.passage_id, std::string(texts.text(row, 0))}, scored.score});
    }
    return answer;
}

}  // namespace titans::store::postgres
