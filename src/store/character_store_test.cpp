// What every CharacterStore does, run on the one that the test program is linked with.

#include "store/character_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <format>
#include <map>
#include <random>
#include <set>

#include "execution/on_loop.h"
#include "store/bm25.h"
#include "store/store_fixture_for_test.h"

namespace titans::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::UnorderedElementsAre;

class CharacterStoreTest : public ::testing::TestWithParam<StoreUnderTest> {
protected:
    void SetUp() override {
        if (!fixture_) GTEST_SKIP() << GetParam().name << " cannot run here";
    }

    CharacterStore& store() { return fixture_->store(); }

    CharacterId create(NewCharacter character) {
        return on_loop<Result<CharacterId>>([&] { return store().create(character); }).value();
    }
    CharacterId create_with(std::vector<NewPassage> passages) {
        return create({.name = "Ada", .slug_base = "ada", .passages = std::move(passages)});
    }
    Result<CharacterRecord> find(CharacterId id) {
        return on_loop<Result<CharacterRecord>>([&] { return store().find(id); });
    }
    std::vector<CharacterRecord> list() {
        return on_loop<Result<std::vector<CharacterRecord>>>([&] { return store().list(); })
            .value();
    }
    Result<CharacterRecord> update(CharacterId id, CharacterChange change) {
        return on_loop<Result<CharacterRecord>>([&] { return store().update(id, change); });
    }
    CharacterRecord append(CharacterId id, std::vector<NewPassage> passages) {
        return update(id, {.knowledge = KnowledgeChange::Append, .passages = std::move(passages)})
            .value();
    }
    CharacterRecord replace(CharacterId id, std::vector<NewPassage> passages) {
        return update(id, {.knowledge = KnowledgeChange::Replace, .passages = std::move(passages)})
            .value();
    }
    std::vector<std::string> file_names() {
        return on_loop<Result<std::vector<std::string>>>([&] { return store().file_names(); })
            .value();
    }
    WordCounts count(CharacterId id, std::vector<std::string> words) {
        return on_loop<Result<WordCounts>>([&] { return store().count_words(id, words); }).value();
    }
    Result<void> say(CharacterId id, std::string session, SessionTurn turn) {
        return on_loop<Result<void>>([&] { return store().add_session_turn(id, session, turn); });
    }
    /// "question/answer" of each turn.
    std::vector<std::string> said(CharacterId id, std::string session, int limit = 10) {
        const auto turns = on_loop<Result<std::vector<SessionTurn>>>(
            [&] { return store().session_turns(id, session, limit); });
        std::vector<std::string> texts;
        for (const SessionTurn& turn : turns.value())
            texts.push_back(turn.question + "/" + turn.answer);
        return texts;
    }
    void forget(std::chrono::seconds age) {
        ASSERT_TRUE(on_loop<Result<void>>([&] { return store().forget_session_turns(age); }));
    }
    Result<void> remove(CharacterId id) {
        return on_loop<Result<void>>([&] { return store().remove(id); });
    }
    std::vector<ScoredPassage> search(CharacterId id, std::vector<std::string> words,
                                      int limit = 10) {
        return on_loop<Result<std::vector<ScoredPassage>>>(
                   [&] { return store().search_words(id, words, limit); })
            .value();
    }
    std::vector<std::string> found(CharacterId id, std::vector<std::string> words, int limit = 10) {
        return texts(search(id, std::move(words), limit));
    }
    std::vector<ScoredPassage> near(CharacterId id, std::string model, std::vector<float> query,
                                    int limit = 10) {
        return on_loop<Result<std::vector<ScoredPassage>>>(
                   [&] { return store().search_vectors(id, model, query, limit); })
            .value();
    }
    std::vector<Passage> without_vector(CharacterId id, std::string model, int limit = 100) {
        return on_loop<Result<std::vector<Passage>>>(
                   [&] { return store().without_vector(id, model, limit); })
            .value();
    }
    void save(std::string model, std::vector<PassageVector> vectors) {
        ASSERT_TRUE(on_loop<Result<void>>([&] { return store().save_vectors(model, vectors); }));
    }
    static std::vector<std::string> texts(const std::vector<ScoredPassage>& passages) {
        std::vector<std::string> texts;
        for (const ScoredPassage& passage : passages) texts.push_back(passage.passage.text);
        return texts;
    }

