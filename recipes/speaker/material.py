"""What is trained on and judged by: corpora by name, some training speakers set aside for every decision.

Test speakers are looked at for a table only. Of each corpus' training speakers with two recordings or more one in
ten, or eight, drawn with a seed, are never trained on: the network is chosen and calibrated by them.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from allears.corpus import recordings, sound
from allears.corpus.recordings import Utterance
from allears.corpus.sound import Sound

CORPORA = ("speechocean762", "librispeech", "an4")
TESTS = ("speechocean762", "librispeech")
_ASIDE, _LEAST, _SEED = 10, 8, 0


def training(data: Path, packs: Path) -> Sound:
    """All speakers that are trained on."""
    found: list[Utterance] = []
    for name in CORPORA:
        every = recordings.chosen([data / name], "train")
        aside = _aside(every)
        found += [each for each in every if each.speaker not in aside]
    return _packed(found, packs / "train")


def development(data: Path, packs: Path) -> dict[str, Sound]:
    """Speakers set aside, by corpus."""
    found = {}
    for name in CORPORA:
        every = recordings.chosen([data / name], "train")
        aside = _aside(every)
        kept = [each for each in every if each.speaker in aside]
        found[name] = _packed(kept, packs / f"development-{name}")
    return found


def tests(data: Path, packs: Path) -> dict[str, Sound]:
    """The official test speakers, by corpus."""
    return {
        name: _packed(recordings.chosen([data / name], "test"), packs / f"test-{name}")
        for name in TESTS
    }


def _aside(utterances: Sequence[Utterance]) -> set[str]:
    """A tenth of a corpus' speakers who can be compared with themselves."""
    often = Counter(each.speaker for each in utterances)
    known = sorted(name for name, count in often.items() if count > 1)
    count = max(_LEAST, round(len(known) / _ASIDE))
    return set(np.random.default_rng(_SEED).permutation(known)[:count].tolist())


def _packed(utterances: Sequence[Utterance], folder: Path) -> Sound:
    sound.build(utterances, folder)
    return sound.load(folder)
