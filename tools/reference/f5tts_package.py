"""The f5-tts package (arXiv:2410.06885) and the vocoder that it speaks with (arXiv:2306.00814), without what only training
needs: networks of any size, with seeded weights or those of a checkpoint."""

import pathlib
import sys
import types
import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # of torch.jit
sys.modules["f5_tts.model.trainer"] = types.SimpleNamespace(Trainer=None)

import soundfile
import torch
import torchaudio
import yaml
from f5_tts.infer import utils_infer
from f5_tts.model import CFM, DiT
from f5_tts.model import modules as f5_modules
from f5_tts.model.utils import get_tokenizer
from safetensors.torch import load_file
from vocos import Vocos

from stages import fill

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
EMBEDDINGS = r"text_embed\.text_embed\.weight"
VOCODER_SCALES = {r"convnext\.\d+\.gamma": 0.5, r"head\.out\.weight": 0.5}


def load_wave(path):
    """torchaudio.load() of a WAV file, which else wants a decoder of its own: float32 [channels, samples], rate."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(samples.T.copy()), rate


torchaudio.load = load_wave


def network(arch, vocabulary):
    """As utils_infer.load_model() makes it. `vocabulary`: the path of vocab.txt."""
    tokens, count = get_tokenizer(str(vocabulary), "custom")
    transformer = DiT(**arch, qk_norm=None, attn_backend="torch", attn_mask_enabled=False, text_num_embeds=count, mel_dim=100)
    return CFM(transformer=transformer, odeint_kwargs={"method": "euler"}, vocab_char_map=tokens, mel_spec_kwargs=dict(
        n_fft=1024, hop_length=HOP, win_length=1024, n_mel_channels=100, target_sample_rate=RATE, mel_spec_type="vocos"))


def seeded_network(size, architecture, vocabulary, seed, type_name):
    return fill(network(SIZES[size] | ARCHITECTURES[architecture], vocabulary), seed, SCALES, type_name, EMBEDDINGS)


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