    std::unique_ptr<StoreFixture> fixture_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(, CharacterStoreTest, ::testing::Values(store_under_test()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(CharacterStoreTest, GivesBackAllThatItWasGiven) {
    const CharacterId id = create({.name = "Ада 'O\"Brien'; DROP TABLE character; --",
                                   .slug_base = "ada",
                                   .llm_model = "smollm2",
                                   .llm_config = R"({"temperature":0.7})",
                                   .voice_cloning_settings = R"({"model":"f5tts"})",
                                   .stt_settings = "{}",
                                   .image_file = "a.png",
                                   .voice_file = "b.wav",
                                   .sample_file = "c.wav",
                                   .sample_key = "b.wav 1",
                                   .style = {{"Hi?", "Hello!"}, {"你好吗？", "很好。"}}});
    fixture_->reopen();
    const auto record = find(id);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->id, id);
    EXPECT_EQ(record->name, "Ада 'O\"Brien'; DROP TABLE character; --");
    EXPECT_EQ(record->slug, "ada");
    EXPECT_EQ(record->llm_model, "smollm2");
    EXPECT_EQ(record->llm_config, R"({"temperature":0.7})");
    EXPECT_EQ(record->voice_cloning_settings, R"({"model":"f5tts"})");
    EXPECT_EQ(record->stt_settings, "{}");
    EXPECT_EQ(record->image_file, "a.png");
    EXPECT_EQ(record->voice_file, "b.wav");
    EXPECT_EQ(record->sample_file, "c.wav");
    EXPECT_EQ(record->sample_key, "b.wav 1");
    EXPECT_EQ(record->transcript, "");
    EXPECT_EQ(record->transcript_of, "");
    EXPECT_THAT(
        record->created_at,
        MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"));
    ASSERT_EQ(record->style.size(), 2U);
    EXPECT_EQ(record->style[0].question, "Hi?");
    EXPECT_EQ(record->style[1].response, "很好。");
}

TEST_P(CharacterStoreTest, MakesSlugsThatAreUnique) {
    const auto slug = [&](std::string base) {
        return find(create({.name = "x", .slug_base = std::move(base)}))->slug;
    };
    EXPECT_EQ(slug("ada"), "ada");      // 1
    EXPECT_EQ(slug("ada"), "ada-2");    // 2
    EXPECT_EQ(slug(""), "3");           // 3
    EXPECT_EQ(slug("ada-5"), "ada-5");  // 4
    EXPECT_EQ(slug("ada"), "5");        // 5: ada and ada-5 are taken
    EXPECT_EQ(slug("7"), "7-6");        // 6: digits alone are kept for ids
    EXPECT_EQ(slug(""), "7");           // 7
}

TEST_P(CharacterStoreTest, ListsByIdAndNamesTheFilesInUse) {
    EXPECT_THAT(list(), IsEmpty());
    create({.name = "b", .image_file = "1.png"});
    create({.name = "a", .image_file = "1.png", .voice_file = "2.wav", .sample_file = "3.wav"});
    const auto records = list();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].name, "b");
    EXPECT_EQ(records[1].name, "a");
    EXPECT_THAT(file_names(), UnorderedElementsAre("1.png", "2.wav", "3.wav"));
}

TEST_P(CharacterStoreTest, SaysWhichCharacterItDoesNotHave) {
    for (const std::int64_t id : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{42}, INT64_MAX}) {
        ASSERT_FALSE(find({id}));
        EXPECT_EQ(find({id}).error().kind, ErrorKind::NotFound);
        EXPECT_EQ(remove({id}).error().kind, ErrorKind::NotFound);
        EXPECT_THAT(found({id}, {"word"}), IsEmpty());
        EXPECT_THAT(near({id}, "model", {1, 0}), IsEmpty());
    }
    EXPECT_EQ(find({42}).error().message, "there is no character 42");
}

TEST_P(CharacterStoreTest, RemovesACharacterWithAllThatHangsOnItAndNothingElse) {
    const CharacterId first = create_with({{"one", {"shared"}}, {"two", {"shared"}}});
    const CharacterId second = create_with({{"three", {"shared"}}});
    for (const Passage& passage : without_vector({0}, "m")) save("m", {{passage.id, {1, 0}}});
    ASSERT_TRUE(remove(first));
    fixture_->reopen();
    EXPECT_EQ(find(first).error().kind, ErrorKind::NotFound);
    EXPECT_THAT(found(first, {"shared"}), IsEmpty());
    EXPECT_THAT(near(first, "m", {1, 0}), IsEmpty());
    EXPECT_THAT(found(second, {"shared"}), ElementsAre("three"));
    EXPECT_EQ(near(second, "m", {1, 0}).size(), 1U);
    EXPECT_GT(create({.name = "new"}).value, second.value);
}

TEST_P(CharacterStoreTest, NeverUsesAnIdAgain) {
    const CharacterId first = create_with({{"one", {"w"}}});
    const std::int64_t passage = without_vector(first, "m").at(0).id;
    ASSERT_TRUE(remove(first));
    const CharacterId second = create_with({{"two", {"w"}}});
    EXPECT_GT(second.value, first.value);
    EXPECT_GT(without_vector(second, "m").at(0).id, passage);
}

