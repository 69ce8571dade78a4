#include "audio/loudness.h"

#include <cmath>

#include "audio/filter_graph.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace titans::audio {
namespace {

Result<double> read_number(AVFilterContext* filter, const char* name) {
    double value = 0;
    if (av_opt_get_double(filter, name, AV_OPT_SEARCH_CHILDREN, &value) < 0)
        return fail(ErrorKind::Internal, "the loudness could not be measured", name);
    return value;
}

}  // namespace

Result<Loudness> measure_loudness(const Audio& audio, std::stop_token stop) {
    TITANS_TRY(FilterGraph graph, FilterGraph::open());
    TITANS_TRY(AVFilterContext* const input, graph.add_input(audio.rate()));
    TITANS_TRY(
        AVFilterContext* const meter,
        graph.add({.name = "ebur128", .options = {{"peak", "true"}, {"framelog", "quiet"}}}));
    TITANS_TRY(AVFilterContext* const floats,
               graph.add({.name = "aformat", .options = {{"sample_fmts", "flt"}}}));
    TITANS_TRY(AVFilterContext* const output, graph.add({.name = "abuffersink"}));
    TITANS_TRY_VOID(graph.connect(input, meter));
    TITANS_TRY_VOID(graph.connect(meter, floats));
    TITANS_TRY_VOID(graph.connect(floats, output));
    TITANS_TRY_VOID(graph.configure());
    std::vector<float> ignored;
    TITANS_TRY_VOID(graph.run(input, audio, 0, output, ignored, std::move(stop)));
    TITANS_TRY(const double integrated, read_number(meter, "integrated"));
    TITANS_TRY(const double true_peak, read_number(meter, "true_peak"));
    return Loudness{
        .integrated_lufs = std::isfinite(integrated) ? std::max(integrated, Loudness::kQuietest)
                                                     : Loudness::kQuietest,
        .true_peak_db = std::isfinite(true_peak) ? std::max(true_peak, -120.0) : -120.0};
}

}  // namespace titans::audio
