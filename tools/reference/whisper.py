"""Whisper by transformers (arXiv:2212.04356): a checkpoint with seeded weights as the hub has it, and every stage of
what it makes of a recording, to compare src/hearing/whisper with.

usage: whisper.py make FOLDER [--size fixture|tiny|base|small|medium|large-v3|turbo] [--mels 80|128] [--seed N]
                  [--samples N | --wav FILE] [--tokens N] [--type f32|f16|bf16] [--bin]
       whisper.py stages CHECKPOINT FOLDER [--seed N] [--samples N | --wav FILE] [--tokens N]

The first makes FOLDER anew: config.json, generation_config.json, preprocessor_config.json, vocab.json,
added_tokens.json, merges.txt, model.safetensors; stages.safetensors; expected.json. The second reads a checkpoint, also
a real one, and makes only the last two. --tokens: how many are decoded at most, else half of a window's. "fixture" is
for tests/parity: windows of one second, a vocabulary of 365.

Stages, float32: samples; tokens (`forced` of expected.json); mel (of a whole window) and mel.80 or mel.128, what the other
number of bands would be; encoder.conv1 and .conv2 (after GELU), .position, .block.N, .norm; decoder.embedding (positions
added), .block.N, .norm and logits for those tokens; alignment, the attention of the alignment heads to the recording
[heads, tokens, places]. Needs torch, transformers 5, safetensors, numpy.
"""

import argparse
import itertools
import pathlib
import string
import time

import numpy
import torch
import transformers
from transformers.generation.logits_process import (SuppressTokensAtBeginLogitsProcessor, SuppressTokensLogitsProcessor,
                                                    WhisperTimeStampLogitsProcessor)

from stages import (RATE, TYPES, Stages, blocks_to_show, empty_folder, fill, read_recording, recording, save_checkpoint,
                    save_json)

# width, layers of the encoder, of the decoder, heads, mel bands
SIZES = {"fixture": (32, 2, 2, 2, 80), "tiny": (384, 4, 4, 6, 80), "base": (512, 6, 6, 8, 80), "small": (768, 12, 12, 12, 80),
         "medium": (1024, 24, 24, 16, 80), "large-v3": (1280, 32, 32, 20, 128), "turbo": (1280, 32, 4, 20, 128)}
FIXTURE = {"encoder_ffn_dim": 80, "decoder_ffn_dim": 80, "max_source_positions": 50, "max_target_positions": 32}
LANGUAGES = [
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi", "fi", "vi",
    "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "la", "mi", "ml", "cy", "sk",
    "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu", "am", "yi", "lo", "uz", "fo",
    "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su"]
MERGES = ["Ġ t", "h e", "Ġt he", "i n", "Ġ a", "o n", "r e", "Ġ s", "e r", "Ġ w"]
SYMBOLS = '"#()*+/:;<=>@[\\]^_`{|}~'  # never spoken


# The vocabulary