TEST_P(CharacterStoreTest, FindsPassagesOfEveryScriptByTheirWords) {
    const CharacterId id = create_with({{"A", {"كتاب", "جديد"}},
                                        {"B", {"图书馆", "图书"}},
                                        {"C", {"สวัสดี"}},
                                        {"D", {"नमस्ते", "दुनिया"}},
                                        {"E", {"straße", "größe"}}});
    EXPECT_THAT(found(id, {"كتاب"}), ElementsAre("A"));
    EXPECT_THAT(found(id, {"图书馆"}), ElementsAre("B"));
    EXPECT_THAT(found(id, {"สวัสดี"}), ElementsAre("C"));
    EXPECT_THAT(found(id, {"दुनिया"}), ElementsAre("D"));
    EXPECT_THAT(found(id, {"größe"}), ElementsAre("E"));
    EXPECT_THAT(found(id, {"größer"}), IsEmpty());
    EXPECT_THAT(found(id, {}), IsEmpty());
}

TEST_P(CharacterStoreTest, TakesEveryWordAsAWordAndNeverAsAQuery) {
    const std::vector<std::string> strange{
        "\"", "'",   "a\"b",    "c'd", "3.5", "u.s.a", "x*", "NEAR", "AND", "OR",  "NOT", "(", ")",
        "^a", "a:b", "{words}", "-",   "\\",  "%",     "_",  ";--",  "a_b", "c++", "@x",  "#1"};
    for (const std::string& word : strange) {
        const CharacterId id = create_with(
            {{word, {word, "other"}}, {"noise", {"a", "b", "c", "x", "3", "5", "u", "d", "1"}}});
        EXPECT_THAT(found(id, {word}), ElementsAre(word)) << word;
    }
    const CharacterId id =
        create_with({{"one", {"fine", "", "two words", "tab\tbed", std::string("nul\0", 4)}}});
    EXPECT_THAT(found(id, {"", "two words", "\n", std::string("\0", 1)}), IsEmpty());
    EXPECT_THAT(found(id, {"fine", ""}), ElementsAre("one"));
}

TEST_P(CharacterStoreTest, RanksByBm25OverThisCharacterAlone) {
    const std::vector<NewPassage> passages{
        {"rare", {"dragon", "the", "the", "hill"}},
        {"common", {"the", "the", "the", "hill"}},
        {"twice", {"dragon", "dragon", "the", "hill"}},
        {"long", {"dragon", "the", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}}};
    const CharacterId id = create_with(passages);
    const auto before = search(id, {"the", "dragon", "dragon"});
    EXPECT_THAT(texts(before), ElementsAre("twice", "rare", "long", "common"));
    EXPECT_NEAR(before[0].score,
                bm25_score(bm25_weight(4, 3), 2, 4, 6) + bm25_score(bm25_weight(4, 4), 1, 4, 6),
                1e-9);
    EXPECT_THAT(found(id, {"the", "dragon"}, 2), ElementsAre("twice", "rare"));
    // Another character full of dragons changes nothing.
    create_with(std::vector<NewPassage>(50, {"dragons", {"dragon", "dragon"}}));
    const auto after = search(id, {"the", "dragon"});
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_DOUBLE_EQ(after[i].score, before[i].score);
}

TEST_P(CharacterStoreTest, FindsTheBestOfManyAsIfItHadScoredThemAll) {
    std::minstd_rand random(7);
    std::vector<NewPassage> passages;
    std::map<std::string, std::map<std::string, int>> times;
    double total_length = 0;
    for (int i = 0; i < 400; ++i) {
        NewPassage passage{.text = std::format("p{:03}", i)};
        for (auto length = 1 + random() % 30; length > 0; --length) {
            // Small numbers are common.
            passage.words.push_back(std::format("w{}", random() % (1 + random() % 40)));
            ++times[passage.text][passage.words.back()];
        }
        total_length += static_cast<double>(passage.words.size());
        passages.push_back(std::move(passage));
    }
    const CharacterId id = create_with(passages);
    const std::vector<std::string> words{"w0", "w3", "w17", "w31", "w39"};
    const WordCounts counts = count(id, words);
    std::vector<std::pair<double, std::string>> expected;  // the negative score
    for (const NewPassage& passage : passages) {
        double score = 0;
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (!times[passage.text].contains(words[i])) continue;
            score +=
                bm25_score(bm25_weight(400, counts.containing[i]), times[passage.text][words[i]],
                           static_cast<double>(passage.words.size()), total_length / 400);
        }
        if (score > 0) expected.emplace_back(-score, passage.text);
    }
    std::ranges::sort(expected);
    ASSERT_GT(expected.size(), 100U);
    for (const int limit : {1, 5, 50, 1000}) {
        const auto best = search(id, words, limit);
        ASSERT_EQ(best.size(), std::min<std::size_t>(expected.size(), limit));
        for (std::size_t i = 0; i < best.size(); ++i)
            ASSERT_NEAR(best[i].score, -expected[i].first, 1e-9) << limit << " " << i;
    }
}

