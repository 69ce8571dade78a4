"""BERT sentence encoders by transformers and sentence-transformers (arXiv:1810.04805, arXiv:1908.10084): a checkpoint
with seeded weights as the hub has it, and every stage of what it makes of texts, to compare src/knowledge/ with.

usage: bert.py make FOLDER [--size fixture|minilm] [--seed N] [--texts FILE] [--type f32|f16|bf16] [--bin]
       bert.py stages CHECKPOINT FOLDER [--texts FILE]

The first makes FOLDER anew: config.json, modules.json, sentence_bert_config.json, 1_Pooling/config.json, vocab.txt,
tokenizer.json, tokenizer_config.json, model.safetensors; stages.safetensors; expected.json. The second reads a
checkpoint, also a real one, and makes only the last two. Sizes: "minilm" is sentence-transformers/all-MiniLM-L6-v2,
with a made-up vocabulary of its size; "fixture" the same in small, for tests/parity. FILE has a text on each line; without
it, those below.

expected.json has of each text what the tokenizer makes of it: the tokens' ids, cut to the longest that the model takes.
Stages, float32, of text N, counted from 0: N.embeddings (of words, places and types, normalised), N.block.M, N.pooled,
N.normalised; of all texts but the first only the last two. Needs torch, transformers 5, tokenizers,
sentence-transformers, safetensors, numpy.
"""

import argparse
import pathlib
import string
import unicodedata

import numpy
import tokenizers
import torch
import transformers

from stages import TYPES, Stages, blocks_to_show, empty_folder, fill, save_checkpoint, save_json

# Each asks the tokenizer something.
TEXTS = [
    "The lighthouse keeper counts the ships, one by one.",
    "ÉCOLE, naïve façade: Ångström's co\u0301te\u0300 — İstanbul, Straße",  # accents, composed and not; letters without one
    "北京 2024年 大好き 東京タワー 한국어 hello世界",  # each ideograph is a word; kana and hangul are not
    "I ❤\ufe0f 🦊🏳\ufe0f\u200d🌈 and 👩🏽\u200d🚀!",  # emoji, variation selectors, joiners, modifiers
    "unbelievableness thelighthousekeeperslighthouse " + "ship" * 30,  # the last word has more than 100 letters
    "Don't... stop?! (really) [x] {y} \"z\" a_b-c/d @e #f $5 €6 %7 ^8 &9 *0 ~` «q» 、。「」 ‘w’",  # punctuation, symbols
    "tab\tnew\u00a0no-break\u3000wide\u200bzero\u00adsoft\u0000nul\u0007bell\u007fdelete\ufffdend\u2028line",  # spaces, controls
    "[CLS] the [MASK] of [SEP] ships [UNK] [PAD] [cls]",  # special tokens in the text
    "THE Σίσυφος ΟΔΟΣ Ёлка ЙОД ДЖЕМ ﬁne ｆｕｌｌ ① Ⅷ",  # capitals elsewhere, ligatures, compatibility forms
    "شكرا جزيلا، كَيْفَ حالُك؟ नमस्ते ไทย עִבְרִית",  # vowel signs are marks, which are taken away
    "",
    "   \n\t ",
    "one ship after another " * 20,  # longer than the model takes
]
WORDS = """the of and to in a is that one ship ships light ##house ##keeper house keeper counts by count ##s ##ing after an ##other
another ##ing un ##believ ##able ##ness ecole naive facade angstrom cote istanbul stra ##ße hello ##llo don stop really x y z tab new no
break wide zero end line nul bell delete soft fine ##fi 北 京 年 大 好 き 東 ##京 タ ##ワ ##ー 2024 202 ##4 ❤ 🦊 한 ##국 ##어 ελ οδ ##ος σ
##ισ ##υ ##φος елка иод дж ##ем ши شكرا ##را ج ##زيلا كيف حال ##ك नमसत ไทย עברית""".split()
OFFICIAL = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
            "max_position_embeddings": 512}
SIZES = {"minilm": (OFFICIAL, 30522, 256),
         "fixture": ({"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 80,
                      "max_position_embeddings": 64}, 300, 48)}


