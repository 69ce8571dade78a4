#include "mind/openai/chat_completion.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>

#include "net/api_call.h"

namespace titans::mind {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxEvent = std::size_t{1} << 20;  // bytes
constexpr std::size_t kMaxStops = 4;                     // that such APIs take
// More than any text of so many tokens has: an API that goes on has not counted.
constexpr std::size_t kMaxBytesPerToken = 64;
constexpr int kMaxDepth = 32;

const char* role_name(Role role) {
    switch (role) {
        case Role::System:
            return "system";
        case Role::User:
            return "user";
        case Role::Assistant:
            return "assistant";
    }
    return "user";
}

/// 0.2F as 0.2, not as 0.20000000298023224.
double as_written(float value) {
    const std::string text = std::format("{}", value);
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The member at `name`; null if `value` is no object or has none.
const json& member(const json& value, const char* name) {
    static const json kNull;
    if (!value.is_object()) return kNull;
    const auto found = value.find(name);
    return found == value.end() ? kNull : *found;
}

int count_of(const json& value) {
    if (!value.is_number_integer()) return 0;
    return static_cast<int>(
        std::clamp<std::int64_t>(value.get<std::int64_t>(), 0, std::numeric_limits<int>::max()));
}

}  // namespace

bool is_reasoning_model(std::string_view model) {
    model = model.substr(model.rfind('/') + 1);  // "openai/o3"
    if (model.starts_with("gpt-5")) return true;
    return model.size() >= 2 && model[0] == 'o' && model[1] >= '0' && model[1] <= '9';
}

std::string completion_request(std::string_view model, const Prompt& prompt,
                               const GenerationOptions& options, bool with_usage) {
    json request{{"model", model}, {"stream", true}, {"messages", json::array()}};
    if (with_usage) request["stream_options"] = {{"include_usage", true}};
    for (const Message& message : prompt.messages)
        request["messages"].push_back(
            {{"role", role_name(message.role)}, {"content", message.text}});
    if (is_reasoning_model(model)) {
        request["max_completion_tokens"] = options.max_tokens;
    } else {
        request["max_tokens"] = options.max_tokens;
        request["temperature"] = as_written(options.temperature);
        request["top_p"] = as_written(options.top_p);
        json stops = json::array();
        for (const std::string& stop : options.stop_strings)
            if (!stop.empty() && stops.size() < kMaxStops) stops.push_back(stop);
        if (!stops.empty()) request["stop"] = std::move(stops);
    }
    if (options.seed) request["seed"] = *options.seed;
    return request.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

CompletionReader::CompletionReader(const GenerationOptions& options, const TextSink& on_text,
                                   Clock::time_point start)
    : start_(start),
      max_text_(kMaxBytesPerToken * static_cast<std::size_t>(std::max(options.max_tokens, 1))),
      text_(options.stop_strings, on_text),
      events_(kMaxEvent, [this](std::string_view data) { return read_event(data); }) {}

Result<void> CompletionReader::add(std::string_view bytes) {
    if (form_ == Form::Unknown) {
        const std::size_t first = bytes.find_first_not_of(" \t\r\n");
        if (first == std::string_view::npos) return {};
        bytes.remove_prefix(first);
        form_ = bytes.front() == '{' ? Form::Whole : Form::Events;
    }
    if (form_ == Form::Whole) {
        whole_ += bytes;
        return {};
    }
    auto added = events_.add(bytes);
    if (!added && added.error().kind == ErrorKind::TooLarge)
        return fail(ErrorKind::Upstream, "sent an event that is too large");
    return added;
}

Result<Completion> CompletionReader::finish() {
    if (form_ == Form::Whole) {
        TITANS_TRY_VOID(read_object(whole_, "message"));
        ended_ = true;
    } else if (!done_) {
        TITANS_TRY_VOID(events_.finish());
    }
    if (form_ == Form::Unknown) return fail(ErrorKind::Upstream, "sent an empty answer");
    if (!ended_ && !done_) return fail(ErrorKind::Upstream, "broke off its answer");
    text_.finish();
    completion_.text = text_.text();
    if (finish_reason_ == "length") completion_.truncated = true;
    if (completion_.text.empty() && finish_reason_ == "length")
        return fail(ErrorKind::Upstream,
                    "used up max_tokens before it wrote anything, so give it more of them");
    if (completion_.text.empty() && finish_reason_ == "content_filter")
        return fail(ErrorKind::Upstream, "refused to answer that (content_filter)");
    return std::move(completion_);
}

Result<void> CompletionReader::read_event(std::string_view data) {
    if (done_) return {};
    if (data.starts_with("[DONE]")) {
        done_ = true;
        return {};
    }
    return read_object(data, "delta");
}

Result<void> CompletionReader::read_object(std::string_view object, const char* text_holder) {
    bool deep = false;
    const json::parser_callback_t bounded = [&](int depth, json::parse_event_t, const json&) {
        deep = deep || depth > kMaxDepth;
        return !deep;
    };
    const json parsed = json::parse(object, bounded, /*allow_exceptions=*/false);
    if (!parsed.is_object() || deep)
        return fail(ErrorKind::Upstream, "sent an answer that cannot be read");
    if (!member(parsed, "error").is_null())
        return fail(ErrorKind::Upstream, "broke off its answer", net::error_words(object));

    const json& choices = member(parsed, "choices");
    if (choices.is_array() && !choices.empty()) {
        const json& choice = choices.front();
        if (const json& reason = member(choice, "finish_reason");
            reason.is_string() && !reason.get_ref<const std::string&>().empty()) {
            finish_reason_ = reason.get<std::string>();
            ended_ = true;
        }
        if (const json& text = member(member(choice, text_holder), "content"); text.is_string())
            take_text(text.get_ref<const std::string&>());
    } else if (form_ == Form::Whole) {
        return fail(ErrorKind::Upstream, "sent an answer without choices");
    }
    if (const json& usage = member(parsed, "usage"); usage.is_object()) {
        completion_.prompt_tokens = count_of(member(usage, "prompt_tokens"));
        completion_.cached_tokens =
            count_of(member(member(usage, "prompt_tokens_details"), "cached_tokens"));
        completion_.completion_tokens = count_of(member(usage, "completion_tokens"));
    }
    return {};
}

void CompletionReader::take_text(std::string_view text) {
    if (text.empty()) return;
    if (completion_.first_token == Milliseconds::zero()) completion_.first_token = since(start_);
    ++completion_.completion_tokens;  // until the API says how many they are
    if (!text_.add(text)) {
        done_ = true;
    } else if (text_.text().size() > max_text_) {
        completion_.truncated = true;
        done_ = true;
    }
}

}  // namespace titans::mind
