"""How alike two waveforms of the same words and the same noise are: their log-mel spectrograms, as F5-TTS computes them.

usage: log_mel.py WAV WAV...

Compares each of the others with the first; prints, of all frames and bands, the correlation, and the mean and the 99th
percentile of the distances in dB. Waveforms of other lengths are compared as far as the shorter goes, and that is said. What
is more than 80 dB below the loudest band of both counts as just that: silence has no likeness. Needs numpy, and soundfile for
files.
"""

import sys

import numpy

RATE, SIZE, HOP, BANDS, DEPTH = 24000, 1024, 256, 100, 80


def filters():
    """[SIZE / 2 + 1, BANDS]: triangles on the HTK mel scale, of height 1."""
    mels = numpy.linspace(0, 2595 * numpy.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    slopes = edges[None] - numpy.linspace(0, RATE / 2, SIZE // 2 + 1)[:, None]
    widths = numpy.diff(edges)
    return numpy.maximum(0, numpy.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]))


def log_mel(samples):
    """[frames, BANDS], dB."""
    padded = numpy.pad(numpy.asarray(samples, numpy.float64), SIZE // 2, mode="reflect")
    window = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(SIZE) / SIZE)
    frames = numpy.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    return 20 * numpy.log10(numpy.maximum(numpy.abs(numpy.fft.rfft(frames * window)) @ filters(), 1e-5))


def compare(one, other):
    """Of two waveforms at 24 kHz."""
    count = min(len(one), len(other))
    first, second = log_mel(one[:count]), log_mel(other[:count])
    floor = max(first.max(), second.max()) - DEPTH
    first, second = numpy.maximum(first, floor), numpy.maximum(second, floor)
    distance = numpy.abs(first - second)
    return {"correlation": float(numpy.corrcoef(first.ravel(), second.ravel())[0, 1]), "mean_db": float(distance.mean()),
            "p99_db": float(numpy.percentile(distance, 99)), "frames": len(first)}


def read(path):
    import soundfile
    samples, rate = soundfile.read(path, always_2d=True)
    if rate != RATE:
        raise SystemExit(f"{path}: {rate} Hz instead of {RATE}")
    return samples.mean(1)


def main(first, *others):
    wanted = read(first)
    for path in others:
        samples = read(path)
        alike = compare(wanted, samples)
        print(f"{path}: correlation {alike['correlation']:.5f}, distance {alike['mean_db']:.3f} dB, 99 % within {alike['p99_db']:.2f} dB, "
              f"{alike['frames']} frames" + (f"; {len(samples) - len(wanted):+d} samples" if len(samples) != len(wanted) else ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