TEST_P(CharacterStoreTest, CountsThePassagesThatHoldAWord) {
    create_with({{"other", {"hill", "dragon"}}});
    const CharacterId id =
        create_with({{"1", {"hill", "hill"}}, {"2", {"hill", "dragon"}}, {"3", {"sea"}}});
    const auto counts = on_loop<Result<WordCounts>>(
        [&] { return store().count_words(id, {"hill", "dragon", "none", ""}); });
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->passages, 3);
    EXPECT_THAT(counts->containing, ElementsAre(2, 1, 0, 0));
    const auto none =
        on_loop<Result<WordCounts>>([&] { return store().count_words({99}, {"hill"}); });
    EXPECT_EQ(none->passages, 0);
    EXPECT_THAT(none->containing, ElementsAre(0));
}

TEST_P(CharacterStoreTest, FindsTheNearestVectorsOfOneModelAndOneCharacter) {
    const CharacterId id =
        create_with({{"east", {"w"}}, {"north", {"w"}}, {"west", {"w"}}, {"blank", {"w"}}});
    const CharacterId other = create_with({{"other", {"w"}}});
    const auto passages = without_vector(id, "m");
    ASSERT_EQ(passages.size(), 4U);
    save("m", {{passages[0].id, {1, 0}}, {passages[1].id, {0, 1}}, {passages[2].id, {-1, 0}}});
    save("m", {{without_vector(other, "m").at(0).id, {1, 0}}});
    save("n", {{passages[3].id, {1, 0}}});
    const auto nearest = near(id, "m", {0.8F, 0.6F});
    EXPECT_THAT(texts(nearest), ElementsAre("east", "north", "west"));
    EXPECT_NEAR(nearest[0].score, 0.8, 1e-6);
    EXPECT_NEAR(nearest[1].score, 0.6, 1e-6);
    EXPECT_NEAR(nearest[2].score, -0.8, 1e-6);
    EXPECT_THAT(texts(near(id, "m", {0.8F, 0.6F}, 1)), ElementsAre("east"));
    EXPECT_THAT(texts(near(id, "n", {1, 0})), ElementsAre("blank"));
    EXPECT_THAT(near(id, "unknown", {1, 0}), IsEmpty());
    EXPECT_THAT(near(id, "m", {1, 0, 0}), IsEmpty());  // of another size: not comparable
    EXPECT_THAT(near(id, "m", {1, 0}, 0), IsEmpty());
}

TEST_P(CharacterStoreTest, ComparesLongVectorsExactly) {
    std::vector<NewPassage> passages(5, {"p", {"w"}});
    const CharacterId id = create_with(passages);
    std::vector<float> query(387);
    for (std::size_t i = 0; i < query.size(); ++i) query[i] = std::sin(static_cast<float>(i));
    double expected = 0;
    std::vector<float> vector(387);
    for (std::size_t i = 0; i < vector.size(); ++i) {
        vector[i] = std::cos(static_cast<float>(i) * 0.3F);
        expected += static_cast<double>(vector[i]) * query[i];
    }
    save("m", {{without_vector(id, "m").at(0).id, vector}});
    EXPECT_NEAR(near(id, "m", query).at(0).score, expected, 1e-3);
}

TEST_P(CharacterStoreTest, NamesThePassagesWithoutAVectorOldestFirst) {
    const CharacterId first = create_with({{"1", {"w"}}, {"2", {"w"}}});
    const CharacterId second = create_with({{"3", {"w"}}});
    const auto all = without_vector({0}, "m");
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].text, "1");
    EXPECT_EQ(all[2].text, "3");
    EXPECT_EQ(without_vector({0}, "m", 2).size(), 2U);
    save("m", {{all[0].id, {1}}});
    EXPECT_EQ(without_vector(first, "m").size(), 1U);
    EXPECT_EQ(without_vector(first, "m").at(0).text, "2");
    EXPECT_EQ(without_vector(first, "n").size(), 2U);
    EXPECT_EQ(without_vector(second, "m").size(), 1U);
    save("m", {{all[1].id, {1}}, {all[2].id, {1}}});
    fixture_->reopen();
    EXPECT_THAT(without_vector({0}, "m"), IsEmpty());
}

