"""Speakers divided: some are learnt from, some are chosen by, and some are heard at the very end alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from allears.corpus.recordings import Utterance
from allears.mitigation.refusal import MitigationError

TRAIN, DEVELOPMENT, TEST = "train", "development", "test"
_BEGINNINGS = {TRAIN: ("train",), DEVELOPMENT: ("dev", "valid"), TEST: ("test", "eval")}
_SHARES = {TEST: 0.3, DEVELOPMENT: 0.2}


@dataclass(frozen=True, slots=True)
class Division:
    """Speakers of each part; nobody is in two. `sentence` says how it came about."""

    train: frozenset[str]
    development: frozenset[str]
    test: frozenset[str]
    sentence: str

    def part(self, utterances: Sequence[Utterance], name: str) -> list[Utterance]:
        """The utterances of one part."""
        return [each for each in utterances if each.speaker in getattr(self, name)]


def divided(utterances: Sequence[Utterance], cohort: Collection[str], seed: int) -> Division:
    """As the splits of the recordings say, where they say it; what they do not is dealt by `seed`.

    Half of the speakers are learnt from, a fifth is chosen by, three tenths are tested; of the cohort, too. Raises
    MitigationError where a speaker is in two splits, or a part has nobody of the cohort or nobody else.
    """
    parts = _by_split(utterances)
    told = [name for name in (DEVELOPMENT, TEST) if parts[name]]
    wanted = [name for name in (DEVELOPMENT, TEST) if not parts[name]]
    for inside in (True, False):
        mine = sorted(each for each in parts[TRAIN] if (each in cohort) == inside)
        dealt = np.random.default_rng([seed, int(inside)]).permutation(mine).tolist()
        for name in wanted:
            share = max(1, round(_SHARES[name] * len(mine)))
            taken = set(dealt[:share])
            dealt = dealt[share:]
            parts[name] |= taken
            parts[TRAIN] -= taken
    for name, speakers in parts.items():
        _both(name, speakers, cohort)
    counts = ", ".join(f"{len(speakers)} {DOING[name]}" for name, speakers in parts.items())
    how = _how(told, wanted, seed)
    train, development, test = (frozenset(parts[each]) for each in (TRAIN, DEVELOPMENT, TEST))
    return Division(train, development, test, f"speakers: {counts} ({how})")


DOING = {TRAIN: "to learn from", DEVELOPMENT: "to choose by", TEST: "to test on"}


def _how(told: Sequence[str], wanted: Sequence[str], seed: int) -> str:
    if not told:
        return f"divided by seed {seed}"
    if not wanted:
        return "as their splits say"
    return f"as their splits say, those {DOING[wanted[0]]} drawn by seed {seed}"


def _by_split(utterances: Sequence[Utterance]) -> dict[str, set[str]]:
    parts: dict[str, set[str]] = {each: set() for each in (TRAIN, DEVELOPMENT, TEST)}
    first: dict[str, tuple[str, str]] = {}
    for each in utterances:
        part = next((name for name, at in _BEGINNINGS.items() if each.split.startswith(at)), None)
        if part is None:
            raise MitigationError(
                f"{each.name}: its split is {each.split!r}; write train, dev or test, or leave the column out"
            )
        before, split = first.setdefault(each.speaker, (part, each.split))
        if before != part:
            raise MitigationError(
                f"{each.name}: speaker {each.speaker!r} is of the split {each.split!r}, but of {split!r} before; "
                "a speaker is learnt from or tested: correct it, or leave the column out"
            )
        parts[part].add(each.speaker)
    return parts


def _both(name: str, speakers: Collection[str], cohort: Collection[str]) -> None:
    inside = sum(each in cohort for each in speakers)
    for count, whom in ((inside, "of the cohort"), (len(speakers) - inside, "else")):
        if not count:
            raise MitigationError(
                f"split: nobody {whom} is among the {len(speakers)} speakers {DOING[name]}; "
                "give more speakers, or leave the column split out"
            )
