"""The Python packages that a user would run in place of our speech networks and embedder: PyTorch and what stands on it,
in a folder of the cache."""

import json
import os
import pathlib
import subprocess
import sys

from measuring import ROOT, THREADS, say

PACKAGES = ["torch==2.14.1", "transformers==5.12.1", "faster-whisper==1.2.1", "ctranslate2==4.8.5", "sentence-transformers==6.2.0"]


def packages():
    """The folder of the packages, fetched if they are not there (6.2 GB: PyTorch's build for x86-64 brings CUDA, without
    which it does not start). None if they cannot be had."""
    cache = pathlib.Path(os.environ.get("TITANS_CACHE", ROOT / "build"))
    folder = cache / f"torch-2.14.1-py{sys.version_info.major}.{sys.version_info.minor}"
    complete = folder / "complete"
    if not complete.exists() or complete.read_text().split() != PACKAGES:
        say("fetching PyTorch and others: some minutes")
        fetched = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "--upgrade", *PACKAGES],
                                 capture_output=True, text=True)
        if fetched.returncode != 0:
            say(f"PyTorch could not be fetched: {fetched.stderr.strip()[-200:]}")
            return None
        complete.write_text("\n".join(PACKAGES) + "\n")
    return folder


def run(script, *arguments, **environment):
    """What a script of ours prints, run with the packages; None, with a sentence said, if it cannot be."""
    if not (folder := packages()):
        return None
    done = subprocess.run([sys.executable, ROOT / script, *map(str, arguments)], text=True, capture_output=True,
                          env=os.environ | {"PYTHONPATH": str(folder), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(THREADS)} | environment)
    if done.returncode != 0:
        say(f"{script} failed: {done.stderr.strip()[-500:]}")
        return None
    return done.stdout


def ask(script, *arguments, **environment):
    """The JSON that a yardstick prints last; None, with a sentence said, if it cannot be had."""
    printed = run(script, *arguments, **environment)
    return printed and json.loads(printed.splitlines()[-1])
