#include "mind/llama/llama_mind.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <random>
#include <thread>

#include "engine/ggml/backends.h"
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
// Tokens that the answers beside one of the full length may take.
constexpr int kRoomForOthers = 4096;
// Prompt tokens that a step reads on a processor: fewer at once would be read more slowly, and with
// more of them whatever is more urgent than an answer would wait longer. So many, of a model of so
// many parameters, take a core of a server about half a second.
constexpr std::size_t kFewestTokens = 32;
constexpr std::size_t kMostTokens = 256;
constexpr double kParametersTimesTokens = 20e9;

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

std::size_t tokens_of_a_step(const engine::LlamaModel& model, int threads) {
    const double tokens = kParametersTimesTokens * threads / std::max(model.parameters(), 1.0);
    const double most = std::min(tokens, static_cast<double>(kMostTokens));
    return std::max(std::bit_floor(static_cast<std::size_t>(most)), kFewestTokens);
}

std::unexpected<Error> cancelled() { return fail(ErrorKind::Cancelled, "the answer was stopped"); }

std::unexpected<Error> broken() {
    return fail(ErrorKind::Internal, "the language model failed", "llama_decode reported an error");
}

}  // namespace

struct LlamaMind::Answer {
    Answer(Assignment of_assignment, std::vector<Token> of_tokens, std::size_t of_fixed)
        : assignment(std::move(of_assignment)), tokens(std::move(of_tokens)), fixed(of_fixed) {}

    Assignment assignment;
    std::vector<Token> tokens;  // of the prompt, then what was picked
    std::size_t fixed;  // how many of them are the prompt's fixed part; 0: not worth keeping
    std::optional<engine::LlamaSampler> sampler;  // absent: there is only the fixed part to prepare
    std::optional<TextStream> stream;             // as sampler
    Completion completion;
    Clock::time_point start = Clock::now();
    Text* text = nullptr;  // null: it waits for one
    bool begun = false;    // it had one before
    bool keeps = false;    // its fixed part is to be put aside when it is read

    std::size_t unread() const { return tokens.size() - text->tokens.size(); }
    /// Its prompt is read.
    bool is_written() const { return text != nullptr && sampler && unread() == 1; }
    /// Of which the next step may read so many.
    std::size_t next_piece(std::size_t most) const {
        const std::size_t done = text->tokens.size();
        const std::size_t end = keeps && done < fixed ? fixed : tokens.size();
        return std::min(most, end - done);
    }
};

LlamaMind::LlamaMind(std::shared_ptr<const engine::LlamaModel> model,
                     std::unique_ptr<engine::LlamaContext> context, ChatTemplate chat_template,
                     int context_length, std::size_t prompt_tokens, std::size_t kept_bytes)
    : model_(std::move(model)),
      context_(std::move(context)),
      chat_template_(std::move(chat_template)),
      context_length_(context_length),
      prompt_tokens_(prompt_tokens),
      kept_bytes_(kept_bytes) {
    for (int number = 0; number < context_->options().texts; ++number)
        texts_.push_back({.number = number, .tokens = {}});
}

LlamaMind::~LlamaMind() = default;

Result<std::unique_ptr<LlamaMind>> LlamaMind::load(const std::filesystem::path& file,
                                                   const LlamaMindOptions& options) {
    TITANS_TRY(auto model, engine::LlamaModel::load(file, {.gpu_layers = options.gpu_layers}));
    if (!model->is_generative())
        return fail(ErrorKind::Unsupported, "the model is not one that writes text");

    int context_length = options.context_length > 0 ? options.context_length : kDefaultContext;
    if (model->trained_context() > 0)
        context_length = std::min(context_length, model->trained_context());
    context_length = std::max(context_length, 16);
    int room = context_length;
    if (options.answers > 1) room += std::min(context_length, kRoomForOthers);
    // Some models compute positions in another way for contexts beyond this.
    if (const int limit = model->unscaled_context(); context_length <= limit)
        room = std::min(room, limit);
    int threads = options.threads;
    if (threads <= 0) threads = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
    TITANS_TRY(auto context, LlamaContext::open(model, {.context_length = room,
                                                        .batch_size = options.batch_size,
                                                        .texts = options.answers,
                                                        .threads = threads}));
    const bool on_gpu =
        options.gpu_layers != 0 &&
        std::ranges::any_of(engine::load_backends().devices, &engine::ComputeDevice::gpu);
    const auto prompt_tokens = on_gpu ? static_cast<std::size_t>(context->options().batch_size)
                                      : tokens_of_a_step(*model, threads);

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
                                                    std::move(chat_template), context_length,
                                                    prompt_tokens, options.kept_bytes));
}

