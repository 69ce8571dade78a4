#include "cli/words.h"

#include <array>
#include <print>

#include "cli/run.h"
#include "cli/terminal.h"

namespace titans::cli {
namespace {

struct Word {
    std::string_view name;
    Result<void> (*run)(Words, const config::Settings&);
    std::string_view help;
};

constexpr std::array<Word, 7> kWords{{
    {"create", create,
     "create --name NAME [--knowledge FILE] [--style FILE] [--image FILE] [--voice FILE]\n"
     "       [--llm-model NAME] [--llm-config JSON] [--voice-settings JSON] [--stt-settings JSON] "
     "[--json]\n"
     "                                  make a character\n"},
    {"update", update,
     "update CHARACTER [the same] [--append]\n"
     "                                  change what is given; add to its knowledge\n"},
    {"load", load, "load CHARACTER                    get everything ready that it needs\n"},
    {"ask", ask,
     "ask CHARACTER QUESTION            ask it, by its id or name; prints the answer as it comes\n"
     "    [--audio FILE]                ask with a recording in place of the text\n"
     "    [--session NAME]              go on from what was said under that name\n"
     "    [--out FILE]                  save the spoken answer\n"
     "    [--no-audio] [--json]         do not speak; print the server's whole answer\n"},
    {"list", list, "list [--json]                     the characters there are\n"},
    {"delete", remove, "delete CHARACTER                  take one away, by its id or name\n"},
    {"demo", demo,
     "demo [--out FILE]                 make the example character and ask it something\n"},
}};

}  // namespace

std::optional<int> run_word(std::string_view word, std::span<const std::string_view> arguments,
                            const config::Settings& settings) {
    for (const Word& known : kWords) {
        if (known.name != word) continue;
        const auto done = known.run(arguments, settings);
        if (done) return 0;
        std::println(stderr, "titans: {}", printable(done.error().message));
        return done.error().kind == ErrorKind::InvalidInput ? 2 : 1;
    }
    return std::nullopt;
}

std::string help() {
    std::string text;
    for (const Word& word : kWords) text += word.help;
    return text;
}

}  // namespace titans::cli