def vocabulary(size):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*string.punctuation, *string.digits, *string.ascii_lowercase]
    more = ["##" + letter for letter in string.ascii_lowercase + string.digits] + [*"、。「」«»‘’—€،؟①"]
    tokens = list(dict.fromkeys([*special, *letters, *more, *(unicodedata.normalize("NFD", word) for word in WORDS)]))
    tokens += [f"[unused{i}]" for i in range(size - len(tokens))]
    assert len(tokens) == size, len(tokens)
    return tokens


def make(arguments):
    shape, tokens, longest = SIZES[arguments.size]
    config = transformers.BertConfig(**shape, vocab_size=tokens, architectures=["BertModel"])
    model = fill(transformers.BertModel(config), arguments.seed,
                 {r"(query|key)\.weight": 1.8, r"attention\.output\.dense\.weight": 0.5,
                  r"position_embeddings": 0.5, r"token_type_embeddings": 0.3}, arguments.type)
    folder = empty_folder(arguments.folders[0])
    save_json(folder / "config.json", config.to_dict() | {"dtype": str(TYPES[arguments.type]).removeprefix("torch.")})
    save_json(folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    save_json(folder / "1_Pooling/config.json", {
        "word_embedding_dimension": shape["hidden_size"], "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False})
    parts = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = ",\n  ".join(f'{{"idx": {i}, "name": "{i}", "path": "{path}", "type": "sentence_transformers.models.{name}"}}'
                           for i, (path, name) in enumerate(parts))
    (folder / "modules.json").write_text(f"[\n  {modules}\n]\n")
    save_json(folder / "tokenizer_config.json", {
        "do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True, "model_max_length": shape["max_position_embeddings"],
        "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
        "tokenizer_class": "BertTokenizer"})
    words = vocabulary(tokens)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = tokenizers.BertWordPieceTokenizer({word: i for i, word in enumerate(words)}, lowercase=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    save_checkpoint(folder, model.state_dict(), arguments.type, arguments.bin)


def run(checkpoint, texts):
    """The stages, and the ids of the tokens of each text."""
    import sentence_transformers
    encoder = sentence_transformers.SentenceTransformer(str(checkpoint), device="cpu")
    encoder.double()
    model = encoder[0].auto_model
    small = model.config.hidden_size < 100
    all_stages, every_id = Stages(), []
    for number, text in enumerate(texts):
        features = encoder.preprocess([text])
        every_id.append(features["input_ids"][0].tolist())
        stages, hooks = Stages(), []
        if number == 0:
            hooks = [stages.after(model.embeddings, f"{number}.embeddings"),
                     *(stages.after(model.encoder.layer[layer - 1], f"{number}.block.{layer}")
                       for layer in blocks_to_show(len(model.encoder.layer), small))]
        with torch.no_grad():
            answer = encoder[1](encoder[0](features))["sentence_embedding"][0]
        for hook in hooks:
            hook.remove()
        stages.add(f"{number}.pooled", answer)
        stages.add(f"{number}.normalised", torch.from_numpy(encoder.encode(text, normalize_embeddings=True)))
        all_stages.values |= stages.values
    return all_stages, every_id


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("kind", choices=["make", "stages"])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="fixture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=pathlib.Path)
    parser.add_argument("--type", choices=TYPES, default="f32")
    parser.add_argument("--bin", action="store_true")
    arguments = parser.parse_args()
    if len(arguments.folders) != 1 + (arguments.kind == "stages"):
        parser.error("which folders?")
    checkpoint, folder = arguments.folders[0], arguments.folders[-1]
    if arguments.kind == "make":
        make(arguments)
    folder.mkdir(parents=True, exist_ok=True)
    texts = arguments.texts.read_text(encoding="utf-8").splitlines() if arguments.texts else TEXTS
    stages, ids = run(checkpoint, texts)
    stages.save(folder / "stages.safetensors")
    save_json(folder / "expected.json", {str(i): {"text": text, "ids": own} for i, (text, own) in enumerate(zip(texts, ids))})
    stages.report()
    vectors = numpy.stack([stages.values[f"{i}.normalised"] for i in range(len(texts))])
    print("cosine of each to the first:", *(f"{cosine:.3f}" for cosine in vectors @ vectors[0]))


main()
