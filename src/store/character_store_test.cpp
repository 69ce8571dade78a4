// What every CharacterStore does, run on each of them.

#include "store/character_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "execution/executor.h"
#include "execution/on_loop.h"
#include "foundation/temporary_folder_for_test.h"
#include "store/bm25.h"
#include "store/sqlite/sqlite_character_store.h"
#include "store/store_fixture_for_test.h"

namespace titans::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::UnorderedElementsAre;

class SqliteFixture final : public StoreFixture {
public:
    SqliteFixture() { open(); }
    CharacterStore& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        open();
    }

private:
    void open() { store_ = SqliteCharacterStore::open(folder_ / "titans.db", executor_).value(); }

    TemporaryFolder folder_;
    Executor executor_{{.name = "store", .threads = 2}};
    std::unique_ptr<SqliteCharacterStore> store_;
};

struct Database {
    const char* name;
    std::unique_ptr<StoreFixture> (*make)();
};

template <typename Fixture>
std::unique_ptr<StoreFixture> make() {
    return std::make_unique<Fixture>();
}

class CharacterStoreTest : public ::testing::TestWithParam<Database> {
protected:
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

INSTANTIATE_TEST_SUITE_P(, CharacterStoreTest,
                         ::testing::Values(Database{"Sqlite", make<SqliteFixture>}),
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
    create({.name = "a", .image_file = "1.png", .voice_file = "2.wav"});
    const auto records = list();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].name, "b");
    EXPECT_EQ(records[1].name, "a");
    const auto names =
        on_loop<Result<std::vector<std::string>>>([&] { return store().file_names(); });
    EXPECT_THAT(*names, UnorderedElementsAre("1.png", "2.wav"));
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
