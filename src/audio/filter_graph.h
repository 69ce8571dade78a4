#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"

struct AVFilterContext;
struct AVFilterGraph;
struct AVFrame;

namespace titans::audio {

/// One of libavfilter's filters and its options. Names and values are words of this program, never
/// of a client.
struct Filter {
    const char* name;
    std::vector<std::pair<const char*, std::string>> options = {};
};

/// Filters joined by hand: no text is ever parsed into a graph, and only the filters on the list in
/// filter_graph.cpp are built. Errors: Internal, all of them mistakes of this program or memory.
class FilterGraph {
public:
    struct FrameDeleter {
        void operator()(AVFrame* frame) const noexcept;
    };
    using Frame = std::unique_ptr<AVFrame, FrameDeleter>;

    static Result<FilterGraph> open();

    /// Mono floats at `rate`. The graph owns what these return.
    Result<AVFilterContext*> add_input(SampleRate rate);
    Result<AVFilterContext*> add(const Filter& filter);
    Result<void> connect(AVFilterContext* from, AVFilterContext* to, unsigned to_input = 0);
    /// To be called once, when all is connected.
    Result<void> configure();

    /// Sends `audio`, `padding` samples of silence and the end to `input`, and appends the mono
    /// floats that arrive at `output`, if there is one. Errors: also Cancelled.
    Result<void> run(AVFilterContext* input, const Audio& audio, std::size_t padding,
                     AVFilterContext* output, std::vector<float>& filtered, std::stop_token stop);

    /// The next frame at `output`; there must be one.
    Result<Frame> take(AVFilterContext* output);

private:
    struct GraphDeleter {
        void operator()(AVFilterGraph* graph) const noexcept;
    };
    explicit FilterGraph(AVFilterGraph* graph) : graph_(graph) {}

    std::unique_ptr<AVFilterGraph, GraphDeleter> graph_;
};

/// `audio` after the filters of `chain`, one behind the other: as long as before, and not delayed.
/// Errors: as FilterGraph.
Result<Audio> filter(const Audio& audio, std::span<const Filter> chain, std::stop_token stop);

}  // namespace titans::audio
