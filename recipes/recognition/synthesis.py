"""Made-up speech to train on, never to test on: free synthesisers say drawn words in many voices.

espeak-ng and flite are used, whichever are installed. Every utterance depends on the seed and its number alone.

    python -m recipes.recognition.synthesis --count 6000 --to runs/synthetic --texts CORPUS
"""

# ruff: noqa: SIM905

import argparse
import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from rich.progress import track

from allears.audio import resample
from allears.corpus import recordings
from recipes.recognition.made import write_audio, write_table
from recipes.recognition.sentences import drawn

_ACCENTS = "en-us en-us en-us-nyc en-gb en-gb-scotland en-gb-x-rp en-gb-x-gbcwmd en-029".split()
_VARIANTS = "m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5".split()
_FLITE = ["kal16", "awb", "rms", "slt"]


def main() -> None:
    """Write audio and `utterances.csv`; what is there already is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6000, help="utterances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, default=Path("runs/synthetic"))
    parser.add_argument(
        "--texts",
        type=Path,
        action="append",
        default=[],
        help="a folder whose training texts are said too, a few words at a time, in a third of all",
    )
    wish = parser.parse_args()
    synthesisers = [name for name in ("espeak-ng", "flite") if shutil.which(name)]
    if not synthesisers:
        parser.error("neither espeak-ng nor flite is installed: apt install espeak-ng flite")
    texts = [each.text for each in recordings.chosen(wish.texts, "train")] if wish.texts else []
    rows = [
        _utterance(number, wish.seed, synthesisers, texts, wish.to)
        for number in track(range(wish.count), "speaking")
    ]
    write_table(rows, wish.to)


def _utterance(
    number: int, seed: int, synthesisers: Sequence[str], texts: Sequence[str], folder: Path
) -> dict[str, str]:
    draw = np.random.default_rng((seed, number))
    if texts and draw.random() < 1 / 3:
        text = said = _part(draw, texts)
    else:
        text = drawn(draw)
        said = _spelt(text, "." if draw.random() < 0.5 else "")
    voice, call = _voice(draw, synthesisers, said)
    path = Path("audio") / f"{number:06d}.flac"
    if not (folder / path).exists():
        found = subprocess.run(call, capture_output=True, check=True).stdout
        samples, rate = soundfile.read(io.BytesIO(_lengthened(found)), dtype="float32")
        samples = resample.resample(samples, rate, 16_000)
        samples *= 0.1 / max(1e-4, float(np.sqrt(np.mean(samples**2))))
        write_audio(samples, folder / path)
    seconds = soundfile.info(folder / path).duration
    return {
        "path": str(path), "speaker": f"synthetic_{voice}", "text": text,
        "duration_s": f"{seconds:.3f}", "split": "train",
    }  # fmt: skip


def _voice(
    draw: np.random.Generator, synthesisers: Sequence[str], text: str
) -> tuple[str, list[str]]:
    """A voice's name, and the call that makes it say the text to standard output."""
    chosen = synthesisers[int(draw.integers(len(synthesisers)))]
    if chosen == "flite":
        voice, pace = _FLITE[int(draw.integers(len(_FLITE)))], draw.uniform(0.75, 1.2)
        return voice, [
            "flite", "-voice", voice, "--setf", f"duration_stretch={pace:.2f}", "-t", text,
            "-o", "/dev/stdout",
        ]  # fmt: skip
    accent = _ACCENTS[int(draw.integers(len(_ACCENTS)))]
    variant = _VARIANTS[int(draw.integers(len(_VARIANTS)))]
    pace, pitch = int(draw.integers(120, 220)), int(draw.integers(30, 70))
    return f"{accent}+{variant}", [
        "espeak-ng", "-v", f"{accent}+{variant}", "-s", str(pace), "-p", str(pitch), "--stdout", text,
    ]  # fmt: skip


def _part(draw: np.random.Generator, texts: Sequence[str]) -> str:
    """A few words on end, of one of the texts."""
    words = texts[int(draw.integers(len(texts)))].split()
    count = int(draw.integers(2, 9))
    begin = int(draw.integers(max(1, len(words) - count + 1)))
    return " ".join(words[begin : begin + count])


def _spelt(text: str, after: str) -> str:
    """Letters as their names: an article is not what "a" is among letters."""
    return " ".join(word.upper() + after if len(word) == 1 else word for word in text.split())


def _lengthened(wave: bytes) -> bytes:
    """A WAV file that was written to a pipe says nothing of its length, or too much."""
    at = wave.find(b"data") + 4
    return wave[:at] + (len(wave) - at - 4).to_bytes(4, "little") + wave[at + 4 :]


if __name__ == "__main__":
    main()
