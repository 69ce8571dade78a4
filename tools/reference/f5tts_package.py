"""The f5-tts package (arXiv:2410.06885) and the vocoder that it speaks with (arXiv:2306.00814): networks of any size, with
seeded weights or those of a checkpoint. What it imports but speaking does not need may be missing."""

import importlib.machinery
import pathlib
import sys
import types
import warnings
import wave

import numpy
import torch
import torchaudio
import yaml

warnings.filterwarnings("ignore", category=FutureWarning)  # of torch.jit


def stand_in(name, **content):
    """In place of a module that would only be imported."""
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__dict__.update(content)
    sys.modules[name] = module


stand_in("f5_tts.model.trainer", Trainer=None)
stand_in("matplotlib", use=str)
stand_in("matplotlib.pylab")
stand_in("librosa", __path__=[])
stand_in("librosa.filters", mel=None)
from f5_tts.model import CFM, DiT  # noqa: E402

del sys.modules["librosa"], sys.modules["librosa.filters"]  # transformers looks for it
from f5_tts.infer import utils_infer  # noqa: E402
from f5_tts.model import modules as f5_modules  # noqa: E402
from f5_tts.model.utils import get_tokenizer  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from vocos import Vocos  # noqa: E402

from stages import fill  # noqa: E402

RATE = 24000
HOP = 256
SIZES = {"fixture": dict(dim=128, depth=2, heads=2, ff_mult=2, text_dim=32, conv_layers=2),
         "base": dict(dim=1024, depth=22, heads=16, ff_mult=2, text_dim=512, conv_layers=4)}
VOCODER_SIZES = {"fixture": dict(dim=32, intermediate_dim=96, num_layers=2),
                 "official": dict(dim=512, intermediate_dim=1536, num_layers=8)}
# What F5TTS_v1_Base has, and the older F5TTS_Base.
ARCHITECTURES = {"v1": dict(text_mask_padding=True, pe_attn_head=None), "base": dict(text_mask_padding=False, pe_attn_head=1)}
OFFICIAL_VOCABULARY = pathlib.Path(utils_infer.__file__).parent / "examples/vocab.txt"
# Else the input drowns what the blocks add to it, and attention averages all the places into one.
SCALES = {r"attn_norm\.linear\.weight": 2.5, r"norm_out\.linear\.weight": 1.5,
          r"input_embed\.proj\.weight": 0.15, r"to_(q|k)\.weight": 1.5, r"grn\.gamma": 0.5, r"proj_out\.weight": 2}
# Many blocks average more and add up the errors of rounding, so each may do less of both.
SCALES_OF_MANY_BLOCKS = SCALES | {r"attn_norm\.linear\.weight": 1.5, r"to_out\.0\.weight": 0.5}
EMBEDDINGS = r"text_embed\.text_embed\.weight"
VOCODER_SCALES = {r"convnext\.\d+\.gamma": 0.5, r"head\.out\.weight": 0.5}


def load_wave(path):
    """torchaudio.load() of a WAV file of 16 bit, which else wants a decoder of its own: float32 [channels, samples], rate."""
    with wave.open(str(path)) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return torch.from_numpy(samples.T.astype(numpy.float32) / 32768), file.getframerate()


def save_wave(path, samples, rate):
    """int16 [samples, channels]."""
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


torchaudio.load = load_wave


def network(arch, vocabulary):
    """As utils_infer.load_model() makes it. `vocabulary`: the path of vocab.txt."""
    tokens, count = get_tokenizer(str(vocabulary), "custom")
    transformer = DiT(**arch, qk_norm=None, attn_backend="torch", attn_mask_enabled=False, text_num_embeds=count, mel_dim=100)
    return CFM(transformer=transformer, odeint_kwargs={"method": "euler"}, vocab_char_map=tokens, mel_spec_kwargs=dict(
        n_fft=1024, hop_length=HOP, win_length=1024, n_mel_channels=100, target_sample_rate=RATE, mel_spec_type="vocos"))


def seeded_network(size, architecture, vocabulary, seed, type_name):
    scales = SCALES if SIZES[size]["depth"] <= 4 else SCALES_OF_MANY_BLOCKS
    return fill(network(SIZES[size] | ARCHITECTURES[architecture], vocabulary), seed, scales, type_name, EMBEDDINGS)


def architecture_of(weights):
    """The sizes of a network, from the shapes of its tensors."""
    blocks = {name.split(".")[2] for name in weights if name.startswith("transformer.transformer_blocks.")}
    convolutions = {name.split(".")[3] for name in weights if name.startswith("transformer.text_embed.text_blocks.")}
    inner, dim = weights["transformer.transformer_blocks.0.ff.ff.0.0.weight"].shape
    return dict(dim=dim, depth=len(blocks), heads=dim // 64, ff_mult=inner // dim, conv_layers=len(convolutions),
                text_dim=weights["transformer.text_embed.text_embed.weight"].shape[1])


def read_network(folder, architecture="v1"):
    """The checkpoint in `folder`, which may be a real one, in float64."""
    weights = load_file(next(pathlib.Path(folder).glob("model*.safetensors")))
    weights = {name.removeprefix("ema_model."): value for name, value in weights.items()
               if name.startswith("ema_model.") and ".mel_spec." not in name}
    made = network(architecture_of(weights) | ARCHITECTURES[architecture], pathlib.Path(folder) / "vocab.txt")
    made.load_state_dict(weights)
    return made.double().eval()


def vocoder_config(size, padding):
    """What config.yaml says."""
    return {
        "feature_extractor": {"class_path": "vocos.feature_extractors.MelSpectrogramFeatures", "init_args": {
            "sample_rate": RATE, "n_fft": 1024, "hop_length": HOP, "n_mels": 100, "padding": padding}},
        "backbone": {"class_path": "vocos.models.VocosBackbone", "init_args": {"input_channels": 100} | VOCODER_SIZES[size]},
        "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": {
            "dim": VOCODER_SIZES[size]["dim"], "n_fft": 1024, "hop_length": HOP, "padding": padding}}}


def seeded_vocoder(folder, size, padding, seed, type_name):
    """Writes config.yaml, too."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(vocoder_config(size, padding), sort_keys=False))
    model = Vocos.from_hparams(path)
    fill(model, seed, VOCODER_SCALES, type_name, embeddings=None)
    with torch.no_grad():
        model.head.out.bias[:513] += 1  # as loud as speech; one band at the limit of the magnitudes
        model.head.out.bias[3] += 3.5
        model.head.out.weight[513:] *= 4
    return model


def read_vocoder(folder):
    """The checkpoint in `folder`, which may be a real one, in float64."""
    model = Vocos.from_hparams(pathlib.Path(folder) / "config.yaml")
    weights = torch.load(pathlib.Path(folder) / "pytorch_model.bin", map_location="cpu", weights_only=True)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or any(not name.startswith("feature_extractor.") for name in missing):
        raise SystemExit(f"{folder}: missing {missing}, unexpected {unexpected}")
    return model.double().eval()


def mel(samples):
    """[frames, 100] of float64 samples, by the package."""
    wave = torch.as_tensor(samples).double()[None]
    if not f5_modules.vocos_mel_stft_cache:
        f5_modules.get_vocos_mel_spectrogram(wave.float())
    for spectrogram in f5_modules.vocos_mel_stft_cache.values():
        spectrogram.double()
    return f5_modules.get_vocos_mel_spectrogram(wave)[0].T