void LlamaMind::begin(Assignment assignment) {
    Result<std::unique_ptr<Answer>> answer = accept(assignment);
    if (!answer) {
        assignment.on_end(std::unexpected(std::move(answer).error()));
    } else if (!(*answer)->sampler && ((*answer)->fixed == 0 || use_kept(**answer))) {
        (*answer)->assignment.on_end(Completion{});  // there is nothing to prepare
    } else {
        answers_.push_back(*std::move(answer));
    }
}

void LlamaMind::step() {
    end_stopped();
    const std::vector<Part> parts = plan();
    if (parts.empty()) return;
    std::vector<LlamaContext::Reading> readings;
    for (const auto& [answer, size] : parts) {
        const auto unread = std::span(answer->tokens).subspan(answer->text->tokens.size());
        readings.push_back({answer->text->number, unread.first(size), answer->assignment.stop});
    }
    const LlamaContext::Outcome outcome = context_->decode(readings);
    if (outcome == LlamaContext::Outcome::Full && make_room()) return;
    if (outcome != LlamaContext::Outcome::Done) {
        for (const auto& [answer, size] : parts) mend(*answer->text);
        if (outcome == LlamaContext::Outcome::Stopped) return end_stopped();
        for (const auto& [answer, size] : parts) end(*answer, broken());
        return;
    }

    int row = -1;
    for (const auto& [answer, size] : parts) {
        row += static_cast<int>(size);
        std::vector<Token>& read = answer->text->tokens;
        const auto next = answer->tokens.begin() + static_cast<std::ptrdiff_t>(read.size());
        read.insert(read.end(), next, next + static_cast<std::ptrdiff_t>(size));
        if (answer->keeps && read.size() == answer->fixed) {
            keep_fixed_part(*answer->text);
            answer->keeps = false;
        }
        if (answer->unread() == 0) write(*answer, row);
    }
}

void LlamaMind::abandon(const Error& error) {
    while (!answers_.empty()) {
        Answer& answer = *answers_.front();
        if (answer.text != nullptr) clear(*answer.text);
        end(answer, std::unexpected(error));
    }
}

Result<Completion> LlamaMind::generate(const Prompt& prompt, const GenerationOptions& options,
                                       const TextSink& on_text, std::stop_token stop) {
    return work_off({.prompt = prompt,
                     .options = options,
                     .on_text = on_text,
                     .stop = std::move(stop),
                     .on_end = {}});
}

Result<void> LlamaMind::prepare(const Prompt& prompt, std::stop_token stop) {
    const auto done = work_off(
        {.prompt = prompt, .options = {}, .on_text = {}, .stop = std::move(stop), .on_end = {}});
    if (!done) return std::unexpected(done.error());
    return {};
}

Result<Completion> LlamaMind::work_off(Assignment assignment) {
    std::optional<Result<Completion>> result;
    assignment.on_end = [&result](Result<Completion> end) { result = std::move(end); };
    begin(std::move(assignment));
    while (!result) step();
    return *std::move(result);
}

Result<bool> LlamaMind::fits(const Prompt& prompt, const GenerationOptions& options) {
    TITANS_TRY(const std::vector<Token> tokens, tokenize(prompt.messages));
    const int answer = std::min(options.max_tokens, context_length() / 4);
    return std::cmp_less_equal(tokens.size() + static_cast<std::size_t>(answer), context_length());
}

Result<std::unique_ptr<LlamaMind::Answer>> LlamaMind::accept(Assignment& assignment) const {
    TITANS_TRY(std::vector<Token> fixed, fixed_tokens(assignment.prompt));
    if (!assignment.options) {
        if (std::cmp_greater_equal(fixed.size(), context_length())) {
            return fail(ErrorKind::InvalidInput,
                        std::format("the character's description and examples are {} tokens long, "
                                    "and the model can read {}",
                                    fixed.size(), context_length() - 1));
        }
        if (fixed.size() < kWorthKeeping) fixed.clear();
        const std::size_t size = fixed.size();
        return std::make_unique<Answer>(std::move(assignment), std::move(fixed), size);
    }
    const GenerationOptions options = *assignment.options;
    TITANS_TRY_VOID(check(options));
    TITANS_TRY(std::vector<Token> tokens, tokenize(assignment.prompt.messages));
    if (std::cmp_greater_equal(tokens.size(), context_length())) {
        return fail(ErrorKind::InvalidInput,
                    std::format("question: with what belongs to it, it is {} tokens long, and the "
                                "model can read {}",
                                tokens.size(), context_length() - 1));
    }
    const bool keeps =
        fixed.size() >= kWorthKeeping && common_prefix(fixed, tokens) == fixed.size();
    auto answer = std::make_unique<Answer>(std::move(assignment), std::move(tokens),
                                           keeps ? fixed.size() : 0);
    answer->completion.prompt_tokens = static_cast<int>(answer->tokens.size());
    answer->stream.emplace(answer->assignment.options->stop_strings, answer->assignment.on_text);
    answer->sampler.emplace(*model_, engine::LlamaSampler::Options{
                                         .temperature = options.temperature,
                                         .top_p = options.top_p,
                                         .top_k = options.top_k,
                                         .min_p = options.min_p,
                                         .repeat_penalty = options.repeat_penalty,
                                         .seed = options.seed.value_or(std::random_device{}())});
    return answer;
}

