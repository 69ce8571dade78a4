#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <print>

#include "app/words.h"
#include "audio/analysis.h"
#include "audio/decoder.h"
#include "audio/picture.h"
#include "audio/preparation.h"
#include "audio/wav.h"

namespace titans::app {
namespace {

constexpr std::string_view kUsage =
    "usage: titans prepare IN OUT.wav [--standard] [--clean] [--remove-silence] [--top-db N] "
    "[--bass] "
    "[--treble] [--compression] [--enhance] [--fade-ms N] [--picture P.png]";

// All that a voice can use; each takes its own rate from it.
constexpr SampleRate kRate{48'000};

struct Order {
    std::string in;
    std::string out;
    std::string picture;  // empty: none
    audio::Preparation preparation;
};

template <typename Number>
bool read_number(std::string_view text, Number& number, Number least, Number most) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= least &&
           number <= most;
}

/// Nothing if the arguments are wrong.
std::optional<Order> parse(Arguments arguments) {
    if (arguments.size() < 2) return std::nullopt;
    Order order{.in = std::string(arguments[0]), .out = std::string(arguments[1])};
    audio::Preparation& wanted = order.preparation;
    for (std::size_t i = 2; i < arguments.size(); ++i) {
        const std::string_view option = arguments[i];
        const auto value = [&] {
            return ++i < arguments.size() ? arguments[i] : std::string_view();
        };
        if (option == "--standard") {
            wanted = audio::standard_preparation();
        } else if (option == "--clean") {
            wanted.clean = true;
        } else if (option == "--remove-silence") {
            wanted.remove_silence = true;
        } else if (option == "--top-db") {
            if (!read_number(value(), wanted.top_db, 0.0F, 120.0F)) return std::nullopt;
        } else if (option == "--bass") {
            wanted.bass_boost = true;
        } else if (option == "--treble") {
            wanted.treble_boost = true;
        } else if (option == "--compression") {
            wanted.compression = true;
        } else if (option == "--enhance") {
            wanted.enhance = true;
        } else if (option == "--fade-ms") {
            if (!read_number(value(), wanted.fade_ms, 0, 10'000)) return std::nullopt;
        } else if (option == "--picture") {
            order.picture = value();
            if (order.picture.empty()) return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return order;
}

Result<std::vector<std::byte>> read_file(const std::string& path) {
    std::ifstream file{std::filesystem::path(path), std::ios::binary};
    if (!file) return fail(ErrorKind::NotFound, std::format("{}: cannot be read", path));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<void> write_file(const std::string& path, std::span<const std::byte> bytes) {
    std::ofstream file{std::filesystem::path(path), std::ios::binary};
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) return fail(ErrorKind::Internal, std::format("{}: cannot be written", path));
    return {};
}

Result<void> print_report(std::string_view title, const audio::Audio& audio) {
    TITANS_TRY(const audio::SampleReport report, audio::analyze(audio, {}));
    std::println(
        "{:<7} {:6.2f} s, {:6.2f} s of speech, {:6.1f} LUFS, peak {:5.3f}, {:4.1f} dB above "
        "the noise, {:.2f} % clipped",
        title, report.seconds, report.speech_seconds, report.loudness_lufs, report.peak,
        report.snr_db, 100 * report.clipped_share);
    for (const std::string& warning : audio::warnings(report)) std::println("        {}", warning);
    return {};
}

Result<void> run(const Order& order) {
    TITANS_TRY(const auto bytes, read_file(order.in));
    TITANS_TRY(const audio::Audio before, audio::decode(bytes, kRate, {}, {}));
    TITANS_TRY_VOID(print_report("before", before));
    const auto start = Clock::now();
    TITANS_TRY(const audio::Audio after, audio::prepare(before, order.preparation, {}));
    const Milliseconds took = since(start);
    TITANS_TRY_VOID(print_report("after", after));
    std::println("prepared in {:.0f} ms", took.count());
    TITANS_TRY_VOID(write_file(order.out, audio::make_wav(after)));
    if (order.picture.empty()) return {};
    TITANS_TRY(const auto png, audio::draw_spectrograms(before, after, {}));
    return write_file(order.picture, png);
}

}  // namespace

int prepare(Arguments arguments) {
    const std::optional<Order> order = parse(arguments);
    if (!order) return complain(kUsage);
    const Result<void> done = run(*order);
    if (!done) return complain(done.error().message);
    return 0;
}

}  // namespace titans::app
