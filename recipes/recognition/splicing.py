"""More of what few speakers said: their words cut out and joined anew, in other orders, to be trained on.

Every new utterance is of one speaker, out of runs of up to four words that were said on end, cut between words
where PocketSphinx heard them begin and end (Lam et al., "On-the-Fly Aligned Data Augmentation for
Sequence-to-Sequence ASR", Interspeech 2021, replace words in the same way). A recogniser that has heard each
sentence a hundred times knows it by heart; these it has not. Each depends on the seed and its number alone.

    python -m recipes.recognition.splicing --data DATA --corpus an4
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from rich.progress import track

from allears.asr.timing import Spoken
from allears.corpus.sound import RATE, Sound
from recipes.recognition import material
from recipes.recognition.made import write_audio, write_table
from recipes.recognition.material import Corpus
from recipes.sts.material import word_times

RUNS = Path("runs/recognition")
_MOST_WORDS, _LONGEST_RUN = 9, 4
_FADE = RATE // 100
_PAUSES_S = 0.0, 0.12
_MARGIN_S = 0.08
"""Of the quiet before the first word of a recording and after its last, so much goes with the word."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a recording, and from where to where it may be cut, in seconds."""

    recording: int
    text: str
    start: float
    end: float


def main() -> None:
    """Write audio, then `utterances.csv`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--corpus", default="an4", help="whose training speakers' words")
    parser.add_argument("--count", type=int, default=6000, help="utterances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, default=Path("runs/spliced"))
    wish = parser.parse_args()
    sound, _ = material.training(wish.data, [Corpus(wish.corpus, 1.0)], RUNS / "packs")
    speakers = said_by(sound, word_times(sound, RUNS / f"words-{wish.corpus}.json"))
    rows = [
        _utterance(number, wish.seed, sound, speakers, wish.to)
        for number in track(range(wish.count), "splicing")
    ]
    write_table(rows, wish.to)


def said_by(sound: Sound, times: Mapping[int, Sequence[Spoken]]) -> dict[str, list[list[Piece]]]:
    """What each speaker said: their recordings, each as its words."""
    found: dict[str, list[list[Piece]]] = {}
    for index, words in sorted(times.items()):
        edges = _edges(words, float(sound.durations[index]))
        pieces = [
            Piece(index, word.text, start, end)
            for word, (start, end) in zip(words, pairwise(edges), strict=True)
        ]
        found.setdefault(sound.utterances[index].speaker, []).append(pieces)
    return found


def _edges(words: Sequence[Spoken], duration: float) -> list[float]:
    """Where to cut: in the middle between words, a little before the first and after the last."""
    between = [(one.end + other.start) / 2 for one, other in pairwise(words)]
    first, last = words[0].start - _MARGIN_S, words[-1].end + _MARGIN_S
    return [max(0.0, first), *between, min(duration, last)]


def drawn(random: np.random.Generator, recordings: Sequence[list[Piece]]) -> list[list[Piece]]:
    """Runs of words said on end, of any of these recordings, up to some words in all."""
    wanted = int(random.integers(2, _MOST_WORDS + 1))
    runs: list[list[Piece]] = []
    while wanted > 0:
        words = recordings[int(random.integers(len(recordings)))]
        count = min(wanted, len(words), int(random.integers(1, _LONGEST_RUN + 1)))
        begin = int(random.integers(len(words) - count + 1))
        runs.append(words[begin : begin + count])
        wanted -= count
    return runs


def joined(
    random: np.random.Generator, runs: Sequence[Sequence[Piece]], sound: Sound
) -> Float32[np.ndarray, " samples"]:
    """The runs end to end, each equally loud and faded at its ends, with short pauses."""
    parts = []
    for run in runs:
        samples = sound.samples(run[0].recording)
        cut = samples[round(run[0].start * RATE) : round(run[-1].end * RATE)].copy()
        cut *= 0.05 / max(1e-4, float(np.sqrt(np.mean(cut**2))))
        fade = np.linspace(0, 1, min(_FADE, len(cut)), dtype=np.float32)
        cut[: len(fade)] *= fade
        cut[len(cut) - len(fade) :] *= fade[::-1]
        parts += [cut, np.zeros(int(random.uniform(*_PAUSES_S) * RATE), np.float32)]
    return np.concatenate(parts)


def _utterance(
    number: int,
    seed: int,
    sound: Sound,
    speakers: Mapping[str, list[list[Piece]]],
    folder: Path,
) -> dict[str, str]:
    random = np.random.default_rng((seed, number))
    speaker = sorted(speakers)[int(random.integers(len(speakers)))]
    runs = drawn(random, speakers[speaker])
    samples = joined(random, runs, sound)
    path = Path("audio") / f"{number:06d}.flac"
    write_audio(samples, folder / path)
    return {
        "path": str(path), "speaker": speaker, "text": " ".join(each.text for run in runs for each in run),
        "duration_s": f"{len(samples) / RATE:.3f}", "split": "train",
    }  # fmt: skip


if __name__ == "__main__":
    main()