std::vector<LlamaMind::Part> LlamaMind::plan() {
    std::vector<Part> parts;
    for (const auto& answer : answers_) {
        if (answer->is_written()) parts.push_back({answer.get(), 1});
    }
    const auto batch_size = static_cast<std::size_t>(context_->options().batch_size);
    std::size_t room = std::min(prompt_tokens_, batch_size - parts.size());
    const auto read = [&](Answer& answer) {
        if (room == 0 || answer.is_written()) return;
        if (answer.text == nullptr && !may_settle(answer)) return;
        if (answer.text == nullptr) settle(answer);
        parts.push_back({&answer, answer.next_piece(room)});
        room -= parts.back().size;
    };
    // Somebody waits for an answer.
    for (const auto& answer : answers_) {
        if (answer->sampler) read(*answer);
    }
    for (const auto& answer : answers_) {
        if (!answer->sampler) read(*answer);
    }
    return parts;
}

void LlamaMind::write(Answer& answer, int row) {
    Completion& completion = answer.completion;
    if (!answer.sampler) return end(answer, completion);
    const Token token = answer.sampler->pick(*context_, row);
    if (completion.completion_tokens == 0) completion.first_token = since(answer.start);
    bool ended = model_->ends_generation(token);
    if (!ended) {
        ++completion.completion_tokens;
        ended = !answer.stream->add(model_->bytes(token));
    }
    if (!ended) {
        completion.truncated =
            completion.completion_tokens >= answer.assignment.options->max_tokens ||
            std::cmp_greater_equal(answer.tokens.size(), context_length());
        ended = completion.truncated;
    }
    if (!ended) {
        answer.tokens.push_back(token);
        return;
    }
    answer.stream->finish();
    completion.text = answer.stream->text();
    end(answer, std::move(completion));
}

bool LlamaMind::may_settle(const Answer& answer) const {
    if (crowded_ || std::ranges::none_of(texts_, &Text::is_free)) return false;
    std::size_t known = 0;
    for (const Text& text : texts_) known = std::max(known, common(text, answer));
    if (const FixedPart* const kept = find_kept(answer))
        known = std::max(known, kept->tokens.size());
    // Whoever reads what this one could copy if it waited.
    return std::ranges::none_of(answers_, [&](const auto& other) {
        if (other->text == nullptr || other->unread() == 0) return false;
        std::size_t shared = common_prefix(other->tokens, answer.tokens);
        // Of a memory that cannot be cut only what is put aside can be had.
        if (!model_->memory_can_be_cut()) {
            if (!other->keeps || shared < other->fixed) return false;
            shared = other->fixed;
        }
        return shared >= known + kWorthKeeping && other->text->tokens.size() < shared;
    });
}

void LlamaMind::settle(Answer& answer) {
    Text* source = nullptr;
    std::size_t size = 0;
    for (Text& text : texts_) {
        if (common(text, answer) <= size) continue;
        source = &text;
        size = common(text, answer);
    }
    // Who goes on with a text takes its place; else that stays for whoever does.
    Text* place = source;
    if (source == nullptr || source->answer != nullptr || size * 2 < source->tokens.size()) {
        place = nullptr;
        for (Text& text : texts_) {
            if (!text.is_free()) continue;
            if (place == nullptr || text.ended_at < place->ended_at) place = &text;
        }
    }

    const FixedPart* kept = find_kept(answer);
    if (kept != nullptr && kept->tokens.size() <= size) kept = nullptr;
    if (kept == nullptr && source == place) {
        shorten(*place, size);
    } else {
        clear(*place);
        if (kept != nullptr) {
            if (context_->restore(place->number, kept->state)) place->tokens = kept->tokens;
        } else if (source != nullptr &&
                   context_->copy(source->number, place->number, static_cast<int>(size))) {
            place->tokens.assign(answer.tokens.begin(),
                                 answer.tokens.begin() + static_cast<std::ptrdiff_t>(size));
        }
    }
    if (std::ranges::all_of(texts_, &Text::is_free)) {
        for (Text& text : texts_) {
            if (&text != place) clear(text);
        }
    }
    if (!std::exchange(answer.begun, true))
        answer.completion.cached_tokens = static_cast<int>(place->tokens.size());
    answer.text = place;
    place->answer = &answer;
    if (answer.fixed > 0 && !use_kept(answer)) {
        if (place->tokens.size() > answer.fixed) shorten(*place, answer.fixed);
        answer.keeps = place->tokens.size() < answer.fixed;
        if (!answer.keeps) keep_fixed_part(*place);
    }
}

