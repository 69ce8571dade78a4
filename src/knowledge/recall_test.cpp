#include "knowledge/recall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/embedding_worker.h"
#include "knowledge/testing.h"

namespace titans::knowledge {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class RecallTest : public ::testing::Test {
protected:
    Result<Recollection> recall(CharacterId id, std::string question, Embedder* embedder,
                                std::stop_token stop = {}) {
        Recall recall(*store_, embedder, compute_);
        return on_loop<Result<Recollection>>([&] { return recall.recall(id, question, stop); });
    }
    std::vector<std::string> texts(CharacterId id, const std::string& question,
                                   Embedder* embedder = nullptr) {
        std::vector<std::string> texts;
        for (const RecalledPassage& passage : recall(id, question, embedder)->passages)
            texts.push_back(passage.text);
        return texts;
    }
    void embed_all(CharacterId id) {
        EmbeddingWorker worker(*store_, embedder_, compute_);
        on_loop<int>([&]() -> Task<int> {
            co_await worker.embed_now(id, Milliseconds(60000), {});
            co_return 0;
        });
        ASSERT_EQ(store_.without_vector(id, "topics"), 0U);
    }

    TestStore store_;
    Executor compute_{{.name = "compute"}};
    TopicEmbedder embedder_;
};

/// Passages of an English text in which common words are common.
std::vector<std::string> village() {
    return {
        "The lighthouse of Arnholt was built in 1741 by the widow of a captain, and it is what the "
        "sailors look for.",
        "Every spring the fishers of the village paint what is left of the old boats in red and in "
        "white.",
        "The baker is called Torben, and he opens the shop at four in the morning, when it is "
        "dark.",
        "What is sold at the market on the first Friday of the month is fish, wool and honey from "
        "the hills.",
        "The school has two rooms and one teacher, who is known for the songs that she makes up.",
        "In the year of the great storm the sea took the lower street, and it is a beach now.",
        "The ferry goes to the mainland at seven and at five, if the wind is what the skipper "
        "likes.",
        "On the hill behind the church there is a stone with the names of those who did not come "
        "home."};
}

TEST_F(RecallTest, FindsThePassageThatHoldsTheRareWordsOfAQuestion) {
    const CharacterId id = store_.create(village());
    EXPECT_THAT(texts(id, "When was the lighthouse built?").at(0), ::testing::HasSubstr("1741"));
    EXPECT_THAT(texts(id, "What is the name of the baker?").at(0), ::testing::HasSubstr("Torben"));
    EXPECT_THAT(texts(id, "What time does the ferry go to the mainland?").at(0),
                ::testing::HasSubstr("ferry"));
    EXPECT_THAT(texts(id, "TEACHER").at(0), ::testing::HasSubstr("teacher"));
}

TEST_F(RecallTest, FindsOtherFormsOfAWord) {
    const CharacterId id = store_.create(village());
    EXPECT_THAT(texts(id, "Whose songs do teachers sing?").at(0), ::testing::HasSubstr("teacher"));
    const CharacterId russian = store_.create(
        {"Маяк построен в 1741 году.", "Пекарь открывает лавку в четыре.", "Школа мала."});
    EXPECT_THAT(texts(russian, "Что в маяке?").at(0), ::testing::HasSubstr("1741"));
}

TEST_F(RecallTest, FindsWhatIsAskedForInTheMiddleOfALongStory) {
    const CharacterId id = store_.create(village());
    const std::string story =
        "Yesterday my grandmother and several cousins walked along some muddy lane, drinking "
        "lemonade and arguing about football, until somebody mentioned your lighthouse; nobody "
        "believed Uncle Ernest, naturally, because he invents everything, so please explain.";
    EXPECT_THAT(texts(id, story).at(0), ::testing::HasSubstr("1741"));
}

TEST_F(RecallTest, SearchesNotForWhatMostOfManyPassagesHold) {
    std::vector<std::string> passages;
    for (int i = 0; i < 120; ++i) passages.push_back(std::format("the box number{}", i));
    const CharacterId id = store_.create(passages);
    EXPECT_THAT(texts(id, "the box"), IsEmpty());
    EXPECT_THAT(texts(id, "the box number77"), ElementsAre("the box number77"));
}

TEST_F(RecallTest, DoesNotTakeCommonWordsForAHit) {
    const CharacterId id = store_.create(village());
    EXPECT_THAT(texts(id, "Is the quantum chromodynamics vacuum metastable?"), IsEmpty());
    EXPECT_THAT(texts(id, "Zebras?"), IsEmpty());
    EXPECT_THAT(texts(id, ""), IsEmpty());
    EXPECT_THAT(texts(id, "?! …"), IsEmpty());
    EXPECT_THAT(texts({4711}, "the lighthouse"), IsEmpty());
}

TEST_F(RecallTest, WorksInEveryScript) {
    const CharacterId id =
        store_.create({"图书馆在城市的中心。它早上八点开门。", "学校有两个老师。",
                       "المنارة بنيت سنة 1741.", "السوق يوم الجمعة.", "ห้องสมุดเปิดแปดโมงเช้า",
                       "पुस्तकालय शहर के बीच में है।", "Die Bäckerei öffnet um vier."});
    EXPECT_THAT(texts(id, "图书馆几点开门？").at(0), ::testing::StartsWith("图书馆"));
    EXPECT_THAT(texts(id, "متى بُنيت المنارة؟").at(0), ::testing::StartsWith("المنارة"));
    EXPECT_THAT(texts(id, "ห้องสมุดเปิดกี่โมง").at(0), ::testing::StartsWith("ห้องสมุด"));
    EXPECT_THAT(texts(id, "पुस्तकालय कहाँ है?").at(0), ::testing::StartsWith("पुस्तकालय"));
    EXPECT_THAT(texts(id, "wann öffnet die BÄCKEREI?").at(0), ::testing::StartsWith("Die"));
}

TEST_F(RecallTest, FindsByMeaningWhatSharesNoWord) {
    const CharacterId id = store_.create(
        {"The ocean is grey today.", "A peak covered in snow.", "Rye loaf, every morning."});
    embed_all(id);
    const auto found = recall(id, "sea", &embedder_);
    ASSERT_EQ(found->passages.size(), 1U);
    EXPECT_EQ(found->passages[0].text, "The ocean is grey today.");
    EXPECT_FALSE(found->passages[0].by_words);
    EXPECT_GT(found->passages[0].cosine.value(), 0.9);
    EXPECT_FALSE(found->lexical_only);
    EXPECT_EQ(embedder_.last_role, TextRole::Query);
    EXPECT_THAT(texts(id, "sea"), IsEmpty());
}

TEST_F(RecallTest, PutsFirstWhatBothSearchesFind) {
    const CharacterId id =
        store_.create({"Waves and waves.", "The ocean near Arnholt.", "Arnholt has a baker.",
                       "Nothing here.", "Nor here.", "And nor there."});
    embed_all(id);
    const auto found = recall(id, "Sea, Arnholt", &embedder_);
    ASSERT_GE(found->passages.size(), 3U);
    EXPECT_EQ(found->passages[0].text, "The ocean near Arnholt.");
    EXPECT_TRUE(found->passages[0].by_words);
    EXPECT_TRUE(found->passages[0].cosine);
    EXPECT_NEAR(found->passages[0].score, 1.0 / 61 + 1.0 / 62, 1.0 / 61 - 1.0 / 62 + 1e-9);
    EXPECT_GT(found->passages[0].score, found->passages[1].score);
}

TEST_F(RecallTest, GivesThreePassagesAtMostAndNoTextTwice) {
    const CharacterId id =
        store_.create({"Sea one.", "Sea two.", "Sea two.", "Sea three.", "Sea four.", "Sea five.",
                       "x", "y", "z", "a", "b", "c", "d", "e", "f"});
    embed_all(id);
    const auto found = texts(id, "sea", &embedder_);
    EXPECT_EQ(found.size(), 3U);
    EXPECT_THAT(found, Not(ElementsAre(found[0], found[0], ::testing::_)));
    EXPECT_EQ(std::ranges::count(found, "Sea two."), 1);
}

TEST_F(RecallTest, SaysWhenOnlyWordsWereSearched) {
    const CharacterId id = store_.create({"The ocean is grey.", "A peak.", "A loaf."});
    EXPECT_TRUE(recall(id, "ocean", nullptr)->lexical_only);
    embedder_.fails = true;
    const auto found = recall(id, "ocean", &embedder_);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->lexical_only);
    EXPECT_EQ(found->passages.size(), 1U);
}

TEST_F(RecallTest, StopsWhenTheQuestionIsCancelled) {
    const CharacterId id = store_.create({"The ocean is grey."});
    std::stop_source stop;
    stop.request_stop();
    const auto found = recall(id, "ocean", &embedder_, stop.get_token());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::Cancelled);
}

TEST_F(RecallTest, SurvivesHostileQuestions) {
    const CharacterId id = store_.create({"The ocean is grey.", "\" OR 1=1 --"});
    std::string endless;
    for (int i = 0; i < 20000; ++i) endless += std::format("w{} ", i);
    for (const std::string& question :
         {std::string("\"; DROP TABLE passage; --"), std::string("NEAR(ocean, 5) AND \"x"),
          std::string(1000000, 'a'), endless, std::string("\xFF\xFE\x00", 3),
          std::string("* ^ { } :")}) {
        EXPECT_TRUE(recall(id, question, nullptr)) << question.substr(0, 30);
    }
    EXPECT_THAT(texts(id, "ocean \" AND"), Contains("The ocean is grey."));
}

}  // namespace
}  // namespace titans::knowledge
