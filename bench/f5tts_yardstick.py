"""f5tts_yardstick.py NETWORK VOCODER TYPE RUNS FRAMES...: speaks by the f5-tts package; TYPE is f32 or bf16, of the network
alone. NETWORK and VOCODER: folders as tools/reference/ makes them.

Prints what was measured as JSON: medians, in seconds; memory in MB. A step of FRAMES frames is one evaluation with guidance,
two networks' worth, the text embedded before. The sentence: 7 s after a recording of 6 s, in 7 steps, with the vocoder.
"cpu" is the time of all threads together."""

import json
import pathlib
import resource
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools/reference"))

import torch  # noqa: E402

from f5tts_package import ARCHITECTURES, DiT, HOP, RATE, SIZES, utils_infer  # noqa: E402
from stages import recording  # noqa: E402

REFERENCE_TEXT = "Some call me nature, others call me mother nature, and I do not mind what I am called. "
TEXT = "I have been a silent spectator, watching species evolve, and I am mighty and enduring in the end."


def median(function, runs):
    """The seconds that `function` takes, and those of all threads; the first run only warms."""
    times, cpu = [], []
    for _ in range(runs + 1):
        started, used = time.perf_counter(), time.process_time()
        function()
        times.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return statistics.median(times[1:]), statistics.median(cpu[1:])


def load(network, vocoder, kind):
    model = utils_infer.load_model(DiT, SIZES["base"] | ARCHITECTURES["v1"], str(next(network.glob("model_*.safetensors"))),
                                   vocab_file=str(network / "vocab.txt"), device="cpu")
    speaker = utils_infer.load_vocoder("vocos", is_local=True, local_path=str(vocoder), device="cpu")
    return model.to({"f32": torch.float32, "bf16": torch.bfloat16}[kind]).eval(), speaker


def step(model, frames, runs):
    kind = next(model.parameters()).dtype
    random = torch.Generator().manual_seed(frames)
    noise, heard = (torch.randn(1, frames, 100, generator=random).to(kind) for _ in range(2))
    text = torch.randint(1, 2000, (1, frames // 7), generator=random)

    def evaluate():
        with torch.inference_mode():
            model.transformer(x=noise, cond=heard, text=text, time=torch.tensor(0.3, dtype=kind), cfg_infer=True, cache=True)

    seconds, cpu = median(evaluate, runs)
    model.transformer.clear_cache()
    return {"frames": frames, "s": seconds, "cpu_s": cpu}


class Timed:
    """A vocoder whose seconds are counted."""

    def __init__(self, vocoder):
        self.vocoder, self.seconds = vocoder, 0

    def decode(self, mel):
        started = time.perf_counter()
        wave = self.vocoder.decode(mel)
        self.seconds += time.perf_counter() - started
        return wave


def sentence(model, vocoder):
    heard = torch.from_numpy(recording(1, 6 * RATE, RATE))[None]
    timed = Timed(vocoder)
    torch.manual_seed(1)
    started, used = time.perf_counter(), time.process_time()
    wave, _, mel = next(utils_infer.infer_batch_process((heard, RATE), REFERENCE_TEXT, [TEXT], model, timed, progress=None, nfe_step=7,
                                                        fix_duration=13, device="cpu"))
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    return {"frames": heard.shape[-1] // HOP + mel.shape[-1], "audio_s": len(wave) / RATE, "s": seconds, "cpu_s": cpu,
            "vocoder_s": timed.seconds, "real_time_factor": seconds * RATE / len(wave)}


def main(network, vocoder, kind, runs, *frames):
    spoken = sys.stdout
    sys.stdout = sys.stderr  # the package says what it does
    started = time.perf_counter()
    model, speaker = load(pathlib.Path(network), pathlib.Path(vocoder), kind)
    loaded = time.perf_counter() - started
    after_loading = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    steps = [step(model, int(count), int(runs)) for count in frames]
    told = sentence(model, speaker)
    sys.stdout = spoken
    print(json.dumps({"version": f"f5-tts 1.1.22, torch {torch.__version__}", "type": kind, "load_s": loaded, "steps": steps,
                      "sentence": told, "loaded_peak_mb": after_loading,
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main(*sys.argv[1:])
