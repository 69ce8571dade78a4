#include "audio/picture.h"

#include "audio/filter_graph.h"
#include "audio/resample.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
}

namespace titans::audio {
namespace {

struct CodecDeleter {
    void operator()(AVCodecContext* context) const noexcept { avcodec_free_context(&context); }
};
struct PacketDeleter {
    void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};

std::unexpected<Error> broken(std::string detail) {
    return fail(ErrorKind::Internal, "the picture could not be drawn", std::move(detail));
}

Result<std::vector<std::byte>> make_png(const AVFrame& picture) {
    const AVCodec* const png = avcodec_find_encoder(AV_CODEC_ID_PNG);
    const std::unique_ptr<AVCodecContext, CodecDeleter> encoder(avcodec_alloc_context3(png));
    const std::unique_ptr<AVPacket, PacketDeleter> packet(av_packet_alloc());
    if (png == nullptr || !encoder || !packet) return broken("no PNG encoder");
    encoder->width = picture.width;
    encoder->height = picture.height;
    encoder->pix_fmt = static_cast<AVPixelFormat>(picture.format);
    encoder->time_base = {1, 1};
    encoder->thread_count = 1;
    encoder->compression_level = 9;
    if (avcodec_open2(encoder.get(), png, nullptr) < 0 ||
        avcodec_send_frame(encoder.get(), &picture) < 0 ||
        avcodec_receive_packet(encoder.get(), packet.get()) < 0)
        return broken("PNG encoder");
    const auto* bytes = reinterpret_cast<const std::byte*>(packet->data);
    return std::vector<std::byte>(bytes, bytes + packet->size);
}

}  // namespace

Result<std::vector<std::byte>> draw_spectrograms(const Audio& before, const Audio& after,
                                                 std::stop_token stop) {
    constexpr SampleRate kShown{24'000};  // speech hardly reaches beyond 12 kHz
    const Filter spectrum{.name = "showspectrumpic",
                          .options = {{"size", "512x160"},
                                      {"scale", "log"},
                                      {"color", "magma"},
                                      {"limit", "-25"},
                                      {"drange", "65"},
                                      {"win_func", "hann"}}};
    TITANS_TRY(FilterGraph graph, FilterGraph::open());
    TITANS_TRY(AVFilterContext* const first, graph.add_input(kShown));
    TITANS_TRY(AVFilterContext* const second, graph.add_input(kShown));
    TITANS_TRY(AVFilterContext* const above, graph.add(spectrum));
    TITANS_TRY(AVFilterContext* const below, graph.add(spectrum));
    TITANS_TRY(AVFilterContext* const stack, graph.add({.name = "vstack"}));
    TITANS_TRY(AVFilterContext* const format,
               graph.add({.name = "format", .options = {{"pix_fmts", "rgb24"}}}));
    TITANS_TRY(AVFilterContext* const output, graph.add({.name = "buffersink"}));
    TITANS_TRY_VOID(graph.connect(first, above));
    TITANS_TRY_VOID(graph.connect(second, below));
    TITANS_TRY_VOID(graph.connect(above, stack, 0));
    TITANS_TRY_VOID(graph.connect(below, stack, 1));
    TITANS_TRY_VOID(graph.connect(stack, format));
    TITANS_TRY_VOID(graph.connect(format, output));
    TITANS_TRY_VOID(graph.configure());
    std::vector<float> none;
    for (const auto& [audio, input] : {std::pair(&before, first), std::pair(&after, second)}) {
        TITANS_TRY_VOID(graph.run(input, resample(*audio, kShown), 0, nullptr, none, stop));
    }
    TITANS_TRY(const FilterGraph::Frame picture, graph.take(output));
    return make_png(*picture);
}

}  // namespace titans::audio
