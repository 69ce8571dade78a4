#include "character/conversation.h"

#include "audio/decoder.h"
#include "audio/join.h"
#include "character/listening.h"
#include "character/prompt.h"
#include "execution/channel.h"
#include "foundation/log.h"
#include "text/pauses.h"
#include "text/sentence_stream.h"
#include "text/speakable.h"

namespace titans::character {
namespace {

struct Sentence {
    int index;
    std::string text;
};

/// What the mind sends to the event loop: pieces of text, then how it ended.
using Thought = std::variant<std::string, Result<mind::Completion>>;

constexpr int kRememberedTurns = 50;  // of a session, at most
constexpr Milliseconds kEmbeddingBudget{std::chrono::minutes(10)};

MindUsed describe_mind(const MindChoice& choice) {
    if (const auto* const local = std::get_if<LocalMind>(&choice))
        return {.engine = "gguf", .model = local->file.filename().string()};
    if (const auto* const remote = std::get_if<RemoteMind>(&choice))
        return {.engine = "api", .model = remote->target.model};
    return {.engine = "extractive", .model = ""};
}

}  // namespace

/// The state of one turn. Touched on its event loop only, but for the channels.
struct Conversation::Turn {
    explicit Turn(std::atomic<int>& turns) : count(turns) { ++count; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { --count; }

    std::atomic<int>& count;
    TurnRequest request;
    EventSink sink;
    std::stop_token stop;
    const Clock::time_point start = Clock::now();

    store::CharacterRecord character;
    LlmConfig llm_config;
    SttSettings stt_settings;
    VoiceSettings voice_settings;
    MindChoice mind = NoMind{};
    PromptParts prompt;  // while the mind works: its thread's
    Answer answer;
    std::atomic<bool> has_sentence = false;  // the first one is written

    bool is_late() const { return Clock::now() >= request.deadline; }

    Channel<Thought> thoughts;
    Channel<Sentence> sentences;
    Channel<int> spoken;  // closed when the last sentence is spoken
    std::vector<audio::Audio> audio;
};

Task<Result<std::shared_ptr<Conversation::Turn>>> Conversation::begin(TurnRequest request) {
    auto turn = std::make_shared<Turn>(turns_);
    if (turns_ > parts_.most_turns) {
        co_return fail(ErrorKind::Busy, std::format("the server is busy: {} questions are being "
                                                    "answered already",
                                                    parts_.most_turns));
    }
    turn->request = std::move(request);
    TITANS_CO_TRY(turn->character, co_await parts_.characters.find(turn->request.character));
    TITANS_CO_TRY(turn->llm_config, parse_llm_config(turn->character.llm_config));
    TITANS_CO_TRY(turn->stt_settings, parse_stt_settings(turn->character.stt_settings));
    TITANS_CO_TRY(turn->voice_settings,
                  parse_voice_settings(turn->character.voice_cloning_settings));
    TITANS_CO_TRY(turn->mind, parts_.minds.choose(turn->character.llm_model, turn->llm_config));
    co_return turn;
}

Task<> Conversation::run(std::shared_ptr<Turn> turn, EventSink sink, std::stop_token stop) {
    turn->sink = std::move(sink);
    turn->stop = std::move(stop);
    Result<Answer> result = co_await answer(turn);
    if (result) {
        const Timings& timings = result->timings;
        log::info("turn.done", "character={} total_ms={:.0f} prompt={} cached={} completion={}",
                  turn->character.id.value, timings.total->count(), timings.prompt_tokens,
                  timings.cached_tokens, timings.completion_tokens);
        turn->sink(*std::move(result));
    } else {
        turn->sink(std::move(result).error());
    }
}

Task<Result<Answer>> Conversation::answer(std::shared_ptr<Turn> turn) {
    Answer& answer = turn->answer;
    answer.character_name = turn->character.name;
    answer.mind = describe_mind(turn->mind);

    TITANS_CO_TRY(answer.question, co_await understand(turn));

    const Clock::time_point recall_start = Clock::now();
    TITANS_CO_TRY(answer.recalled,
                  co_await parts_.recall.recall(turn->character.id, answer.question, turn->stop));
    answer.timings.recall = since(recall_start);
    turn->sink(answer.recalled);
    if (!turn->request.session.empty()) {
        TITANS_CO_TRY(turn->prompt.history,
                      co_await parts_.characters.session_turns(
                          turn->character.id, turn->request.session, kRememberedTurns));
    }

    // Speaking goes on beside thinking; both have ended before this coroutine does.
    const bool spoken = turn->request.speech != Speech::None;
    if (spoken) {
        speak(turn);
    } else {
        answer.voice =
            parts_.voices.expected(turn->voice_settings, !turn->character.voice_file.empty());
    }
    Result<void> thought = co_await think(turn);
    turn->sentences.close();
    if (spoken) co_await turn->spoken.next();
    if (!thought) {
        const bool cut = thought.error().kind == ErrorKind::Cancelled && turn->is_late();
        if (!cut || answer.text.empty()) co_return std::unexpected(std::move(thought).error());
        answer.truncated = true;
    }

    if (!turn->audio.empty()) {
        Result<std::string> name = co_await write_audio(turn, audio::join(turn->audio));
        if (name) {
            answer.audio = AudioFile{turn->character.slug, *std::move(name)};
        } else {
            answer.voice.reason = "the spoken answer could not be stored";
            log::error("turn.audio_lost", "detail=\"{}\"", name.error().detail);
        }
    }
    if (!turn->request.session.empty()) {
        const Result<void> kept = co_await parts_.characters.add_session_turn(
            turn->character.id, turn->request.session, {answer.question, answer.text});
        if (!kept) {
            log::error("turn.not_remembered", "message=\"{}\"", kept.error().message);
            answer.warnings.push_back("session_id: this turn will not be remembered: " +
                                      kept.error().message);
        }
    }
    answer.timings.total = since(turn->start);
    co_return std::move(answer);
}

/// The question as text: as given, or as heard.
Task<Result<std::string>> Conversation::understand(std::shared_ptr<Turn> turn) {
    if (auto* const text = std::get_if<TextQuestion>(&turn->request.question))
        co_return std::move(text->text);

    Answer& answer = turn->answer;
    answer.question_was_spoken = true;
    const auto& bytes = std::get<AudioQuestion>(turn->request.question).bytes;
    const Clock::time_point decode_start = Clock::now();
    Result<audio::Audio> speech = co_await run_on(parts_.files, [this, &bytes, turn] {
        return audio::decode(bytes, hearing::vad::kRate, {.duration = parts_.longest_audio},
                             turn->stop);
    });
    if (!speech) {
        speech.error().message = "audio_file: " + speech.error().message;
        co_return std::unexpected(std::move(speech).error());
    }
    answer.timings.decode = since(decode_start);
    if (auto missing = missing_ears(parts_.models, turn->stt_settings))
        co_return std::unexpected(*std::move(missing));

    const Clock::time_point recognise_start = Clock::now();
    // An utterance is a step: a short question does not wait for all of a long one.
    auto hear = [this, turn, &speech, ears = std::shared_ptr<hearing::SpeechRecognizer>(),
                 listening = std::optional<Listening>()]() mutable -> std::optional<Result<Heard>> {
        if (!listening) {
            auto found = parts_.engines.ears(turn->stt_settings);
            if (!found) return std::unexpected(std::move(found).error());
            ears = *std::move(found);
            listening.emplace(parts_.engines.detector(), turn->stt_settings, *std::move(speech));
        }
        const Result<bool> more = listening->next(*ears, turn->stop);
        if (!more) return std::unexpected(more.error());
        if (*more) return std::nullopt;
        return listening->heard();
    };
    TITANS_CO_TRY(const Heard heard, co_await run_steps_on(parts_.compute, std::move(hear),
                                                           Executor::Priority::Hearing));
    answer.timings.recognise = since(recognise_start);
    if (heard.transcript.text.empty()) {
        co_return fail(ErrorKind::NothingHeard,
                       "audio_file: no speech was heard in it that is as loud and as long as "
                       "stt_settings.threshold and min_duration ask for");
    }
    if (heard.split) {
        answer.warnings.emplace_back(
            "stt_settings.max_time: somebody spoke for longer, and was understood in pieces");
    }
    answer.ears = {turn->stt_settings.model, heard.transcript.language,
                   heard.transcript.confidence};
    turn->sink(Transcribed{heard.transcript.text, heard.transcript.language});
    co_return heard.transcript.text;
}

/// Lets the mind answer, and cuts what it writes into sentences for the voice.
Task<Result<void>> Conversation::think(std::shared_ptr<Turn> turn) {
    Answer& answer = turn->answer;
    for (const auto& passage : answer.recalled.passages)
        turn->prompt.passages.push_back(passage.text);
    turn->prompt.question = answer.question;
    generate(turn);

    text::SentenceStream splitter;
    int sentences = 0;
    const auto pass_on = [&](std::vector<std::string> complete) {
        for (std::string& sentence : complete) {
            turn->has_sentence = true;
            turn->sink(SentenceWritten{sentences, sentence});
            turn->sentences.push({sentences++, std::move(sentence)});
        }
    };
    Result<mind::Completion> completion = fail(ErrorKind::Internal, "the mind gave no answer");
    while (std::optional<Thought> thought = co_await turn->thoughts.next()) {
        if (auto* const ended = std::get_if<Result<mind::Completion>>(&*thought)) {
            completion = std::move(*ended);
            continue;
        }
        std::string& piece = std::get<std::string>(*thought);
        if (!answer.timings.first_token) answer.timings.first_token = since(turn->start);
        answer.text += piece;
        turn->sink(TextPiece{piece});
        pass_on(splitter.push(piece));
    }
    TITANS_CO_TRY(const mind::Completion done, std::move(completion));
    pass_on(splitter.flush());
    answer.truncated = done.truncated;
    answer.recalled.passages.resize(turn->prompt.passages.size());  // those that fitted
    answer.timings.text = since(turn->start);
    answer.timings.prompt_tokens = done.prompt_tokens;
    answer.timings.cached_tokens = done.cached_tokens;
    answer.timings.completion_tokens = done.completion_tokens;
    co_return Result<void>();
}

DetachedTask Conversation::generate(std::shared_ptr<Turn> turn) {
    auto prompt = [turn](mind::LanguageModel& mind) {
        return fit_prompt(mind, turn->character, turn->llm_config, turn->prompt);
    };
    auto on_text = [turn](std::string_view piece) { turn->thoughts.push(std::string(piece)); };
    Result<mind::Completion> completion = fail(ErrorKind::Internal, "the mind gave no answer");
    if (const auto* const local = std::get_if<LocalMind>(&turn->mind)) {
        LocalMinds::Question question{.file = local->file,
                                      .config = turn->llm_config,
                                      .prompt = std::move(prompt),
                                      .is_urgent = [turn] { return !turn->has_sentence; },
                                      .on_text = std::move(on_text),
                                      .stop = turn->stop};
        completion = co_await parts_.local_minds.ask(std::move(question));
    } else {
        completion = co_await run_on(
            executor_of(turn->mind), [this, turn, &prompt, &on_text]() -> Result<mind::Completion> {
                mind::LanguageModel& mind = direct_mind(turn->mind);
                TITANS_TRY(const mind::Prompt asked, prompt(mind));
                return mind.generate(asked, turn->llm_config.generation, on_text, turn->stop);
            });
    }
    turn->thoughts.push(std::move(completion));
    turn->thoughts.close();
}

Executor& Conversation::executor_of(const MindChoice& choice) const {
    return std::holds_alternative<RemoteMind>(choice) ? parts_.remote : parts_.compute;
}

mind::LanguageModel& Conversation::direct_mind(const MindChoice& choice) const {
    if (const auto* const remote = std::get_if<RemoteMind>(&choice)) return *remote->mind;
    return parts_.engines.extractive();
}

struct Conversation::SpokenText {
    int index = 0;  // of the first sentence
    int sentences = 0;
    std::string text;
};

Task<std::optional<Conversation::SpokenText>> Conversation::next_text(std::shared_ptr<Turn> turn,
                                                                      std::size_t enough) {
    SpokenText spoken;
    while (spoken.sentences == 0 || spoken.text.size() < enough) {
        std::optional<Sentence> sentence = co_await turn->sentences.next();
        if (!sentence) break;
        const std::string text = text::speakable(sentence->text);
        if (text.empty()) continue;
        if (spoken.sentences++ == 0) {
            spoken.index = sentence->index;
        } else {
            spoken.text += ' ';
        }
        spoken.text += text;
    }
    if (spoken.sentences == 0) co_return std::nullopt;
    co_return spoken;
}

Task<Result<audio::Audio>> Conversation::speak_text(std::shared_ptr<Turn> turn,
                                                    const CharacterVoice* voice,
                                                    std::string text) const {
    auto speak = [&, utterance = std::unique_ptr<voice::Utterance>()]() mutable
        -> std::optional<Result<audio::Audio>> {
        if (utterance == nullptr) {
            auto begun = voice->synthesizer->begin(text, voice->learned, voice->options);
            if (!begun) return std::unexpected(std::move(begun).error());
            utterance = *std::move(begun);
        }
        return utterance->step(turn->stop);
    };
    const auto priority =
        turn->audio.empty() ? Executor::Priority::FirstAudio : Executor::Priority::Later;
    co_return co_await run_steps_on(*voice->executor, std::move(speak), priority);
}

DetachedTask Conversation::speak(std::shared_ptr<Turn> turn) {
    const Clock::time_point open_start = Clock::now();
    const CharacterVoice voice =
        co_await parts_.voices.open(turn->character, turn->voice_settings, turn->stop);
    turn->answer.timings.voice = since(open_start);
    VoiceUsed& used = turn->answer.voice;
    used = voice.used;
    const voice::TextLength enough =
        voice.synthesizer->text_length(voice.learned.get(), voice.options);
    // Once a sentence is left out nothing is spoken any more: what is there is the beginning.
    bool cut = false;
    Milliseconds pause{};
    while (std::optional<SpokenText> spoken =
               co_await next_text(turn, turn->audio.empty() ? enough.first : enough.later)) {
        if (cut) continue;
        if (voice.options.reference_mode) spoken->text = turn->answer.text;  // all of it
        Result<audio::Audio> audio = co_await speak_text(turn, &voice, spoken->text);
        if (!audio) {
            // A sentence of signs only is no fault.
            if (audio.error().kind == ErrorKind::InvalidInput) continue;
            cut = true;
            used.reason = audio.error().kind == ErrorKind::Cancelled
                              ? "cut: only what was spoken before the deadline is there"
                              : "cut: the rest could not be spoken: " + audio.error().message;
            continue;
        }
        if (!turn->answer.timings.first_audio)
            turn->answer.timings.first_audio = since(turn->start);
        // The pause between two texts is heard as the beginning of the second.
        if (!turn->audio.empty()) audio = audio::after_silence(*audio, pause);
        pause = text::pause_behind(spoken->text);
        if (turn->request.speech == Speech::BySentence) {
            if (Result<std::string> name = co_await write_audio(turn, *audio)) {
                turn->sink(SentenceSpoken{spoken->index,
                                          spoken->sentences,
                                          {turn->character.slug, *std::move(name)},
                                          audio->duration()});
            }
        }
        turn->audio.push_back(*std::move(audio));
    }
    turn->spoken.close();
}

Task<Result<std::string>> Conversation::write_audio(std::shared_ptr<Turn> turn,
                                                    audio::Audio audio) {
    co_return co_await run_on(parts_.files, [this, &turn, &audio] {
        return parts_.audio.write(audio, turn->voice_settings.output, turn->character.id);
    });
}

Task<Result<void>> Conversation::prepare_mind(MindChoice choice, LlmConfig config,
                                              mind::Prompt prompt, std::stop_token stop) {
    if (const auto* const local = std::get_if<LocalMind>(&choice)) {
        LocalMinds::Question question{
            .file = local->file,
            .config = std::move(config),
            .prompt = [&prompt](mind::LanguageModel&) -> Result<mind::Prompt> {
                return std::move(prompt);
            },
            .is_urgent = [] { return false; },
            .on_text = {},
            .stop = stop};
        TITANS_CO_TRY_VOID(co_await parts_.local_minds.prepare(std::move(question)));
        co_return {};
    }
    co_return co_await run_on(
        executor_of(choice), [&, this] { return direct_mind(choice).prepare(prompt, stop); },
        Executor::Priority::Later);
}

Task<Result<Conversation::Preparation>> Conversation::prepare(CharacterId id,
                                                              std::stop_token stop) {
    TITANS_CO_TRY(store::CharacterRecord character, co_await parts_.characters.find(id));
    TITANS_CO_TRY(const LlmConfig config, parse_llm_config(character.llm_config));
    TITANS_CO_TRY(const SttSettings stt, parse_stt_settings(character.stt_settings));
    TITANS_CO_TRY(const VoiceSettings voice,
                  parse_voice_settings(character.voice_cloning_settings));
    TITANS_CO_TRY(const MindChoice choice, parts_.minds.choose(character.llm_model, config));
    if (auto missing = missing_ears(parts_.models, stt))
        co_return std::unexpected(*std::move(missing));

    Preparation preparation{.name = character.name, .warnings = {}};
    if (std::holds_alternative<NoMind>(choice)) {
        preparation.warnings.push_back(
            "llm_model: no language model is here, so answers quote the knowledge; " +
            how_to_get(models::default_of(models::ModelTask::Mind).name));
    }

    TITANS_CO_TRY_VOID(
        co_await prepare_mind(choice, config, make_prompt(character, config, {}), stop));
    TITANS_CO_TRY_VOID(co_await run_on(
        parts_.compute,
        [&, this]() -> Result<void> {
            TITANS_TRY([[maybe_unused]] const auto ears, parts_.engines.ears(stt));
            return {};
        },
        Executor::Priority::Later));
    co_await parts_.samples.finish(id, stop);
    TITANS_CO_TRY(character, co_await parts_.characters.find(id));
    const CharacterVoice opened = co_await parts_.voices.open(character, voice, stop);
    const VoiceUsed& used = opened.used;
    co_await parts_.voices.warm_up(opened);
    if (stop.stop_requested())
        co_return fail(ErrorKind::Cancelled, "nobody waits for the character any more");
    if (const auto reference = parts_.samples.reference_text(character)) {
        for (const std::string& warning : reference->warnings)
            if (!used.reason.contains(warning)) preparation.warnings.push_back(warning);
    }
    if (!used.reason.empty() && (!character.voice_file.empty() || !voice.model.empty()))
        preparation.warnings.push_back("voice_cloning_settings: " + used.reason);
    if (used.cloned) preparation.warnings.append_range(parts_.voices.warnings(voice));
    co_await parts_.embedding.embed_now(id, kEmbeddingBudget, stop);
    // A search brings the embedder, and what it reads, into memory.
    TITANS_CO_TRY(const knowledge::Recollection recalled,
                  co_await parts_.recall.recall(id, character.name, stop));
    if (recalled.lexical_only) {
        preparation.warnings.push_back(
            "knowledge_base_file: no embedding model is here, so passages are found by their words "
            "alone; " +
            how_to_get(models::default_of(models::ModelTask::Embedder).name));
    }
    co_return preparation;
}

}  // namespace titans::character
