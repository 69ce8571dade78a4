#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <print>
#include <string_view>
#include <vector>

#include "app/words.h"
#include "cli/words.h"
#include "config/settings.h"
#include "foundation/log.h"

namespace {

using namespace titans;

constexpr std::string_view kHelp = R"(titans: a server for AI characters

In this process:
  serve                         the HTTP server, until Ctrl-C
  models list                   the catalogue, and what of it is here
  models fetch [NAME...]        gets models, also org/name of the hub; without a name the default ones
  models check                  succeeds if the default ones are here
  transcribe FILE [LANGUAGE]    the text of a recording
  say TEXT OUT.wav [LANGUAGE]   speaks a text
  prepare IN OUT.wav [OPTIONS]  cleans a voice sample and says how good it is
  convert KIND IN OUT           makes a model file of another format (whisper, wav2vec2, hubert, f5tts, f5tts-base,
                                vocos, bert, requantize, onnx)
  version

With a running server:
)";

/// Starts this program anew with threads that spin only briefly while they wait for each other.
/// OpenMP's own default wins nothing on an idle machine and loses most of it as soon as anything
/// else wants the cores; sleeping at once costs two thirds of the speed of generation when nothing
/// does (docs/architecture.md, Threads). The library reads its variables when it is loaded, so they
/// must be there before the program is.
void spin_briefly(char** values) {
    if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr)
        return;
    setenv("GOMP_SPINCOUNT", "3000", 1);
    execv("/proc/self/exe", values);  // comes back only if that is not to be had
}

int run(std::vector<std::string_view> arguments) {
    if (arguments.empty()) arguments.emplace_back("help");
    const std::string_view word = arguments.front();
    const auto rest = std::span<const std::string_view>(arguments).subspan(1);
    if (word == "help" || word == "--help" || word == "-h") {
        std::print("{}{}", kHelp, cli::help());
        return 0;
    }
    if (word == "version" || word == "--version") {
        std::println("titans {}", TITANS_VERSION);
        return 0;
    }
    if (word == "convert") return app::convert(rest);
    if (word == "prepare") return app::prepare(rest);

    // The launcher says where the repository is; without it, here.
    const char* const root = std::getenv("TITANS_ROOT");
    const auto settings =
        config::load_settings(std::filesystem::absolute(root == nullptr ? "." : root));
    if (!settings) return app::complain(settings.error().message);
    log::set_level(settings->log_level);
    if (word == "serve") return app::serve(rest, *settings);
    if (word == "models") return app::models(rest, *settings);
    if (word == "transcribe") return app::transcribe(rest, *settings);
    if (word == "say") return app::say(rest, *settings);
    if (const std::optional<int> status = cli::run_word(word, rest, *settings)) return *status;
    return app::complain(std::format("there is no word {}; ./titans help lists them", word));
}

}  // namespace

int main(int count, char** values) {
    spin_briefly(values);
    try {
        return run({values + 1, values + count});
    } catch (const std::exception& exception) {
        return titans::app::complain(exception.what());
    }
}
