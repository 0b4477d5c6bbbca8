"""What is trained on and judged by: corpora by name, some training speakers set aside for every decision.

A test split is looked at for a table only. Development speakers come from the training splits: one in twelve of
a corpus, in the order of their names, is never trained on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allears.corpus import manifest, recordings, sound
from allears.corpus.recordings import CorpusError, Utterance
from allears.corpus.sound import Sound
from allears.corpus.text import normalise

_ASIDE = 12


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of the data's, or one elsewhere; `share` is how often its training utterances are drawn.

    What is `made`, by synthesisers or out of what training speakers said, is trained on whole.
    """

    name: str
    share: float
    made: bool = False


LAPTOP = (Corpus("an4", 5.0), Corpus("speechocean762", 1.0), Corpus("librispeech", 1.0))
"""Some seven hours."""
SPLICED = Path("runs/spliced")
"""Where `recipes.recognition.splicing` writes, of AN4's speakers, some seven hours more."""
SYNTHETIC = Path("runs/synthetic")
"""Where `recipes.recognition.synthesis` writes."""


def training(data: Path, corpora: Sequence[Corpus], packs: Path) -> tuple[Sound, list[float]]:
    """All that is trained on, and the share of each."""
    utterances: list[Utterance] = []
    shares: list[float] = []
    for corpus in corpora:
        aside = set() if corpus.made else _aside(data / corpus.name)
        found = recordings.chosen([data / corpus.name], "train")
        kept = [each for each in found if each.speaker not in aside and _sayable(each)]
        utterances += kept
        shares += [corpus.share] * len(kept)
    name = "-".join(["train", *(Path(corpus.name).name for corpus in corpora)])
    return _packed(utterances, packs / name), shares


def laptop(data: Path, packs: Path) -> tuple[Sound, list[float]]:
    """What recipes that compare encoders train on: the laptop's corpora and what was spliced of them.

    Raises CorpusError where nothing was spliced yet.
    """
    return training(data, (*LAPTOP, spliced(data, 0.5)), packs)


def spliced(data: Path, share: float) -> Corpus:
    """What was spliced. Raises CorpusError where nothing was yet."""
    return _made(SPLICED, f"python -m recipes.recognition.splicing --data {data}", share)


def synthetic(share: float) -> Corpus:
    """What synthesisers said. Raises CorpusError where there is nothing yet."""
    return _made(SYNTHETIC, "python -m recipes.recognition.synthesis", share)


def _made(folder: Path, command: str, share: float) -> Corpus:
    if not (folder / "utterances.csv").exists():
        raise CorpusError(f"{folder}: no {folder.name} speech; first: {command}")
    return Corpus(str(folder.resolve()), share, made=True)


def development(data: Path, corpora: Sequence[Corpus], packs: Path) -> dict[str, Sound]:
    """What decisions are taken by, for each corpus."""
    found = {}
    for corpus in corpora:
        aside = _aside(data / corpus.name)
        every = recordings.chosen([data / corpus.name], "train")
        kept = [each for each in every if each.speaker in aside and _sayable(each)]
        found[corpus.name] = _packed(kept, packs / f"development-{corpus.name}")
    return found


def tests(data: Path, packs: Path) -> dict[str, Sound]:
    """What tables are made of."""
    found = {}
    for name in ("an4", "speechocean762", "librispeech", "alphanumeric"):
        rows = recordings.read(data / name)
        if name == "alphanumeric":
            # Addresses are read in several ways, and nobody wrote down which.
            kept = [each for each in rows if not any(map(str.isdigit, each.text))]
        else:
            kept = [each for each in rows if each.split == "test"]
        found[name] = _packed([each for each in kept if _sayable(each)], packs / f"test-{name}")
    return found


def some(sound: Sound, each: int) -> Sound:
    """The first `each` utterances of every speaker, where all are more than is needed."""
    counts: dict[str, int] = {}
    chosen = []
    for number, utterance in enumerate(sound.utterances):
        counts[utterance.speaker] = counts.get(utterance.speaker, 0) + 1
        if counts[utterance.speaker] <= each:
            chosen.append(number)
    parts = [sound.data[sound.bounds[one] : sound.bounds[one + 1]] for one in chosen]
    bounds = np.cumsum([0, *map(len, parts)])
    return Sound(np.concatenate(parts), bounds, tuple(sound.utterances[one] for one in chosen))


def joined(sounds: Iterable[Sound]) -> Sound:
    """All of them, one after the other."""
    each = list(sounds)
    lengths = np.concatenate([np.diff(sound.bounds) for sound in each])
    data = np.concatenate([sound.data[sound.bounds[0] : sound.bounds[-1]] for sound in each])
    utterances = tuple(said for sound in each for said in sound.utterances)
    return Sound(data, np.concatenate(([0], np.cumsum(lengths))), utterances)


def librispeech(folder: Path, packs: Path) -> tuple[Sound, list[float]]:
    """The training parts of a LibriSpeech folder, all alike."""
    found = [each for each in manifest.read(folder) if each.split.startswith("train")]
    return _packed(found, packs / "train-full"), [1.0] * len(found)


def _aside(folder: Path) -> set[str]:
    """Speakers for development."""
    found = sorted({each.speaker for each in recordings.chosen([folder], "train")})
    return set(found[_ASIDE // 2 :: _ASIDE])


def _sayable(utterance: Utterance) -> bool:
    return bool(normalise(utterance.text))


def _packed(utterances: Sequence[Utterance], folder: Path) -> Sound:
    sound.build(utterances, folder)
    return sound.load(folder)
