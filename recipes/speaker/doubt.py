"""From when on a clip is said to have two speakers in it: clips of one and of two, by development speakers.

python -m recipes.speaker.doubt --data DATA
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from allears.corpus.sound import RATE, Sound
from allears.outputs import write_whole
from allears.speaker.embedder import SHIPPED_FILE, Embedder
from allears.speaker.recordings import DOUBT, least_alike
from allears.speaker.verifier import Verifier
from recipes.speaker import material

HERE = Path(__file__).parent
RUNS = Path("runs/speaker")
SECONDS = 8
"""Of a clip; in one of two speakers the second begins in the middle."""
EACH, SEED = 200, 0
DOUBTS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)

Samples = Float32[np.ndarray, " samples"]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--network", type=Path, default=SHIPPED_FILE)
    parser.add_argument("--runs", type=Path, default=RUNS, help="what is kept between calls")
    parser.add_argument("--to", type=Path, default=HERE / "doubt.md")
    wish = parser.parse_args()
    verifier = Verifier(Embedder(wish.network))
    rows = []
    for name, sound in material.development(wish.data, wish.runs / "packs").items():
        one, two = (ratios(verifier, sound, both) for both in (False, True))
        rows.append(row(name, one, two))
    write_whole(wish.to, page(rows).encode())


def ratios(verifier: Verifier, sound: Sound, both: bool) -> np.ndarray:
    """Of clips of one speaker, or of two one after the other, the ratio of the parts least alike."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.flac"
        for clip in itertools.islice(clips(sound, both), EACH):
            soundfile.write(path, clip, RATE)
            if least := least_alike(verifier, path):
                found.append(least.ratio)
    return np.array(found)


def clips(sound: Sound, both: bool) -> Iterator[Samples]:
    """Without end, of speakers drawn with the seed."""
    random = np.random.default_rng(SEED)
    speakers = sorted({each.speaker for each in sound.utterances})
    while True:
        first, second = random.permutation(speakers)[:2]
        half = SECONDS * RATE // 2
        halves = said(sound, first, random), said(sound, second if both else first, random)
        yield np.concatenate([each[:half] for each in halves])


def said(sound: Sound, speaker: str, random: np.random.Generator) -> Samples:
    """Utterances of one, in an order of the dice."""
    theirs = [at for at, each in enumerate(sound.utterances) if each.speaker == speaker]
    return np.concatenate([sound.samples(int(at)) for at in random.permutation(theirs)])


def row(name: str, one: np.ndarray, two: np.ndarray) -> str:
    """In how many of a hundred clips a warning is given, by the doubt from which it is."""
    shares = (
        f"{100 * (one < -each).mean():.1f} / {100 * (two < -each).mean():.1f}" for each in DOUBTS
    )
    return f"| {name} | {len(one)} / {len(two)} | " + " | ".join(shares) + " |"


def page(rows: list[str]) -> str:
    """The table."""
    heads = " | ".join(f"{each:g} nats" for each in DOUBTS)
    lines = [
        "# When a clip is said to have two speakers in it",
        "",
        f"Written by `python -m recipes.speaker.doubt` on {datetime.now(tz=UTC).date()}. Clips of {SECONDS} s of "
        "development speakers, of one or of two, one after the other. In per cent, how many bring a warning: of "
        f"one speaker / of two, by how much likelier two are. In use: {DOUBT:g} nats.",
        "",
        f"| speakers of | clips | {heads} |",
        "|" + "---|" * (len(DOUBTS) + 2),
        *rows,
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
