#include "mind/llama/llama_mind.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

#include "engine/llama/llama_sampler.h"
#include "foundation/log.h"
#include "mind/text_stream.h"

namespace titans::mind {
namespace {

using engine::LlamaContext;
using engine::Token;

constexpr int kDefaultContext = 4096;
// Tokens; a shorter fixed part is computed as fast as it is restored.
constexpr std::size_t kWorthKeeping = 16;

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
    const auto end = std::ranges::mismatch(a, b);
    return static_cast<std::size_t>(end.in1 - a.begin());
}

Result<void> check(const GenerationOptions& options) {
    const auto refuse = [](std::string message) {
        return fail(ErrorKind::InvalidInput, std::move(message));
    };
    if (options.max_tokens < 1) return refuse("max_tokens: must be at least 1");
    if (!std::isfinite(options.temperature) || options.temperature < 0)
        return refuse("temperature: must be 0 or more");
    if (!(options.top_p > 0 && options.top_p <= 1))
        return refuse("top_p: must be above 0 and at most 1");
    if (options.top_k < 0) return refuse("top_k: must be 0 or more");
    if (!(options.min_p >= 0 && options.min_p <= 1)) return refuse("min_p: must be from 0 to 1");
    if (!std::isfinite(options.repeat_penalty) || options.repeat_penalty <= 0) {
        return refuse("repeat_penalty: must be above 0");
    }
    return {};
}

std::unexpected<Error> cancelled() { return fail(ErrorKind::Cancelled, "the answer was stopped"); }

std::unexpected<Error> broken() {
    return fail(ErrorKind::Internal, "the language model failed", "llama_decode reported an error");
}

}  // namespace

Result<std::unique_ptr<LlamaMind>> LlamaMind::load(const std::filesystem::path& file,
                                                   const LlamaMindOptions& options) {
    TITANS_TRY(auto model, engine::LlamaModel::load(file, {.gpu_layers = options.gpu_layers}));
    if (!model->is_generative())
        return fail(ErrorKind::Unsupported, "the model is not one that writes text");

    int context_length = options.context_length > 0 ? options.context_length : kDefaultContext;
    if (model->trained_context() > 0)
        context_length = std::min(context_length, model->trained_context());
    const int processors = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
    TITANS_TRY(
        auto context,
        LlamaContext::open(model, {.context_length = context_length,
                                   .batch_size = options.batch_size,
                                   .threads = options.threads > 0 ? options.threads : processors}));

    ChatTemplate chat_template = ChatTemplate::chatml();
    if (const std::string source = model->chat_template(); !source.empty()) {
        auto learned = ChatTemplate::learn(source, model->name(model->begin_token()),
                                           model->name(model->end_token()));
        if (learned) {
            chat_template = *std::move(learned);
        } else {
            log::warn("mind.template_unused", "reason=\"{}\" detail=\"{}\" instead=chatml",
                      learned.error().message, learned.error().detail);
        }
    }
    return std::unique_ptr<LlamaMind>(new LlamaMind(std::move(model), std::move(context),
                                                    std::move(chat_template), options.kept_bytes));
}

Result<Completion> LlamaMind::generate(const Prompt& prompt, const GenerationOptions& options,
                                       const TextSink& on_text, std::stop_token stop) {
    const auto start = Clock::now();
    TITANS_TRY_VOID(check(options));
    TITANS_TRY(const std::vector<Token> tokens, tokenize(prompt.messages));
    TITANS_TRY(const std::vector<Token> fixed, fixed_tokens(prompt));
    if (std::cmp_greater_equal(tokens.size(), context_length())) {
        return fail(ErrorKind::InvalidInput,
                    std::format("question: with what belongs to it, it is {} tokens long, and the "
                                "model can read {}",
                                tokens.size(), context_length() - 1));
    }
    TITANS_TRY(const int cached, read(tokens, fixed, stop));

    Completion completion{.prompt_tokens = static_cast<int>(tokens.size()),
                          .cached_tokens = cached};
    engine::LlamaSampler sampler(*model_, {.temperature = options.temperature,
                                           .top_p = options.top_p,
                                           .top_k = options.top_k,
                                           .min_p = options.min_p,
                                           .repeat_penalty = options.repeat_penalty,
                                           .seed = options.seed.value_or(std::random_device{}())});
    TextStream stream(options.stop_strings, on_text);
    while (true) {
        if (stop.stop_requested()) return cancelled();
        const Token token = sampler.pick(*context_);
        if (completion.completion_tokens == 0) completion.first_token = since(start);
        if (model_->ends_generation(token)) break;
        ++completion.completion_tokens;
        if (!stream.add(model_->bytes(token))) break;
        completion.truncated = completion.completion_tokens >= options.max_tokens ||
                               std::cmp_greater_equal(text_.size(), context_length());
        if (completion.truncated) break;
        switch (decode(std::span(&token, 1), stop)) {
            case LlamaContext::Outcome::Done:
                break;
            case LlamaContext::Outcome::Stopped:
                return cancelled();
            case LlamaContext::Outcome::Failed:
                return broken();
        }
    }
    stream.finish();
    completion.text = stream.text();
    return completion;
}