TEST_P(CharacterStoreTest, ReplacesAVectorAndDropsThoseOfPassagesThatAreGone) {
    const CharacterId id = create_with({{"p", {"w"}}});
    const std::int64_t passage = without_vector(id, "m").at(0).id;
    save("m", {{passage, {1, 0}}});
    save("m", {{passage, {0, 1}}, {passage + 1000, {1, 1}}});
    save("m", {});
    const auto nearest = near(id, "m", {0, 1});
    ASSERT_EQ(nearest.size(), 1U);
    EXPECT_NEAR(nearest[0].score, 1, 1e-6);
    create_with({{"q", {"w"}}});
    EXPECT_EQ(without_vector({0}, "m").size(), 1U);
}

TEST_P(CharacterStoreTest, ChangesWhatItIsToldAndKeepsTheRest) {
    const CharacterId other = create({.name = "other", .image_file = "o.png"});
    const CharacterId id = create({.name = "Ada",
                                   .slug_base = "ada",
                                   .llm_model = "smollm2",
                                   .llm_config = R"({"a":1})",
                                   .voice_cloning_settings = R"({"b":2})",
                                   .stt_settings = R"({"c":3})",
                                   .image_file = "1.png",
                                   .voice_file = "2.wav",
                                   .style = {{"q", "r"}},
                                   .passages = {{"text", {"word"}}}});
    save("m", {{without_vector(id, "m").at(0).id, {1, 0}}});
    const std::string created_at = find(id)->created_at;

    ASSERT_TRUE(update(id, {}));
    EXPECT_EQ(find(id)->name, "Ada");
    EXPECT_EQ(find(id)->slug, "ada");
    EXPECT_EQ(find(id)->llm_config, R"({"a":1})");
    EXPECT_EQ(find(id)->style.size(), 1U);

    const auto before =
        update(id, {.image_file = "3.png", .style = {{{"q1", "r1"}, {"q2", "r2"}}}});
    ASSERT_TRUE(before);
    EXPECT_EQ(before->id, id);
    EXPECT_EQ(before->image_file, "1.png");
    EXPECT_EQ(before->voice_file, "2.wav");
    EXPECT_EQ(before->name, "Ada");
    EXPECT_THAT(file_names(), UnorderedElementsAre("o.png", "2.wav", "3.png"));
    EXPECT_EQ(update(id, {.voice_file = ""})->image_file, "3.png");
    EXPECT_THAT(file_names(), UnorderedElementsAre("o.png", "3.png"));
    ASSERT_EQ(find(id)->style.size(), 2U);
    EXPECT_EQ(find(id)->style[1].response, "r2");

    ASSERT_TRUE(update(id, {.sample_file = "4.wav", .sample_key = "k"}));
    EXPECT_EQ(update(id, {.transcript = "Said.", .transcript_of = "2.wav"})->sample_file, "4.wav");
    EXPECT_EQ(find(id)->sample_key, "k");
    EXPECT_EQ(find(id)->transcript, "Said.");
    EXPECT_EQ(find(id)->transcript_of, "2.wav");

    ASSERT_TRUE(update(id, {.llm_model = "m2",
                            .llm_config = "{}",
                            .voice_cloning_settings = R"({"b":3})",
                            .stt_settings = R"({"c":4})",
                            .style = std::vector<StyleExample>()}));
    fixture_->reopen();
    const auto after = find(id);
    EXPECT_EQ(after->name, "Ada");
    EXPECT_EQ(after->slug, "ada");
    EXPECT_EQ(after->llm_model, "m2");
    EXPECT_EQ(after->llm_config, "{}");
    EXPECT_EQ(after->voice_cloning_settings, R"({"b":3})");
    EXPECT_EQ(after->stt_settings, R"({"c":4})");
    EXPECT_EQ(after->created_at, created_at);
    EXPECT_THAT(after->style, IsEmpty());
    EXPECT_THAT(found(id, {"word"}), ElementsAre("text"));
    EXPECT_THAT(texts(near(id, "m", {1, 0})), ElementsAre("text"));
    EXPECT_EQ(find(other)->name, "other");
}

