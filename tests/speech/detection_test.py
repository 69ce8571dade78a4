"""Speech found in recordings: real sentences between silence and noise, put where it is known; fails beyond the bounds
below. Prints what it measured.

usage: detection_test.py SPEECH_CHECK        exit status 77: skipped, no models or no recordings here"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

import numpy

import word_errors

MODELS = pathlib.Path(os.environ.get("MODELS_DIR") or "models")
WHISPER = MODELS / "whisper-base/whisper-base.gguf"
SILERO = MODELS / "silero-vad/silero-vad.gguf"
RECORDINGS = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
# Of the last recording, by the ONNX file of the package: tools/reference/silero_vad.py probabilities
REFERENCE = pathlib.Path(__file__).with_name("silero_probabilities.txt")
RATE = 16000

PARITY = 1e-3
BOUNDARY = 0.100  # seconds
BOUNDARY_BY_ENERGY = 0.150  # which takes a soft last consonant for silence
SHARE_OF_A_CORE = 0.01
PAUSE = 2.5  # seconds between sentences, more than the 2 s that end an utterance
# The noise is all through the recording, so much quieter than the sentences' mean power.
NOISES = {"silence": None, "white noise, 20 dB": ("white", 20), "pink noise, 10 dB": ("pink", 10)}


def run(program, *arguments):
    output = subprocess.run([program, *map(str, arguments)], check=True, text=True, stdout=subprocess.PIPE,
                            env=os.environ | {"OMP_WAIT_POLICY": "passive"}).stdout
    return [line.split("\t") for line in output.splitlines()]


def read(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def write(path, samples):
    assert numpy.abs(samples).max() < 1
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())


def trim(samples):
    """From the first to the last 50 ms of which every 10 ms are less than 20 dB below the loudest: what is said, by its
    energy. The rooms of these recordings are 25 to 35 dB below their loudest."""
    hop = RATE // 100
    frames = samples[:len(samples) // hop * hop].reshape(-1, hop)
    power = (frames**2).mean(1)
    loud = numpy.flatnonzero(numpy.convolve(power > power.max() / 100, numpy.ones(5), "valid") == 5)
    return samples[loud[0] * hop:(loud[-1] + 5) * hop]


def noise(kind, count):
    random = numpy.random.default_rng(11)
    spectrum = numpy.fft.rfft(random.standard_normal(count))
    if kind == "pink":
        spectrum /= numpy.sqrt(numpy.maximum(numpy.arange(len(spectrum)), 1))
    samples = numpy.fft.irfft(spectrum, count)
    return samples / samples.std()


def between(sentences, surroundings):
    """A recording of the sentences, and where each begins and ends in it, in samples."""
    pause = numpy.zeros(int(PAUSE * RATE))
    parts, places, position = [pause], [], len(pause)
    for sentence in sentences:
        places.append((position, position + len(sentence)))
        parts += [sentence, pause]
        position += len(sentence) + len(pause)
    recording = numpy.concatenate(parts)
    if surroundings:
        kind, below = surroundings
        power = numpy.mean(numpy.concatenate(sentences)**2)
        recording = recording + noise(kind, len(recording)) * numpy.sqrt(power / 10**(below / 10))
    return recording / max(1, numpy.abs(recording).max() * 1.01), places


def segments(program, detector, path, longest=30):
    (ms, *fields), = run(program, "segment", detector, longest, path)
    return float(ms), [tuple(map(int, field.split())) for field in fields]


def same_as_the_reference(program, paths):
    said = [float(line) for line in REFERENCE.read_text().split()]
    ours = [float(line[0]) for line in run(program, "probabilities", SILERO, paths[-1])]
    assert len(said) == len(ours)
    worst = max(abs(a - b) for a, b in zip(said, ours))
    print(f"probabilities of {len(said)} steps: at most {worst:.1e} from the ONNX file's (bound {PARITY:.0e})")
    return worst <= PARITY


def boundaries(program, detector, sentences, folder, surroundings):
    recording, places = between(sentences, NOISES[surroundings])
    write(folder / "between.wav", recording)
    ms, found = segments(program, detector, folder / "between.wav")
    name = "energy" if detector == "-" else "silero"
    if len(found) != len(places):
        print(f"{name}, {surroundings}: {len(found)} utterances instead of {len(places)}")
        return False
    begins = [(one[0] - place[0]) / RATE for one, place in zip(found, places)]
    ends = [(one[1] - place[1]) / RATE for one, place in zip(found, places)]
    covered = all(one[2] <= place[0] and place[1] <= one[3] for one, place in zip(found, places))
    share = ms / 1000 / (len(recording) / RATE)
    print(f"{name}, {surroundings}: begins {min(begins):+.3f} to {max(begins):+.3f} s, ends {min(ends):+.3f} to "
          f"{max(ends):+.3f} s from where they are; {'all' if covered else 'NOT ALL'} of each in its utterance; "
          f"{100 * share:.2f} % of a core, {1 / share:.0f} times as fast as it is spoken")
    bound = BOUNDARY_BY_ENERGY if detector == "-" else BOUNDARY
    return covered and share <= SHARE_OF_A_CORE and max(map(abs, begins + ends)) <= bound


def words_stay_whole(program, paths, folder):
    """What is heard in the utterances of one long recording is what is heard in each sentence. The pieces of a speech
    without pauses, longer than the longest utterance, are all of it, and end between words."""
    sentences = [read(path) for path in paths]
    heard = word_errors.words(" ".join(line[2] for line in run(program, "recognize", WHISPER, 2, "en", *paths)))
    good = True

    def compare(name, samples, longest, bound):
        nonlocal good
        write(folder / "words.wav", samples)
        (_, _, text), = run(program, "hear", WHISPER, 2, "en", SILERO, longest, folder / "words.wav")
        wrong = word_errors.count(heard, word_errors.words(text))
        print(f"heard in {name}: {wrong} of {len(heard)} words another than in the sentences alone (bound {bound})")
        if wrong:
            print(f"    {text}")
        good = good and wrong <= bound

    compare("silence", between(sentences, None)[0], 30, 1)
    compare("white noise, 20 dB", between(sentences, NOISES["white noise, 20 dB"])[0], 30, 3)
    speech = numpy.concatenate(sentences)
    compare("one speech, split", speech, 8, 3)
    _, found = segments(program, SILERO, folder / "words.wav", longest=8)
    print("    in pieces of " + ", ".join(f"{(one[3] - one[2]) / RATE:.1f}" for one in found) + " s")
    split = [one[4] for one in found]
    return good and split == [1] * (len(found) - 1) + [0] and len(found) >= len(speech) / RATE / 8


def main():
    program, = sys.argv[1:]
    for needed in (WHISPER, SILERO, RECORDINGS):
        if not needed.exists():
            print(f"SKIPPED: {needed} is not here")
            sys.exit(77)
    names = re.findall(r"\((.*)\)", (RECORDINGS / "transcription").read_text())
    paths = sorted(RECORDINGS / f"{name}.wav" for name in names)
    sentences = [trim(read(path)) for path in paths]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        results = [same_as_the_reference(program, paths)]
        results += [boundaries(program, SILERO, sentences, folder, surroundings) for surroundings in NOISES]
        results.append(boundaries(program, "-", sentences, folder, "silence"))
        results.append(words_stay_whole(program, paths, folder))
    sys.exit(0 if all(results) else 1)


main()