std::size_t LlamaMind::common(const Text& text, const Answer& answer) const {
    const std::size_t size =
        std::min(common_prefix(text.tokens, answer.tokens), answer.tokens.size() - 1);
    const bool whole = text.answer == nullptr && size == text.tokens.size();
    return whole || model_->memory_can_be_cut() ? size : 0;
}

const LlamaMind::FixedPart* LlamaMind::find_kept(const Answer& answer) const {
    const std::size_t most = answer.tokens.size() - 1;
    const FixedPart* best = nullptr;
    for (const FixedPart& part : fixed_parts_) {
        if (part.tokens.size() > most ||
            common_prefix(part.tokens, answer.tokens) < part.tokens.size())
            continue;
        if (best == nullptr || part.tokens.size() > best->tokens.size()) best = &part;
    }
    return best;
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

bool LlamaMind::use_kept(const Answer& answer) {
    const auto kept = std::ranges::find_if(fixed_parts_, [&](const FixedPart& part) {
        return std::ranges::equal(part.tokens, std::span(answer.tokens).first(answer.fixed));
    });
    if (kept == fixed_parts_.end()) return false;
    fixed_parts_.splice(fixed_parts_.begin(), fixed_parts_, kept);
    return true;
}

void LlamaMind::keep_fixed_part(const Text& text) {
    FixedPart part{.tokens = text.tokens, .state = context_->save(text.number)};
    if (part.state.empty()) return;
    fixed_parts_.push_front(std::move(part));
    std::size_t bytes = 0;
    for (auto at = fixed_parts_.begin(); at != fixed_parts_.end();) {
        bytes += at->state.size();
        at = bytes > kept_bytes_ ? fixed_parts_.erase(at) : std::next(at);
    }
}

void LlamaMind::shorten(Text& text, std::size_t length) {
    if (length == text.tokens.size()) return;
    if (length == 0 || !context_->truncate(text.number, static_cast<int>(length)))
        return clear(text);
    text.tokens.resize(length);
}

void LlamaMind::clear(Text& text) {
    context_->clear(text.number);
    text.tokens.clear();
    if (text.is_free()) text.ended_at = 0;
}

void LlamaMind::mend(Text& text) {
    const auto length = static_cast<int>(text.tokens.size());
    // Some of the tokens are in, and this memory perhaps cannot be cut.
    if (context_->length(text.number) != length && !context_->truncate(text.number, length))
        clear(text);
}

bool LlamaMind::make_room() {
    Text* oldest = nullptr;
    for (Text& text : texts_) {
        if (!text.is_free() || text.tokens.empty()) continue;
        if (oldest == nullptr || text.ended_at < oldest->ended_at) oldest = &text;
    }
    if (oldest != nullptr) {
        clear(*oldest);
        return true;
    }
    const auto settled = [](const auto& answer) { return answer->text != nullptr; };
    if (std::ranges::count_if(answers_, settled) < 2) return false;
    Answer& last = **std::find_if(answers_.rbegin(), answers_.rend(), settled);
    Text& text = leave(last);
    clear(text);
    crowded_ = true;
    return true;
}

LlamaMind::Text& LlamaMind::leave(Answer& answer) {
    Text& text = *std::exchange(answer.text, nullptr);
    text.answer = nullptr;
    text.ended_at = ++ended_;
    answer.keeps = false;
    return text;
}

void LlamaMind::end(Answer& answer, Result<Completion> result) {
    if (answer.text != nullptr) leave(answer);
    crowded_ = false;
    const auto at = std::ranges::find(answers_, &answer, &std::unique_ptr<Answer>::get);
    const auto on_end = std::move(answer.assignment.on_end);
    answers_.erase(at);  // nothing of it is left when its end is told
    on_end(std::move(result));
}

void LlamaMind::end_stopped() {
    std::vector<Answer*> stopped;
    for (const auto& answer : answers_) {
        if (answer->assignment.stop.stop_requested()) stopped.push_back(answer.get());
    }
    for (Answer* const answer : stopped) end(*answer, cancelled());
}

}  // namespace titans::mind
