#include "knowledge/style.h"

#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "text/utf8.h"

namespace titans::knowledge {

namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = 4U << 20;
constexpr int kDeepest = 8;
constexpr std::size_t kMostExamples = 1000;
constexpr std::size_t kLongestText = 8000;  // bytes

std::unexpected<Error> invalid(std::string_view where, std::string_view what) {
    return fail(ErrorKind::InvalidInput, std::format("style_tuning_file{}: {}", where, what));
}

Result<std::string> read_text(const json& entry, std::size_t index, std::string_view field) {
    const std::string where = std::format("[{}].{}", index, field);
    const auto member = entry.find(field);
    if (member == entry.end()) return invalid(where, "is missing");
    if (!member->is_string()) return invalid(where, "must be a text");
    std::string text(text::trim(member->get_ref<const std::string&>()));
    if (text.empty()) return invalid(where, "is empty");
    if (text.size() > kLongestText)
        return invalid(where, std::format("has more than {} bytes", kLongestText));
    for (char& c : text) {
        if ((c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
    }
    return text;
}

}  // namespace

Result<std::vector<store::StyleExample>> read_style(std::string_view bytes) {
    if (bytes.size() > kMostBytes)
        return invalid("", std::format("has more than {} MiB", kMostBytes >> 20));
    bytes = text::without_bom(bytes);
    if (!text::is_utf8(bytes)) return invalid("", "must be JSON in UTF-8");
    bool deep = false;
    const json::parser_callback_t bounded = [&deep](int depth, json::parse_event_t, const json&) {
        deep = deep || depth > kDeepest;
        return depth <= kDeepest;
    };
    const json array = json::parse(bytes, bounded, /*allow_exceptions=*/false);
    if (deep) return invalid("", "is nested too deeply");
    if (array.is_discarded()) return invalid("", "is not valid JSON");
    if (!array.is_array())
        return invalid("", R"(must be a list of {"question": ..., "response": ...})");
    if (array.size() > kMostExamples)
        return invalid("", std::format("has more than {} examples", kMostExamples));
    std::vector<store::StyleExample> examples;
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (!array[i].is_object())
            return invalid(std::format("[{}]", i), R"(must be {"question": ..., "response": ...})");
        TITANS_TRY(std::string question, read_text(array[i], i, "question"));
        TITANS_TRY(std::string response, read_text(array[i], i, "response"));
        examples.push_back({std::move(question), std::move(response)});
    }
    return examples;
}

}  // namespace titans::knowledge