TEST_P(CharacterStoreTest, ChangesTheSlugWithTheNameIfAnotherIsBetter) {
    const CharacterId first = create({.name = "Ada", .slug_base = "ada"});
    const CharacterId second = create({.name = "Ada", .slug_base = "ada"});
    const auto rename = [&](CharacterId id, std::string name, std::string base) {
        EXPECT_TRUE(update(id, {.name = name, .slug_base = base}));
        EXPECT_EQ(find(id)->name, name);
        return find(id)->slug;
    };
    EXPECT_EQ(rename(second, "ADA", "ada"), "ada-2");
    EXPECT_EQ(rename(first, "Ada!", "ada"), "ada");
    EXPECT_EQ(rename(first, "Bob", "bob"), "bob");
    EXPECT_EQ(rename(second, "Ada", "ada"), "ada");
    EXPECT_EQ(rename(second, "२", ""), "2");
    EXPECT_EQ(rename(second, "1", "1"), "1-2");
    ASSERT_TRUE(update(second, {.slug_base = "without-a-name"}));
    EXPECT_EQ(find(second)->slug, "1-2");
}

TEST_P(CharacterStoreTest, ReplacesKnowledge) {
    const CharacterId other = create_with({{"other", {"old", "shared"}}});
    const CharacterId id = create_with({{"one", {"old", "shared"}}, {"two", {"old", "shared"}}});
    const auto old = without_vector(id, "m");
    save("m", {{old[0].id, {1, 0}}, {old[1].id, {1, 0}}});
    EXPECT_EQ(near(id, "m", {1, 0}).size(), 2U);
    replace(id, {{"three", {"new", "shared"}}});
    EXPECT_THAT(found(id, {"old"}), IsEmpty());
    EXPECT_THAT(found(id, {"shared"}), ElementsAre("three"));
    EXPECT_THAT(near(id, "m", {1, 0}), IsEmpty());
    EXPECT_EQ(count(id, {"shared"}).passages, 1);
    const auto left = without_vector(id, "m");
    ASSERT_EQ(left.size(), 1U);
    EXPECT_GT(left[0].id, old[1].id);
    // A vector that comes late finds nothing.
    save("m", {{old[0].id, {1, 0}}, {left[0].id, {0, 1}}});
    fixture_->reopen();
    EXPECT_THAT(texts(near(id, "m", {1, 0})), ElementsAre("three"));
    EXPECT_THAT(found(other, {"old"}), ElementsAre("other"));
    // The average length is that of what is there now.
    EXPECT_NEAR(search(id, {"new"}).at(0).score, bm25_score(bm25_weight(1, 1), 1, 2, 2), 1e-9);
    replace(id, {});
    EXPECT_THAT(found(id, {"shared"}), IsEmpty());
    EXPECT_EQ(count(id, {"shared"}).passages, 0);
    EXPECT_THAT(near(id, "m", {1, 0}), IsEmpty());
    EXPECT_THAT(without_vector(id, "m"), IsEmpty());
}

TEST_P(CharacterStoreTest, SearchesWhatWasAppendedLikeWhatWasThereFromTheBeginning) {
    const std::vector<NewPassage> passages{{"1", {"hill", "dragon"}},
                                           {"2", {"hill", "hill", "sea"}},
                                           {"3", {"dragon"}},
                                           {"4", {"dragon", "dragon", "hill", "sea", "sea"}},
                                           {"5", {"sea", "wind"}}};
    const CharacterId whole = create_with(passages);
    const CharacterId id = create_with({passages[0]});
    append(id, {passages[1]});
    create_with(std::vector<NewPassage>(20, {"noise", {"dragon", "hill"}}));
    append(id, {passages[2], passages[3]});
    append(whole, {});
    create_with({{"noise", {"dragon"}}});
    append(id, {passages[4]});
    fixture_->reopen();
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"dragon"}, {"hill", "sea"}, {"dragon", "hill", "sea", "wind"}}) {
        const auto expected = search(whole, words);
        const auto actual = search(id, words);
        ASSERT_EQ(texts(actual), texts(expected));
        for (std::size_t i = 0; i < actual.size(); ++i)
            EXPECT_NEAR(actual[i].score, expected[i].score, 1e-9);
        EXPECT_EQ(texts(search(id, words, 2)), texts(search(whole, words, 2)));
        EXPECT_EQ(count(id, words).containing, count(whole, words).containing);
    }
    EXPECT_EQ(count(id, {}).passages, 5);

    float x = 0;
    for (const Passage& passage : without_vector(id, "m"))
        save("m", {{passage.id, {x += 0.1F, 0}}});
    for (const Passage& passage : without_vector({0}, "m")) save("m", {{passage.id, {1, 0}}});
    EXPECT_THAT(texts(near(id, "m", {1, 0})), ElementsAre("5", "4", "3", "2", "1"));
    append(id, {{"6", {"late"}}});
    EXPECT_THAT(texts(near(id, "m", {1, 0}, 2)), ElementsAre("5", "4"));
    ASSERT_EQ(without_vector(id, "m").size(), 1U);
    save("m", {{without_vector(id, "m").at(0).id, {1, 0}}});
    EXPECT_THAT(texts(near(id, "m", {1, 0}, 2)), ElementsAre("6", "5"));

    replace(id, {{"alone", {"hill"}}});
    EXPECT_THAT(found(id, {"dragon", "hill", "sea", "late"}), ElementsAre("alone"));
    append(id, {{"more", {"hill"}}});
    ASSERT_TRUE(remove(id));
    EXPECT_THAT(found(id, {"dragon", "hill", "sea", "late"}), IsEmpty());
    EXPECT_EQ(texts(search(whole, {"dragon"})).size(), 3U);
}

