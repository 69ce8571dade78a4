#include "cli/answer_printer.h"

#include <cstdio>
#include <print>

#include "cli/terminal.h"

namespace titans::cli {
namespace {

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

AnswerPrinter::~AnswerPrinter() {
    if (!within_line_) return;
    std::println();
    std::fflush(stdout);
}

Result<void> AnswerPrinter::take(std::string_view name, const nlohmann::json& data) {
    if (name == "transcribed") std::println("heard: {}\n", printable(text_of(data, "text")));
    if (name == "text") {
        std::print("{}", printable(text_of(data, "text")));
        within_line_ = true;
    }
    if (name == "done") {
        std::println();
        within_line_ = false;
        answer_ = data;
    }
    std::fflush(stdout);
    return {};
}

std::string audio_url(const nlohmann::json& answer) { return text_of(answer, "audio_url"); }

}  // namespace titans::cli