def byte_letters():
    """A printable letter for each byte, in the order of their tokens: those that are printable first."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


def vocabulary(texts, languages, places):
    """The tokens by id, the number of those that are text, and the merges. `texts`: how many tokens are text; `places`:
    positions of the encoder, so half as many hundredths of seconds."""
    merges = [tuple(merge.split()) for merge in MERGES]
    tokens = byte_letters() + [left + right for left, right in merges]
    known = set(tokens)
    for letters in itertools.chain.from_iterable(itertools.product(string.ascii_lowercase, repeat=length) for length in (2, 3, 4)):
        if len(tokens) == texts - 1:
            break
        *left, right = letters
        if "".join(letters) not in known:
            merges.append(("".join(left), right))
            tokens.append("".join(letters))
    tokens += [""]  # as the real one has it
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{language}|>" for language in languages), "<|translate|>",
               "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    times = [f"<|{place * 0.02:.2f}|>" for place in range(places + 1)]
    return tokens + special + times, texts, merges


# The checkpoint


def make(arguments):
    width, encoder, decoder, heads, mels = SIZES[arguments.size]
    small = arguments.size == "fixture"
    mels = arguments.mels or mels
    if small:
        languages = ["en", "zh", "de", "es", "ar"]
    else:
        languages = LANGUAGES + ["yue"] * (mels == 128)
    places = 50 if small else 1500
    tokens, texts, merges = vocabulary(301 if small else 50257, languages, places)
    number = {token: i for i, token in enumerate(tokens)}
    end = number["<|endoftext|>"]
    config = transformers.WhisperConfig(**{
        "vocab_size": len(tokens), "num_mel_bins": mels, "d_model": width, "encoder_layers": encoder, "decoder_layers": decoder,
        "encoder_attention_heads": heads, "decoder_attention_heads": heads, "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width, "max_source_positions": places, "bos_token_id": end, "eos_token_id": end, "pad_token_id": end,
        "decoder_start_token_id": end + 1, "begin_suppress_tokens": [220, end],
        "architectures": ["WhisperForConditionalGeneration"]} | (FIXTURE if small else {}))
    model = transformers.WhisperForConditionalGeneration(config)
    fill(model, arguments.seed, {r"(q|k)_proj\.weight": 1.8, r"self_attn\.out_proj\.weight": 0.5,
                                 r"encoder_attn\.out_proj\.weight": 0.7, r"conv\d\.weight": 1.5,
                                 r"embed_tokens\.weight": 1 / width**0.5, r"decoder\.embed_positions": 5 / width**0.5,
                                 r"decoder\.layer_norm\.weight": 3},
         arguments.type)
    with torch.no_grad():
        model.model.decoder.embed_tokens.weight[end] *= 2  # so that it comes before the end of the window

    folder = empty_folder(arguments.folders[0])
    save_json(folder / "config.json", config.to_dict() | {"dtype": str(TYPES[arguments.type]).removeprefix("torch.")})
    save_json(folder / "preprocessor_config.json", {
        "chunk_length": places // 50, "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": mels, "hop_length": 160,
        "n_fft": 400, "n_samples": places * 320, "nb_max_frames": places * 2, "padding_side": "right", "padding_value": 0.0,
        "processor_class": "WhisperProcessor", "return_attention_mask": False, "sampling_rate": RATE})
    save_json(folder / "generation_config.json", {
        "alignment_heads": [[decoder - 2, heads - 2], [decoder - 1, 0]], "begin_suppress_tokens": [220, end], "bos_token_id": end,
        "decoder_start_token_id": end + 1, "eos_token_id": end, "is_multilingual": True,
        "lang_to_id": {f"<|{language}|>": number[f"<|{language}|>"] for language in languages},
        "max_initial_timestamp_index": 50, "max_length": config.max_target_positions,
        "no_timestamps_token_id": number["<|notimestamps|>"], "pad_token_id": end,
        "prev_sot_token_id": number["<|startofprev|>"], "return_timestamps": False,
        "suppress_tokens": [*(number[symbol] for symbol in SYMBOLS),
                            *(number[f"<|{word}|>"] for word in ("startoftranscript", "translate", "transcribe", "startoflm",
                                                                 "startofprev", "nospeech"))],
        "task_to_id": {"transcribe": number["<|transcribe|>"], "translate": number["<|translate|>"]}})
    save_json(folder / "vocab.json", dict(itertools.islice(number.items(), texts + 1)))
    save_json(folder / "added_tokens.json", dict(itertools.islice(number.items(), texts + 1, None)))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges))
    state = {name: value for name, value in model.state_dict().items() if name != "proj_out.weight"}  # tied
    save_checkpoint(folder, state, arguments.type, arguments.bin)
    return model


# The stages


class Reference:
    def __init__(self, model, folder):
        self.model = model
        self.generation = transformers.GenerationConfig.from_pretrained(folder)
        self.extractor = transformers.WhisperFeatureExtractor.from_pretrained(folder)
        self.transcribe = self.generation.task_to_id["transcribe"]
        self.start, self.end = self.generation.decoder_start_token_id, self.generation.eos_token_id

    def mel(self, samples, bands):
        """[frames, bands] of a whole window, computed in float64."""
        extractor = transformers.WhisperFeatureExtractor.from_dict(self.extractor.to_dict() | {"feature_size": bands})
        extractor.mel_filters = transformers.WhisperFeatureExtractor(bands).mel_filters
        window = numpy.zeros(extractor.n_samples)
        window[:len(samples)] = samples[:len(window)]
        return numpy.asarray(extractor._np_extract_fbank_features(window[None], "cpu"))[0].T

    def run(self, samples, forced, everything):
        stages = Stages()
        stages.add("samples", samples)
        stages.add("tokens", numpy.asarray(forced))
        bands = self.model.config.num_mel_bins
        stages.add("mel", self.mel(samples, bands))
        other = {80: 128, 128: 80}[bands]
        if everything:
            stages.add(f"mel.{other}", self.mel(samples, other))
        encoder, decoder = self.model.model.encoder, self.model.model.decoder
        gelu = torch.nn.functional.gelu
        hooks = [
            stages.after(encoder.conv1, "encoder.conv1", channels_first=True, then=gelu),
            stages.after(encoder.conv2, "encoder.conv2", channels_first=True, then=gelu),
            stages.before(encoder.layers[0], "encoder.position"),
            *(stages.after(encoder.layers[number - 1], f"encoder.block.{number}")
              for number in blocks_to_show(len(encoder.layers), everything)),
            stages.after(encoder.layer_norm, "encoder.norm"),
            stages.before(decoder.layers[0], "decoder.embedding"),
            *(stages.after(decoder.layers[number - 1], f"decoder.block.{number}")
              for number in blocks_to_show(len(decoder.layers), everything)),
            stages.after(decoder.layer_norm, "decoder.norm"),
        ]
        with torch.no_grad():
            features = torch.from_numpy(stages.values["mel"].T.copy()).double()[None]
            self.heard = self.model.model.encoder(features)
            answer = self.model(encoder_outputs=self.heard, decoder_input_ids=torch.tensor([forced]), output_attentions=True)
        for hook in hooks:
            hook.remove()
        stages.add("logits", answer.logits[0])
        stages.add("alignment", torch.stack([answer.cross_attentions[layer][0, head]
                                             for layer, head in self.generation.alignment_heads]))
        return stages

    def scores(self, tokens, cache=None):
        """Of what follows `tokens`; those that `cache` has seen are left out of them."""
        with torch.no_grad():
            return self.model(encoder_outputs=self.heard, decoder_input_ids=torch.tensor([tokens]), past_key_values=cache,
                              use_cache=cache is not None).logits[:, -1]

    def decode(self, prompt, rules, most):
        """Greedily what follows `prompt`: the tokens, without the end; with the mean of their log probabilities, the end
        counted, and the least distance of the best from the second best."""
        tokens, total, least, ended = list(prompt), 0.0, float("inf"), False
        cache, seen = transformers.EncoderDecoderCache(transformers.DynamicCache(), transformers.DynamicCache()), 0
        while not ended and len(tokens) - len(prompt) < most:
            scores, seen = self.scores(tokens[seen:], cache), len(tokens)
            for rule in rules:
                scores = rule(torch.tensor([tokens]), scores)
            best = scores[0].topk(2).values
            least = min(least, float(best[0] - best[1]))
            tokens.append(int(scores[0].argmax()))
            total += float(torch.log_softmax(scores[0], 0)[tokens[-1]])
            ended = tokens[-1] == self.end
        answer = tokens[len(prompt):len(tokens) - ended]
        return {"prompt": prompt, "tokens": answer, "ended": ended, "margin": round(least, 6),
                "average_log_probability": round(total / (len(answer) + 1), 9)}

    def decodings(self, most):
        """Greedy, with and without timestamps, in the language that is detected. Call run() before."""
        generation = self.generation
        first = torch.softmax(self.scores([self.start]), -1)[0]
        languages = {name: float(first[token]) for name, token in generation.lang_to_id.items()}
        total = sum(languages.values())
        languages = {name: share / total for name, share in sorted(languages.items(), key=lambda item: -item[1])}
        language = next(iter(languages))
        silence = generation.no_timestamps_token_id - 1
        timed = [self.start, generation.lang_to_id[language], self.transcribe]
        plain = [*timed, generation.no_timestamps_token_id]
        most = most or self.model.config.max_target_positions // 2

        def rules(begin):
            return [SuppressTokensAtBeginLogitsProcessor(generation.begin_suppress_tokens, begin),
                    SuppressTokensLogitsProcessor(generation.suppress_tokens)]

        return {"languages": {name: round(share, 7) for name, share in itertools.islice(languages.items(), 5)},
                "no_speech_probability": float(first[silence]),
                "plain": self.decode(plain, rules(len(plain)), most),
                "timed": self.decode(timed, [*rules(len(timed)), WhisperTimeStampLogitsProcessor(generation, len(timed))], most)}

    def forced(self, seed, count):
        """A prompt and `count` seeded tokens of text."""
        random = numpy.random.default_rng([seed, 2])
        return [self.start, self.start + 1, self.transcribe, self.generation.no_timestamps_token_id,
                *random.integers(0, self.end - 1, count).tolist()]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("kind", choices=["make", "stages"])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="fixture")
    parser.add_argument("--mels", type=int, choices=[80, 128])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--wav", type=pathlib.Path)
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--type", choices=TYPES, default="f32")
    parser.add_argument("--bin", action="store_true")
    arguments = parser.parse_args()
    if len(arguments.folders) != 1 + (arguments.kind == "stages"):
        parser.error("which folders?")
    checkpoint, folder = arguments.folders[0], arguments.folders[-1]
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.kind == "make":
        model = make(arguments)
    else:
        model = transformers.WhisperForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).double().eval()
    model.set_attn_implementation("eager")
    small = model.config.max_source_positions < 1500
    samples = (read_recording(arguments.wav) if arguments.wav
               else recording(arguments.seed, arguments.samples or (6_007 if small else 11 * RATE)))
    reference = Reference(model, checkpoint)
    forced = reference.forced(arguments.seed, 12)
    started = time.perf_counter()
    stages = reference.run(samples, forced, everything=small)
    answer = {"forced": forced} | reference.decodings(arguments.tokens)
    print(f"stages: {time.perf_counter() - started:.1f} s")
    stages.save(folder / "stages.safetensors")
    save_json(folder / "expected.json", answer)
    stages.report()
    print(answer)


main()
