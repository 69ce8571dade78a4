#include "mind/openai/openai_mind.h"

#include <optional>

#include "mind/openai/chat_completion.h"
#include "net/api_call.h"

namespace titans::mind {
namespace {

constexpr std::uint64_t kMaxAnswer = std::uint64_t{16} << 20;  // bytes, with all around the text

bool is_about_the_request(int status) { return status == 400 || status == 422; }

}  // namespace

Result<Completion> OpenAiMind::generate(const Prompt& prompt, const GenerationOptions& options,
                                        const TextSink& on_text, std::stop_token stop) {
    const auto start = Clock::now();
    TITANS_TRY_VOID(check_base_url(target_.base_url));
    net::ApiCall call{.field = "llm_config",
                      .base_url = target_.base_url,
                      .path = "/chat/completions",
                      .key = target_.api_key,
                      .policy = target_.policy,
                      .max_response_bytes = kMaxAnswer,
                      .first_pause = target_.first_pause};
    for (bool with_usage = true;; with_usage = false) {
        call.body = completion_request(target_.model, prompt, options, with_usage);
        CompletionReader reader(options, on_text, start);
        std::optional<Error> wrong;
        const auto read = [&](const net::HttpResponse&, std::string_view bytes) -> Result<void> {
            if (auto added = reader.add(bytes); !added) wrong = std::move(added).error();
            if (wrong || reader.is_done())
                return fail(ErrorKind::Cancelled, "nothing else is read");
            return {};
        };
        const auto response = net::call_api(client_, call, read, stop);
        if (!wrong && !reader.is_done()) {
            if (!response) return std::unexpected(response.error());
            if (with_usage && is_about_the_request(response->status)) continue;
            if (response->status / 100 != 2)
                return std::unexpected(net::answer_error(call, *response));
        }
        if (!wrong) {
            auto completion = reader.finish();
            if (completion) return completion;
            wrong = std::move(completion).error();
        }
        return std::unexpected(net::api_error(call, wrong->message, wrong->detail));
    }
}

Result<void> check_base_url(std::string_view url) {
    auto checked = net::check_api_url(url);
    if (!checked) checked.error().message.insert(0, "llm_config.base_url: ");
    return checked;
}

bool is_same_origin(std::string_view a, std::string_view b) { return net::same_origin(a, b); }

}  // namespace titans::mind
