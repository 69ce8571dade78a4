#include "character/conversation.h"

#include "audio/decoder.h"
#include "audio/join.h"
#include "audio/wav.h"
#include "character/prompt.h"
#include "execution/channel.h"
#include "foundation/log.h"
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

constexpr std::string_view kEspeak = "espeak-ng";
constexpr SampleRate kSpeechRate{16'000};  // what every recogniser takes
constexpr Milliseconds kPause{250};        // between sentences

VoiceUsed describe_voice(const store::CharacterRecord& character, const VoiceSettings& settings) {
    if (settings.model == kEspeak) return {std::string(kEspeak), false, ""};
    if (settings.model.empty() && character.voice_file.empty()) {
        return {std::string(kEspeak), false, "the character has no recording to clone"};
    }
    const std::string& wanted = settings.model.empty() ? "f5tts" : settings.model;
    return {std::string(kEspeak), false, std::format("{} is not part of this server yet", wanted)};
}

}  // namespace

/// The state of one turn. Touched on its event loop only, but for the channels.
struct Conversation::Turn {
    TurnRequest request;
    EventSink sink;
    std::stop_token stop;
    const Clock::time_point start = Clock::now();

    store::CharacterRecord character;
    LlmConfig llm_config;
    SttSettings stt_settings;
    VoiceSettings voice_settings;
    Answer answer;

    Channel<Thought> thoughts;
    Channel<Sentence> sentences;
    Channel<int> spoken;  // closed when the last sentence is spoken
    std::vector<audio::Audio> audio;
};

Task<> Conversation::run(TurnRequest request, EventSink sink, std::stop_token stop) {
    auto turn = std::make_shared<Turn>();
    turn->request = std::move(request);
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
    TITANS_CO_TRY(turn->character, co_await parts_.characters.find(turn->request.character));
    TITANS_CO_TRY(turn->llm_config, parse_llm_config(turn->character.llm_config));
    TITANS_CO_TRY(turn->stt_settings, parse_stt_settings(turn->character.stt_settings));
    TITANS_CO_TRY(turn->voice_settings,
                  parse_voice_settings(turn->character.voice_cloning_settings));
    Answer& answer = turn->answer;
    answer.character_name = turn->character.name;
    answer.voice = describe_voice(turn->character, turn->voice_settings);

    TITANS_CO_TRY(answer.question, co_await understand(turn));

    const Clock::time_point recall_start = Clock::now();
    TITANS_CO_TRY(answer.recalled,
                  co_await parts_.recall.recall(turn->character.id, answer.question, turn->stop));
    answer.timings.recall = since(recall_start);
    turn->sink(answer.recalled);

    // Speaking goes on beside thinking; both have ended before this coroutine does.
    const bool spoken = turn->request.speech != Speech::None;
    if (spoken) speak(turn);
    Result<void> thought = co_await think(turn);
    turn->sentences.close();
    if (spoken) co_await turn->spoken.next();
    TITANS_CO_TRY_VOID(std::move(thought));

    if (!turn->audio.empty()) {
        Result<std::string> name = co_await write_audio(audio::join(turn->audio, kPause));
        if (name) {
            answer.audio = AudioFile{turn->character.slug, *std::move(name)};
        } else {
            answer.voice.reason = "the spoken answer could not be stored";
            log::error("turn.audio_lost", "detail=\"{}\"", name.error().detail);
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
    Result<audio::Audio> speech = co_await run_on(
        parts_.files, [&bytes, turn] { return audio::decode(bytes, kSpeechRate, {}, turn->stop); });
    if (!speech) {
        speech.error().message = "audio_file: " + speech.error().message;
        co_return std::unexpected(std::move(speech).error());
    }
    answer.timings.decode = since(decode_start);

    const Clock::time_point recognise_start = Clock::now();
    TITANS_CO_TRY(
        const hearing::Transcript transcript,
        co_await run_on(parts_.compute, [this, &speech, turn]() -> Result<hearing::Transcript> {
            TITANS_TRY(hearing::SpeechRecognizer* const ears,
                       parts_.engines.ears(turn->stt_settings));
            return ears->recognize(*speech, {.language = turn->stt_settings.language}, turn->stop);
        }));
    answer.timings.recognise = since(recognise_start);
    if (transcript.text.empty())
        co_return fail(ErrorKind::NothingHeard, "audio_file: no speech was heard in it");
    turn->sink(Transcribed{transcript.text, transcript.language});
    co_return transcript.text;
}

/// Lets the mind answer, and cuts what it writes into sentences for the voice.
Task<Result<void>> Conversation::think(std::shared_ptr<Turn> turn) {
    Answer& answer = turn->answer;
    std::vector<std::string> passages;
    for (const auto& passage : answer.recalled.passages) passages.push_back(passage.text);
    generate(turn, make_prompt(turn->character, turn->llm_config, passages, answer.question));

    text::SentenceStream splitter;
    int sentences = 0;
    const auto pass_on = [&](std::vector<std::string> complete) {
        for (std::string& sentence : complete) {
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
    answer.timings.text = since(turn->start);
    answer.timings.prompt_tokens = done.prompt_tokens;
    answer.timings.cached_tokens = done.cached_tokens;
    answer.timings.completion_tokens = done.completion_tokens;
    co_return Result<void>();
}

DetachedTask Conversation::generate(std::shared_ptr<Turn> turn, mind::Prompt prompt) {
    Result<mind::Completion> completion =
        co_await run_on(parts_.compute, [this, turn, &prompt]() -> Result<mind::Completion> {
            TITANS_TRY(mind::LanguageModel* const mind,
                       parts_.engines.mind(turn->character.llm_model, turn->llm_config));
            return mind->generate(
                prompt, turn->llm_config.generation,
                [&turn](std::string_view piece) { turn->thoughts.push(std::string(piece)); },
                turn->stop);
        });
    turn->thoughts.push(std::move(completion));
    turn->thoughts.close();
}

DetachedTask Conversation::speak(std::shared_ptr<Turn> turn) {
    const voice::VoiceSample voice{
        .recording = {}, .transcript = {}, .language = turn->voice_settings.language};
    while (std::optional<Sentence> sentence = co_await turn->sentences.next()) {
        const std::string text = text::speakable(sentence->text);
        if (text.empty() || turn->stop.stop_requested()) continue;
        Result<audio::Audio> audio = co_await run_on(parts_.speech, [this, &text, &voice, turn] {
            return parts_.speaker.speak(text, voice, turn->stop);
        });
        if (!audio) {
            // A sentence of signs only is no fault; else the text still comes.
            if (audio.error().kind != ErrorKind::InvalidInput)
                turn->answer.voice.reason = audio.error().message;
            continue;
        }
        if (!turn->answer.timings.first_audio)
            turn->answer.timings.first_audio = since(turn->start);
        if (turn->request.speech == Speech::BySentence) {
            if (Result<std::string> name = co_await write_audio(*audio)) {
                turn->sink(SentenceSpoken{
                    sentence->index, {turn->character.slug, *std::move(name)}, audio->duration()});
            }
        }
        turn->audio.push_back(*std::move(audio));
    }
    turn->spoken.close();
}

Task<Result<std::string>> Conversation::write_audio(audio::Audio audio) {
    co_return co_await run_on(parts_.files, [this, &audio] {
        return parts_.audio_files.write(audio::make_wav(audio), "wav");
    });
}

}  // namespace titans::character