TEST_P(CharacterStoreTest, ChangesNothingOfACharacterThatItDoesNotHave) {
    const CharacterId gone = create({.name = "gone"});
    ASSERT_TRUE(remove(gone));
    for (const CharacterId id : {gone, CharacterId{0}, CharacterId{-1}, CharacterId{INT64_MAX}}) {
        const auto updated = update(id, {.name = "x",
                                         .slug_base = "x",
                                         .style = {{{"q", "r"}}},
                                         .knowledge = KnowledgeChange::Append,
                                         .passages = {{"p", {"w"}}}});
        ASSERT_FALSE(updated);
        EXPECT_EQ(updated.error().kind, ErrorKind::NotFound);
    }
    EXPECT_THAT(without_vector({0}, "m"), IsEmpty());
    EXPECT_THAT(list(), IsEmpty());
}

TEST_P(CharacterStoreTest, TakesChangesOfOneCharacterOneAfterAnother) {
    const CharacterId id = create_with({{"first", {"word", "first"}}});
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                for (int j = 0; j < 5; ++j) {
                    const std::string name = std::format("n{}-{}", i, j);
                    EXPECT_TRUE(update(id, {.name = name,
                                            .slug_base = name,
                                            .style = {{{name, name}}},
                                            .knowledge = KnowledgeChange::Append,
                                            .passages = {{name, {"word", name}}}}));
                }
            });
        }
    }
    const auto record = find(id);
    EXPECT_EQ(record->slug, record->name);
    ASSERT_EQ(record->style.size(), 1U);
    EXPECT_EQ(record->style[0].question, record->name);
    EXPECT_EQ(count(id, {"word", "n3-4"}).passages, 21);
    EXPECT_THAT(count(id, {"word", "n3-4", "first"}).containing, ElementsAre(21, 1, 1));
    EXPECT_NEAR(search(id, {"first"}).at(0).score, bm25_score(bm25_weight(21, 1), 1, 2, 2), 1e-9);
}

TEST_P(CharacterStoreTest, KeepsTheNewestTurnsOfASessionInTheirOrder) {
    const CharacterId id = create({.name = "a"});
    for (int i = 1; i <= 5; ++i)
        ASSERT_TRUE(say(id, "s", {std::format("q{}", i), std::format("a{}", i)}));
    EXPECT_THAT(said(id, "s", 3), ElementsAre("q3/a3", "q4/a4", "q5/a5"));
    fixture_->reopen();
    EXPECT_EQ(said(id, "s", 100).size(), 5U);
    EXPECT_THAT(said(id, "s", 0), IsEmpty());
    ASSERT_TRUE(say(id, "s", {"q6", ""}));
    EXPECT_THAT(said(id, "s", 2), ElementsAre("q5/a5", "q6/"));
}

TEST_P(CharacterStoreTest, KeepsSessionsApart) {
    const CharacterId one = create({.name = "a"});
    const CharacterId two = create({.name = "b"});
    const std::vector<std::string> sessions{"s",      "S",    "s ", "",   "%", "_",         "'; --",
                                            "сессия", "会话", "\"", "\\", "é", "e\xCC\x81", "🎭"};
    for (const std::string& session : sessions) {
        ASSERT_TRUE(say(one, session, {"one", session}));
        ASSERT_TRUE(say(two, session, {"two", session}));
    }
    for (const std::string& session : sessions) {
        EXPECT_THAT(said(one, session), ElementsAre("one/" + session));
        EXPECT_THAT(said(two, session), ElementsAre("two/" + session));
    }
    EXPECT_THAT(said(one, "another"), IsEmpty());
    EXPECT_THAT(said({99}, "s"), IsEmpty());
}

TEST_P(CharacterStoreTest, ForgetsTurnsThatAreTooOld) {
    const CharacterId id = create({.name = "a"});
    ASSERT_TRUE(say(id, "s", {"q", "a"}));
    ASSERT_TRUE(say(id, "t", {"q", "a"}));
    forget(std::chrono::days(30));
    EXPECT_EQ(said(id, "s").size(), 1U);
    forget(std::chrono::seconds(0));
    EXPECT_THAT(said(id, "s"), IsEmpty());
    EXPECT_THAT(said(id, "t"), IsEmpty());
    ASSERT_TRUE(say(id, "s", {"again", "a"}));
    EXPECT_THAT(said(id, "s"), ElementsAre("again/a"));
}

