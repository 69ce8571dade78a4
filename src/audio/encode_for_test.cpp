#include "audio/encode_for_test.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <numbers>
#include <stdexcept>

#include "audio/decoder.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

namespace titans::audio {
namespace {

void check(int status) {
    if (status < 0) throw std::runtime_error(std::format("FFmpeg: {}", status));
}

struct Fit {
    double sine = 0;
    double cosine = 0;
};

/// Least squares over whole signals of many periods: the two are orthogonal enough.
Fit fit(std::span<const float> samples, SampleRate rate, double hz) {
    double ss = 0;
    double cc = 0;
    double sc = 0;
    double xs = 0;
    double xc = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate.hz;
        const double s = std::sin(phase);
        const double c = std::cos(phase);
        ss += s * s;
        cc += c * c;
        sc += s * c;
        xs += samples[i] * s;
        xc += samples[i] * c;
    }
    const double determinant = ss * cc - sc * sc;
    return {(xs * cc - xc * sc) / determinant, (xc * ss - xs * sc) / determinant};
}

}  // namespace

std::vector<std::byte> encode_for_test(const Audio& audio, const std::string& format,
                                       const std::string& codec, int channels) {
    const AVCodec* encoder = avcodec_find_encoder_by_name(codec.c_str());
    if (encoder == nullptr) return {};
    AVFormatContext* muxer = nullptr;
    check(avformat_alloc_output_context2(&muxer, nullptr, format.c_str(), nullptr));
    check(avio_open_dyn_buf(&muxer->pb));
    AVStream* stream = avformat_new_stream(muxer, encoder);
    AVCodecContext* context = avcodec_alloc_context3(encoder);
    const void* formats = nullptr;
    check(avcodec_get_supported_config(context, encoder, AV_CODEC_CONFIG_SAMPLE_FORMAT, 0, &formats,
                                       nullptr));
    context->sample_fmt =
        formats != nullptr ? *static_cast<const AVSampleFormat*>(formats) : AV_SAMPLE_FMT_S16;
    context->sample_rate = audio.rate().hz;
    // Much, but not more than the low rates may have, except with Opus.
    const int most = codec == "libopus" ? 128'000 : std::min(128'000, 4 * audio.rate().hz);
    context->bit_rate = most * std::max(1, channels / 2);
    av_channel_layout_default(&context->ch_layout, channels);
    if ((muxer->oformat->flags & AVFMT_GLOBALHEADER) != 0)
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    context->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    check(avcodec_open2(context, encoder, nullptr));
    check(avcodec_parameters_from_context(stream->codecpar, context));
    stream->time_base = {1, audio.rate().hz};
    check(avformat_write_header(muxer, nullptr));

    SwrContext* converter = nullptr;
    const AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    check(swr_alloc_set_opts2(&converter, &context->ch_layout, context->sample_fmt, audio.rate().hz,
                              &mono, AV_SAMPLE_FMT_FLT, audio.rate().hz, 0, nullptr));
    // The same samples in each channel, at full level.
    const std::vector<double> matrix(static_cast<std::size_t>(channels), 1.0);
    check(swr_set_matrix(converter, matrix.data(), 1));
    check(swr_init(converter));

    AVPacket* packet = av_packet_alloc();
    const auto drain = [&] {
        while (avcodec_receive_packet(context, packet) >= 0) {
            av_packet_rescale_ts(packet, context->time_base, stream->time_base);
            packet->stream_index = 0;
            check(av_interleaved_write_frame(muxer, packet));
        }
    };
    const int frame_size = context->frame_size > 0 ? context->frame_size : 1024;
    std::span<const float> rest = audio.samples();
    std::int64_t time = 0;
    while (!rest.empty()) {
        const int count = static_cast<int>(
            std::min<std::size_t>(rest.size(), static_cast<std::size_t>(frame_size)));
        AVFrame* frame = av_frame_alloc();
        frame->nb_samples = count;
        frame->format = context->sample_fmt;
        frame->sample_rate = audio.rate().hz;
        check(av_channel_layout_copy(&frame->ch_layout, &context->ch_layout));
        check(av_frame_get_buffer(frame, 0));
        const auto* input = reinterpret_cast<const std::uint8_t*>(rest.data());
        check(swr_convert(converter, frame->extended_data, count, &input, count));
        frame->pts = time;
        time += count;
        check(avcodec_send_frame(context, frame));
        av_frame_free(&frame);
        drain();
        rest = rest.subspan(static_cast<std::size_t>(count));
    }
    check(avcodec_send_frame(context, nullptr));
    drain();
    check(av_write_trailer(muxer));
    // A muxer may have gone back to its header; the buffer is closed where it stands.
    check(static_cast<int>(
        std::min<std::int64_t>(avio_seek(muxer->pb, avio_size(muxer->pb), SEEK_SET), 0)));

    std::uint8_t* buffer = nullptr;
    const int size = avio_close_dyn_buf(muxer->pb, &buffer);
    const auto* begin = reinterpret_cast<const std::byte*>(buffer);
    std::vector<std::byte> bytes(begin, begin + size);
    av_free(buffer);
    av_packet_free(&packet);
    swr_free(&converter);
    avcodec_free_context(&context);
    avformat_free_context(muxer);
    return bytes;
}

std::optional<Audio> load_sentence(int number) {
    const std::string path = std::format(
        "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-{:04}.wav",
        number);
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    Result<Audio> audio = decode(std::as_bytes(std::span(bytes)), SampleRate{16'000}, {}, {});
    if (!audio) return std::nullopt;
    std::vector<float> samples(audio->samples().begin(), audio->samples().end());
    float peak = 0;
    for (const float sample : samples) peak = std::max(peak, std::abs(sample));
    for (float& sample : samples) sample *= 0.9F / peak;
    return Audio(audio->rate(), std::move(samples));
}

double correlation(std::span<const float> one, std::span<const float> other) {
    double product = 0;
    double first = 0;
    double second = 0;
    for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
        product += static_cast<double>(one[i]) * other[i];
        first += static_cast<double>(one[i]) * one[i];
        second += static_cast<double>(other[i]) * other[i];
    }
    return product / std::sqrt(first * second);
}

Audio make_sine(SampleRate rate, double seconds, double hz, float amplitude) {
    std::vector<float> samples(static_cast<std::size_t>(std::lround(seconds * rate.hz)));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate.hz;
        samples[i] = amplitude * static_cast<float>(std::sin(phase));
    }
    return {rate, std::move(samples)};
}

double rms(std::span<const float> samples) {
    double sum = 0;
    for (const float sample : samples) sum += static_cast<double>(sample) * sample;
    return std::sqrt(sum / static_cast<double>(samples.size()));
}

double amplitude_at(std::span<const float> samples, SampleRate rate, double hz) {
    const Fit best = fit(samples, rate, hz);
    return std::hypot(best.sine, best.cosine);
}

double residual_db(std::span<const float> samples, SampleRate rate, double hz) {
    const Fit best = fit(samples, rate, hz);
    std::vector<float> residual(samples.begin(), samples.end());
    for (std::size_t i = 0; i < residual.size(); ++i) {
        const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate.hz;
        residual[i] -=
            static_cast<float>(best.sine * std::sin(phase) + best.cosine * std::cos(phase));
    }
    const double tone = std::hypot(best.sine, best.cosine) / std::numbers::sqrt2;
    return 20 * std::log10(rms(residual) / tone);
}

}  // namespace titans::audio
