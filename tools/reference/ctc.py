"""Wav2Vec2 and HuBERT with a CTC head, by transformers (arXiv:2006.11477, arXiv:2106.07447): a checkpoint with seeded
weights as the hub has it, and every stage of what it makes of a recording, to compare src/hearing/ with.

usage: ctc.py wav2vec2|hubert FOLDER [--size fixture|large] [--seed N] [--samples N | --wav FILE] [--type f32|f16|bf16]
              [--old-names] [--bin]
       ctc.py stages CHECKPOINT FOLDER [--seed N] [--samples N | --wav FILE]

The first makes FOLDER anew: config.json, preprocessor_config.json, tokenizer_config.json, vocab.json,
model.safetensors; stages.safetensors; expected.json. The second reads a checkpoint, also a real one, and makes only the
last two. Sizes: "large" is facebook/wav2vec2-large-960h and facebook/hubert-large-ls960-ft; "fixture" the same in small,
for tests/parity. --old-names names the weight norm's tensors weight_g and weight_v, as older files do.

Stages, float32: samples; wave (normalised); features.N (after convolution N, its norm and GELU); projection; position
(with the positional convolution added); norm (encoder.layer_norm: wav2vec2-large-960h has it before the blocks,
HuBERT after them); block.N; logits. Needs torch, transformers 5, safetensors, numpy.
"""

import argparse
import pathlib
import time

import numpy
import torch
import transformers

from stages import (RATE, TYPES, Stages, blocks_to_show, empty_folder, fill, margin, read_recording, recording,
                    save_checkpoint, save_json)

VOCABULARY = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
OFFICIAL = {"vocab_size": 32, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
            "intermediate_size": 4096, "conv_dim": [512] * 7, "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
            "conv_stride": [5, 2, 2, 2, 2, 2, 2], "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16}
SIZES = {
    "large": OFFICIAL,
    "fixture": OFFICIAL | {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 80,
                           "conv_dim": [24] * 5, "conv_kernel": [10, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2],
                           "num_feat_extract_layers": 5, "num_conv_pos_embeddings": 16,
                           "num_conv_pos_embedding_groups": 4},
}
KINDS = {
    "wav2vec2": (transformers.Wav2Vec2Config, transformers.Wav2Vec2ForCTC,
                 {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False}),
    "hubert": (transformers.HubertConfig, transformers.HubertForCTC,
               {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True, "feat_proj_layer_norm": True}),
}
SCALES = {r"conv_layers.*conv\.weight": 1.7, r"(q|k)_proj\.weight": 1.8, r"attention\.out_proj\.weight": 0.5,
          r"lm_head\.weight": 3}
# Many blocks average more, so each may do less of it.
SCALES_OF_MANY_BLOCKS = SCALES | {r"(q|k)_proj\.weight": 2.2, r"attention\.out_proj\.weight": 0.3, r"output_dense\.weight": 0.5}
OLD_NAMES = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
LENGTHS = {"fixture": 1733, "large": 11 * RATE}


def make(kind, size, seed, type_name):
    config_type, model_type, own = KINDS[kind]
    config = config_type(**SIZES[size], **own, pad_token_id=0, bos_token_id=1, eos_token_id=2, architectures=[model_type.__name__])
    scales = SCALES if config.num_hidden_layers <= 4 else SCALES_OF_MANY_BLOCKS
    model = fill(model_type(config), seed, scales, type_name)
    with torch.no_grad():  # as in trained networks: many blanks, no <s>, </s>, <unk>
        model.lm_head.bias[:5] = torch.tensor([2.0, -10.0, -10.0, -10.0, 1.0])
    return model


def save(model, kind, folder, arguments):
    config = model.config.to_dict()
    save_json(folder / "config.json", config | {"dtype": str(TYPES[arguments.type]).removeprefix("torch.")})
    save_json(folder / "preprocessor_config.json", {
        "do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "padding_side": "right",
        "padding_value": 0.0, "return_attention_mask": kind == "hubert", "sampling_rate": RATE})
    save_json(folder / "tokenizer_config.json", {
        "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "do_lower_case": False,
        "word_delimiter_token": "|", "tokenizer_class": "Wav2Vec2CTCTokenizer"})
    save_json(folder / "vocab.json", {token: number for number, token in enumerate(VOCABULARY)})
    state = model.state_dict()
    if arguments.old_names:
        for new, old in OLD_NAMES.items():
            state = {name.replace(new, old): value for name, value in state.items()}
    save_checkpoint(folder, state, arguments.type, arguments.bin)


def read(folder):
    kind = transformers.AutoConfig.from_pretrained(folder).model_type
    return KINDS[kind][1].from_pretrained(folder, dtype=torch.float32).double().eval()


def run(model, folder, samples, everything):
    """The stages of `samples`; with `everything` also those that are large."""
    stages = Stages()
    stages.add("samples", samples)
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    values = extractor(samples, sampling_rate=RATE, return_tensors="np").input_values[0]
    stages.add("wave", values)
    base, encoder = model.base_model, model.base_model.encoder
    convolutions = base.feature_extractor.conv_layers
    for number, layer in enumerate(convolutions):
        if everything or number + 1 == len(convolutions):
            stages.after(layer, f"features.{number}", channels_first=True)
    stages.after(base.feature_projection, "projection")
    stages.before(encoder.layers[0] if model.config.do_stable_layer_norm else encoder.layer_norm, "position")
    stages.after(encoder.layer_norm, "norm")
    for number in blocks_to_show(len(encoder.layers), everything):
        stages.after(encoder.layers[number - 1], f"block.{number}")
    with torch.no_grad():
        logits = model(torch.from_numpy(values).double()[None]).logits[0]
    stages.add("logits", logits)
    return stages


def expected(stages, folder):
    """What a greedy decoder must make of the logits."""
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)
    ids = stages.values["logits"].argmax(-1).tolist()
    return {"frames": len(ids), "ids": ids, "text": tokenizer.decode(ids), "margin": margin(stages.values["logits"])}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("kind", choices=[*KINDS, "stages"])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="fixture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--wav", type=pathlib.Path)
    parser.add_argument("--type", choices=TYPES, default="f32")
    parser.add_argument("--old-names", action="store_true")
    parser.add_argument("--bin", action="store_true")
    arguments = parser.parse_args()
    if len(arguments.folders) != 1 + (arguments.kind == "stages"):
        parser.error("which folders?")
    checkpoint, folder = arguments.folders[0], arguments.folders[-1]
    started = time.perf_counter()
    if arguments.kind == "stages":
        folder.mkdir(parents=True, exist_ok=True)
        model, everything = read(checkpoint), False
    else:
        model, everything = make(arguments.kind, arguments.size, arguments.seed, arguments.type), arguments.size == "fixture"
        save(model, arguments.kind, empty_folder(folder), arguments)
    print(f"checkpoint: {time.perf_counter() - started:.1f} s")
    if arguments.wav:
        samples = read_recording(arguments.wav)
    else:
        samples = recording(arguments.seed, arguments.samples or LENGTHS[arguments.size if arguments.kind != "stages" else "large"])
    started = time.perf_counter()
    stages = run(model, checkpoint, samples, everything)
    print(f"stages: {time.perf_counter() - started:.1f} s")
    stages.save(folder / "stages.safetensors")
    answer = expected(stages, checkpoint)
    save_json(folder / "expected.json", answer)
    stages.report()
    print({name: value for name, value in answer.items() if name != "ids"})


main()
