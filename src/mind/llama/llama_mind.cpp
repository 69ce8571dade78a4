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
constexpr int kConversations = 2;
constexpr int kFixedParts = 6;
constexpr std::size_t kWorthKeeping =
    16;  // tokens; a shorter fixed part is computed faster than it is looked up

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
                                   .threads = options.threads > 0 ? options.threads : processors,
                                   .sequences = kConversations + kFixedParts}));

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
    return std::unique_ptr<LlamaMind>(
        new LlamaMind(std::move(model), std::move(context), std::move(chat_template)));
}

LlamaMind::LlamaMind(std::shared_ptr<const engine::LlamaModel> model,
                     std::unique_ptr<LlamaContext> context, ChatTemplate chat_template)
    : model_(std::move(model)),
      context_(std::move(context)),
      chat_template_(std::move(chat_template)) {
    for (int sequence = 0; sequence < context_->options().sequences; ++sequence) {
        (sequence < kConversations ? conversations_ : fixed_parts_)
            .push_back({.sequence = sequence});
    }
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
    TITANS_TRY(const ReadPrompt prompt_read, read(tokens, fixed, stop));
    Memory& memory = *prompt_read.memory;

    Completion completion{.prompt_tokens = static_cast<int>(tokens.size()),
                          .cached_tokens = prompt_read.cached};
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
                               std::cmp_greater_equal(memory.tokens.size(), context_length());
        if (completion.truncated) break;
        switch (decode(memory, std::span(&token, 1), stop)) {
            case LlamaContext::Outcome::Done:
                break;
            case LlamaContext::Outcome::Full:
                completion.truncated = true;
                break;
            case LlamaContext::Outcome::Stopped:
                return cancelled();
            case LlamaContext::Outcome::Failed:
                return broken();
        }
        if (completion.truncated) break;
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
    TITANS_TRY([[maybe_unused]] const ReadPrompt done, read(fixed, fixed, stop));
    return {};
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

Result<LlamaMind::ReadPrompt> LlamaMind::read(std::span<const Token> tokens,
                                              std::span<const Token> fixed,
                                              const std::stop_token& stop) {
    const bool has_fixed =
        fixed.size() >= kWorthKeeping && common_prefix(fixed, tokens) == fixed.size();
    Memory& memory = begin(tokens);
    const auto cached = static_cast<int>(memory.tokens.size());
    memory.last_used = ++uses_;
    if (has_fixed) {
        if (memory.tokens.size() < fixed.size()) TITANS_TRY_VOID(extend(memory, fixed, stop));
        keep(memory, fixed);
    }
    TITANS_TRY_VOID(extend(memory, tokens, stop));
    return ReadPrompt{&memory, cached};
}

LlamaMind::Memory& LlamaMind::begin(std::span<const Token> tokens) {
    const std::size_t most =
        tokens.size() - 1;  // the last one is always computed: its scores are what is wanted
    Memory* source = nullptr;
    std::size_t shared = 0;
    for (auto* memories : {&fixed_parts_, &conversations_}) {
        for (Memory& memory : *memories) {
            const std::size_t common = std::min(common_prefix(memory.tokens, tokens), most);
            if (common > shared) {
                source = &memory;
                shared = common;
            }
        }
    }
    const bool is_conversation = source != nullptr && source->sequence < kConversations;
    if (is_conversation && shared == source->tokens.size())
        return *source;  // goes on where it ended

    Memory& target = oldest(conversations_);
    if (source == &target && context_->truncate(target.sequence, static_cast<int>(shared))) {
        target.tokens.resize(shared);
        return target;
    }
    if (source != nullptr && source != &target && copy(*source, shared, target)) return target;
    clear(target);
    // A memory that cannot be cut serves as a whole or not at all.
    const Memory* whole = nullptr;
    for (const Memory& memory : fixed_parts_) {
        if (memory.tokens.size() > most ||
            common_prefix(memory.tokens, tokens) < memory.tokens.size())
            continue;
        if (whole == nullptr || memory.tokens.size() > whole->tokens.size()) whole = &memory;
    }
    if (whole != nullptr) copy(*whole, whole->tokens.size(), target);
    return target;
}

Result<void> LlamaMind::extend(Memory& memory, std::span<const Token> tokens,
                               const std::stop_token& stop) {
    const auto batch_size = static_cast<std::size_t>(context_->options().batch_size);
    while (memory.tokens.size() < tokens.size()) {
        if (stop.stop_requested()) return cancelled();
        const std::size_t done = memory.tokens.size();
        switch (decode(memory, tokens.subspan(done, std::min(batch_size, tokens.size() - done)),
                       stop)) {
            case LlamaContext::Outcome::Done:
                break;
            case LlamaContext::Outcome::Stopped:
                return cancelled();
            default:
                return broken();
        }
    }
    return {};
}

LlamaContext::Outcome LlamaMind::decode(Memory& memory, std::span<const Token> tokens,
                                        const std::stop_token& stop) {
    while (true) {
        const auto outcome =
            context_->decode(memory.sequence, static_cast<int>(memory.tokens.size()), tokens, stop);
        switch (outcome) {
            case LlamaContext::Outcome::Done:
                memory.tokens.insert(memory.tokens.end(), tokens.begin(), tokens.end());
                return outcome;
            case LlamaContext::Outcome::Full:
                if (!forget_oldest(memory)) return outcome;
                break;
            default:
                // Part of the tokens may be in, or none; what a conversation was worth is not worth
                // finding out.
                clear(memory);
                return outcome;
        }
    }
}

void LlamaMind::keep(const Memory& memory, std::span<const Token> fixed) {
    for (Memory& kept : fixed_parts_) {
        if (std::ranges::equal(kept.tokens, fixed)) {
            kept.last_used = ++uses_;
            return;
        }
    }
    Memory& slot = oldest(fixed_parts_);
    if (copy(memory, fixed.size(), slot)) slot.last_used = ++uses_;
}

bool LlamaMind::forget_oldest(const Memory& except) {
    for (auto* memories : {&conversations_, &fixed_parts_}) {
        Memory* victim = nullptr;
        for (Memory& memory : *memories) {
            if (&memory == &except || memory.tokens.empty()) continue;
            if (victim == nullptr || memory.last_used < victim->last_used) victim = &memory;
        }
        if (victim != nullptr) {
            clear(*victim);
            return true;
        }
    }
    return false;
}

void LlamaMind::clear(Memory& memory) {
    context_->clear(memory.sequence);
    memory.tokens.clear();
}

bool LlamaMind::copy(const Memory& from, std::size_t size, Memory& to) {
    clear(to);
    context_->fork(from.sequence, to.sequence);
    if (size < from.tokens.size() && !context_->truncate(to.sequence, static_cast<int>(size))) {
        context_->clear(to.sequence);
        return false;
    }
    to.tokens.assign(from.tokens.begin(), from.tokens.begin() + static_cast<std::ptrdiff_t>(size));
    return true;
}

LlamaMind::Memory& LlamaMind::oldest(std::vector<Memory>& memories) {
    return *std::ranges::min_element(memories, {}, &Memory::last_used);
}

}  // namespace titans::mind
