#include "audio/filter_graph.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

extern "C" {
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
}

namespace titans::audio {
namespace {

/// libavfilter also has filters that read files, open addresses and load libraries.
constexpr std::array<std::string_view, 14> kAllowed{
    "abuffersink", "acompressor", "aformat",  "afade",   "afftdn", "bass",   "buffersink",
    "ebur128",     "format",      "highpass", "lowpass", "treble", "vstack", "showspectrumpic"};

constexpr std::size_t kChunk = 4096;  // samples

std::unexpected<Error> broken(std::string_view where, int status) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
    av_strerror(status, text.data(), text.size());
    return fail(ErrorKind::Internal, "the recording could not be filtered",
                std::format("{}: {}", where, text.data()));
}

/// How many samples a filter holds back without saying so.
std::size_t delay_of(std::string_view filter, SampleRate rate) {
    // It works on windows of three steps of an 80th of a second and gives out the oldest.
    if (filter == "afftdn") return 2 * static_cast<std::size_t>(rate.hz / 80);
    return 0;
}

Result<FilterGraph::Frame> make_frame(std::span<const float> samples, SampleRate rate,
                                      std::int64_t time) {
    FilterGraph::Frame frame(av_frame_alloc());
    if (!frame) return broken("frame", AVERROR(ENOMEM));
    frame->nb_samples = static_cast<int>(samples.size());
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->sample_rate = rate.hz;
    frame->time_base = {1, rate.hz};
    frame->pts = time;
    av_channel_layout_default(&frame->ch_layout, 1);
    if (const int status = av_frame_get_buffer(frame.get(), 0); status < 0)
        return broken("frame", status);
    std::memcpy(frame->data[0], samples.data(), samples.size_bytes());
    return frame;
}

/// Appends what waits at `output`.
Result<void> drain(AVFilterContext* output, std::vector<float>& filtered) {
    while (true) {
        const FilterGraph::Frame frame(av_frame_alloc());
        if (!frame) return broken("frame", AVERROR(ENOMEM));
        const int status = av_buffersink_get_frame(output, frame.get());
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return {};
        if (status < 0) return broken("abuffersink", status);
        const auto* samples = reinterpret_cast<const float*>(frame->data[0]);
        filtered.insert(filtered.end(), samples, samples + frame->nb_samples);
    }
}

}  // namespace

void FilterGraph::FrameDeleter::operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }

void FilterGraph::GraphDeleter::operator()(AVFilterGraph* graph) const noexcept {
    avfilter_graph_free(&graph);
}

Result<FilterGraph> FilterGraph::open() {
    av_log_set_level(AV_LOG_QUIET);  // status codes say enough
    AVFilterGraph* graph = avfilter_graph_alloc();
    if (graph == nullptr) return broken("graph", AVERROR(ENOMEM));
    graph->nb_threads = 1;
    return FilterGraph(graph);
}

Result<AVFilterContext*> FilterGraph::add_input(SampleRate rate) {
    const std::string words =
        std::format("sample_rate={0}:sample_fmt=flt:channel_layout=mono:time_base=1/{0}", rate.hz);
    AVFilterContext* context = nullptr;
    const int status = avfilter_graph_create_filter(&context, avfilter_get_by_name("abuffer"),
                                                    nullptr, words.c_str(), nullptr, graph_.get());
    if (status < 0) return broken("abuffer", status);
    return context;
}

Result<AVFilterContext*> FilterGraph::add(const Filter& filter) {
    const bool allowed = std::ranges::contains(kAllowed, std::string_view(filter.name));
    const AVFilter* const kind = allowed ? avfilter_get_by_name(filter.name) : nullptr;
    if (kind == nullptr) return broken(filter.name, AVERROR_FILTER_NOT_FOUND);
    AVFilterContext* const context = avfilter_graph_alloc_filter(graph_.get(), kind, nullptr);
    if (context == nullptr) return broken(filter.name, AVERROR(ENOMEM));
    for (const auto& [name, value] : filter.options) {
        const int status = av_opt_set(context, name, value.c_str(), AV_OPT_SEARCH_CHILDREN);
        if (status < 0) return broken(std::format("{} {}={}", filter.name, name, value), status);
    }
    if (const int status = avfilter_init_dict(context, nullptr); status < 0)
        return broken(filter.name, status);
    return context;
}