Result<void> LlamaMind::prepare(const Prompt& prompt, std::stop_token stop) {
    TITANS_TRY(const std::vector<Token> fixed, fixed_tokens(prompt));
    if (std::cmp_greater_equal(fixed.size(), context_length())) {
        return fail(ErrorKind::InvalidInput,
                    std::format("the character's description and examples are {} tokens long, and "
                                "the model can read {}",
                                fixed.size(), context_length() - 1));
    }
    if (fixed.size() < kWorthKeeping) return {};
    if (const auto done = read(fixed, fixed, stop); !done) return std::unexpected(done.error());
    return {};
}

Result<bool> LlamaMind::fits(const Prompt& prompt, const GenerationOptions& options) {
    TITANS_TRY(const std::vector<Token> tokens, tokenize(prompt.messages));
    const int answer = std::min(options.max_tokens, context_length() / 4);
    return std::cmp_less_equal(tokens.size() + static_cast<std::size_t>(answer), context_length());
}

Result<std::vector<Token>> LlamaMind::tokenize(std::span<const Message> messages) const {
    TITANS_TRY(const std::vector<engine::PromptPiece> pieces, chat_template_.render(messages));
    return model_->tokenize(pieces);
}

Result<std::vector<Token>> LlamaMind::fixed_tokens(const Prompt& prompt) const {
    if (prompt.fixed == 0) return std::vector<Token>();
    const auto end = prompt.messages.begin() +
                     static_cast<std::ptrdiff_t>(std::min(prompt.fixed, prompt.messages.size()));
    // What stays the same whatever the user says next: letters and digits never share a token.
    std::vector<Message> messages(prompt.messages.begin(), end);
    messages.push_back({Role::User, "x"});
    TITANS_TRY(std::vector<Token> tokens, tokenize(messages));
    messages.back().text = "7";
    TITANS_TRY(const std::vector<Token> others, tokenize(messages));
    tokens.resize(common_prefix(tokens, others));
    return tokens;
}

Result<int> LlamaMind::read(std::span<const Token> tokens, std::span<const Token> fixed,
                            const std::stop_token& stop) {
    begin(tokens);
    const auto cached = static_cast<int>(text_.size());
    if (fixed.size() >= kWorthKeeping && common_prefix(fixed, tokens) == fixed.size()) {
        const auto kept = std::ranges::find_if(fixed_parts_, [&](const FixedPart& part) {
            return std::ranges::equal(part.tokens, fixed);
        });
        if (kept != fixed_parts_.end()) {
            fixed_parts_.splice(fixed_parts_.begin(), fixed_parts_, kept);
        } else {
            if (text_.size() > fixed.size()) shorten(fixed.size());
            TITANS_TRY_VOID(extend(fixed, stop));
            keep_fixed_part();
        }
    }
    TITANS_TRY_VOID(extend(tokens, stop));
    return cached;
}

void LlamaMind::begin(std::span<const Token> tokens) {
    const std::size_t most = tokens.size() - 1;  // the last one's scores are wanted
    const std::size_t common = std::min(common_prefix(text_, tokens), most);
    const FixedPart* best = nullptr;
    for (const FixedPart& part : fixed_parts_) {
        if (part.tokens.size() > most || common_prefix(part.tokens, tokens) < part.tokens.size())
            continue;
        if (best == nullptr || part.tokens.size() > best->tokens.size()) best = &part;
    }
    if (best == nullptr || common >= best->tokens.size()) {
        shorten(common);
        if (text_.size() == common || best == nullptr) return;
    }
    text_.clear();
    if (context_->restore(best->state)) text_ = best->tokens;
}

void LlamaMind::shorten(std::size_t length) {
    if (length == text_.size()) return;
    if (length == 0 || !context_->truncate(static_cast<int>(length))) {
        context_->clear();
        length = 0;
    }
    text_.resize(length);
}

Result<void> LlamaMind::extend(std::span<const Token> tokens, const std::stop_token& stop) {
    const auto batch_size = static_cast<std::size_t>(context_->options().batch_size);
    while (text_.size() < tokens.size()) {
        if (stop.stop_requested()) return cancelled();
        const std::size_t done = text_.size();
        switch (decode(tokens.subspan(done, std::min(batch_size, tokens.size() - done)), stop)) {
            case LlamaContext::Outcome::Done:
                break;
            case LlamaContext::Outcome::Stopped:
                return cancelled();
            case LlamaContext::Outcome::Failed:
                return broken();
        }
    }
    return {};
}

LlamaContext::Outcome LlamaMind::decode(std::span<const Token> tokens,
                                        const std::stop_token& stop) {
    const auto outcome = context_->decode(tokens, stop);
    if (outcome == LlamaContext::Outcome::Done) {
        text_.insert(text_.end(), tokens.begin(), tokens.end());
    } else if (context_->length() != static_cast<int>(text_.size()) &&
               !context_->truncate(static_cast<int>(text_.size()))) {
        // Some of the tokens are in, and this memory cannot be cut.
        context_->clear();
        text_.clear();
    }
    return outcome;
}

void LlamaMind::keep_fixed_part() {
    FixedPart part{.tokens = text_, .state = context_->save()};
    if (part.state.empty()) return;
    fixed_parts_.push_front(std::move(part));
    std::size_t bytes = 0;
    for (auto at = fixed_parts_.begin(); at != fixed_parts_.end();) {
        bytes += at->state.size();
        at = bytes > kept_bytes_ ? fixed_parts_.erase(at) : std::next(at);
    }
}

}  // namespace titans::mind
