#include "audio/filter_graph.h"

#include <gtest/gtest.h>

#include "audio/speech_for_test.h"

namespace titans::audio {
namespace {

TEST(FilterGraph, NeitherDelaysNorShortensAtAnyRate) {
    // So little noise reduction that what comes out is what went in, if it is in its place.
    const std::vector<Filter> chain{{.name = "afftdn", .options = {{"nr", "0.01"}, {"nf", "-80"}}}};
    for (const int hz : {8000, 11'025, 16'000, 22'050, 24'000, 32'000, 44'100, 48'000, 96'000}) {
        const Audio speech = make_speech(SampleRate{hz}, 1.013);
        const Result<Audio> same = filter(speech, chain, {});
        ASSERT_TRUE(same) << same.error().detail;
        ASSERT_EQ(same->samples().size(), speech.samples().size()) << hz;
        EXPECT_GT(snr_db(speech, *same), 45) << hz;
    }
}

TEST(FilterGraph, KeepsTheLengthOfWhatIsShorterThanAnyWindow) {
    const std::vector<Filter> chain{{.name = "afftdn"}, {.name = "highpass"}};
    for (const std::size_t size : {1U, 2U, 10U, 599U, 601U, 4097U}) {
        const Result<Audio> filtered =
            filter(Audio(SampleRate{48'000}, std::vector<float>(size, 0.1F)), chain, {});
        ASSERT_TRUE(filtered) << filtered.error().detail;
        EXPECT_EQ(filtered->samples().size(), size);
    }
}

TEST(FilterGraph, BuildsOnlyFiltersOnTheList) {
    Result<FilterGraph> graph = FilterGraph::open();
    ASSERT_TRUE(graph);
    for (const char* name : {"amovie", "ladspa", "azmq", "nothing"}) {
        const auto added = graph->add({.name = name});
        ASSERT_FALSE(added) << name;
        EXPECT_EQ(added.error().kind, ErrorKind::Internal);
    }
}

TEST(FilterGraph, RefusesAnOptionThatAFilterHasNot) {
    Result<FilterGraph> graph = FilterGraph::open();
    ASSERT_TRUE(graph);
    EXPECT_FALSE(graph->add({.name = "bass", .options = {{"depth", "1"}}}));
    EXPECT_FALSE(graph->add({.name = "bass", .options = {{"g", "much"}}}));
    EXPECT_TRUE(graph->add({.name = "bass", .options = {{"g", "1"}}}));
}

TEST(FilterGraph, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const std::vector<Filter> chain{{.name = "bass"}};
    const Result<Audio> filtered =
        filter(make_speech(SampleRate{16'000}, 0.5), chain, source.get_token());
    ASSERT_FALSE(filtered);
    EXPECT_EQ(filtered.error().kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::audio