Result<void> FilterGraph::connect(AVFilterContext* from, AVFilterContext* to, unsigned to_input) {
    if (const int status = avfilter_link(from, 0, to, to_input); status < 0)
        return broken("connect", status);
    return {};
}

Result<void> FilterGraph::configure() {
    if (const int status = avfilter_graph_config(graph_.get(), nullptr); status < 0)
        return broken("configure", status);
    return {};
}

Result<void> FilterGraph::run(AVFilterContext* input, const Audio& audio, std::size_t padding,
                              AVFilterContext* output, std::vector<float>& filtered,
                              std::stop_token stop) {
    std::int64_t time = 0;
    const auto send = [&](std::span<const float> samples) -> Result<void> {
        while (!samples.empty()) {
            if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
            const std::span<const float> chunk = samples.first(std::min(kChunk, samples.size()));
            TITANS_TRY(const Frame frame, make_frame(chunk, audio.rate(), time));
            if (const int status = av_buffersrc_add_frame(input, frame.get()); status < 0)
                return broken("abuffer", status);
            if (output != nullptr) TITANS_TRY_VOID(drain(output, filtered));
            time += static_cast<std::int64_t>(chunk.size());
            samples = samples.subspan(chunk.size());
        }
        return {};
    };
    TITANS_TRY_VOID(send(audio.samples()));
    TITANS_TRY_VOID(send(std::vector<float>(padding)));
    if (const int status = av_buffersrc_add_frame(input, nullptr); status < 0)
        return broken("abuffer", status);
    if (output != nullptr) TITANS_TRY_VOID(drain(output, filtered));
    return {};
}

Result<FilterGraph::Frame> FilterGraph::take(AVFilterContext* output) {
    FilterGraph::Frame frame(av_frame_alloc());
    if (!frame) return broken("frame", AVERROR(ENOMEM));
    if (const int status = av_buffersink_get_frame(output, frame.get()); status < 0)
        return broken("buffersink", status);
    return frame;
}

Result<Audio> filter(const Audio& audio, std::span<const Filter> chain, std::stop_token stop) {
    TITANS_TRY(FilterGraph graph, FilterGraph::open());
    TITANS_TRY(AVFilterContext* const input, graph.add_input(audio.rate()));
    AVFilterContext* last = input;
    std::size_t delay = 0;
    const auto append = [&](const Filter& next) -> Result<AVFilterContext*> {
        TITANS_TRY(AVFilterContext* const context, graph.add(next));
        TITANS_TRY_VOID(graph.connect(last, context));
        delay += delay_of(next.name, audio.rate());
        return last = context;
    };
    for (const Filter& next : chain) TITANS_TRY_VOID(append(next));
    TITANS_TRY_VOID(append({.name = "aformat",
                            .options = {{"sample_fmts", "flt"},
                                        {"channel_layouts", "mono"},
                                        {"sample_rates", std::to_string(audio.rate().hz)}}}));
    TITANS_TRY(AVFilterContext* const output, append({.name = "abuffersink"}));
    TITANS_TRY_VOID(graph.configure());

    const std::size_t size = audio.samples().size();
    std::vector<float> filtered;
    filtered.reserve(size + delay);
    TITANS_TRY_VOID(graph.run(input, audio, delay, output, filtered, std::move(stop)));
    filtered.erase(filtered.begin(), filtered.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min(delay, filtered.size())));
    filtered.resize(size);
    return Audio(audio.rate(), std::move(filtered));
}

}  // namespace titans::audio