TEST_P(CharacterStoreTest, ForgetsTheSessionsOfARemovedCharacterAndTakesNoMoreOfThem) {
    const CharacterId id = create({.name = "a"});
    const CharacterId other = create({.name = "b"});
    ASSERT_TRUE(say(id, "s", {"q", "a"}));
    ASSERT_TRUE(say(other, "s", {"q", "a"}));
    ASSERT_TRUE(remove(id));
    EXPECT_THAT(said(id, "s"), IsEmpty());
    EXPECT_EQ(said(other, "s").size(), 1U);
    for (const CharacterId gone : {id, CharacterId{0}, CharacterId{INT64_MAX}}) {
        const auto refused = say(gone, "s", {"q", "a"});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::NotFound);
    }
}

TEST_P(CharacterStoreTest, KeepsTextsOfEveryScriptAndLength) {
    std::string long_text;
    while (long_text.size() < 1'000'000) long_text += "Ünï ಕನ್ನಡ 🎭\n";
    for (const std::string& text :
         {std::string("አማርኛ"), std::string("עברית"), std::string("👩‍👩‍👧‍👦"),
          std::string("e\xCC\x81"), std::string("\x01\t\r\n\x7f\xEF\xBF\xBF"), std::string(),
          long_text}) {
        const CharacterId id = create({.name = text,
                                       .llm_config = text,
                                       .style = {{text, text}},
                                       .passages = {{text, {"word"}}}});
        ASSERT_TRUE(say(id, "s", {text, text}));
        const auto record = find(id);
        ASSERT_TRUE(record);
        EXPECT_TRUE(record->name == text);
        EXPECT_TRUE(record->llm_config == text);
        EXPECT_TRUE(record->style.at(0).response == text);
        EXPECT_TRUE(found(id, {"word"}).at(0) == text);
        EXPECT_TRUE(said(id, "s").at(0) == text + "/" + text);
        EXPECT_TRUE(update(id, {.name = text + "x"})->name == text);
        EXPECT_TRUE(find(id)->name == text + "x");
    }
}

TEST_P(CharacterStoreTest, FindsNothingWhereNothingIsAskedFor) {
    const CharacterId id = create_with({{"p", {"w"}}});
    save("m", {{without_vector(id, "m").at(0).id, {1, 0}}});
    EXPECT_THAT(search(id, {"w"}, 0), IsEmpty());
    EXPECT_THAT(near(id, "m", {1, 0}, 0), IsEmpty());
    EXPECT_THAT(near(id, "m", {}), IsEmpty());
    EXPECT_THAT(without_vector(id, "n", 0), IsEmpty());
}

TEST_P(CharacterStoreTest, SaysThatItAnswers) {
    EXPECT_TRUE(on_loop<Result<void>>([&] { return store().check(); }));
}

TEST_P(CharacterStoreTest, IsTheSameAfterItWasOpenedAnewAndNoOther) {
    const auto identity = [](CharacterStore& of) {
        return on_loop<Result<std::string>>([&] { return of.identity(); }).value();
    };
    const std::string own = identity(store());
    EXPECT_THAT(own, testing::MatchesRegex("[0-9a-f]+"));
    EXPECT_EQ(own.size(), 32U);
    const auto other = GetParam().make();
    ASSERT_NE(other, nullptr);
    EXPECT_NE(identity(other->store()), own);
    fixture_->reopen();
    EXPECT_EQ(identity(store()), own);
}

TEST_P(CharacterStoreTest, ServesManyAtOnce) {
    const int count = 40;
    const auto created = on_loop<int>([&]() -> Task<int> {
        int done = 0;
        for (int i = 0; i < count; ++i) {
            NewCharacter character{.name = "n", .slug_base = "same", .passages = {{"p", {"w"}}}};
            const auto id = co_await store().create(std::move(character));
            const auto hit = co_await store().search_words(*id, std::vector<std::string>{"w"}, 3);
            if (hit && hit->size() == 1) ++done;
        }
        co_return done;
    });
    EXPECT_EQ(created, count);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 10; ++j) create({.name = "n", .slug_base = "same"});
        });
    }
    threads.clear();
    std::set<std::string> slugs;
    for (const CharacterRecord& record : list()) slugs.insert(record.slug);
    EXPECT_EQ(slugs.size(), 80U);
}

}  // namespace
}  // namespace titans::store
