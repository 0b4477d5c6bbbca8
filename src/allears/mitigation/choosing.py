"""Which of several models to keep: the one that serves its worst region best and does nobody at large any harm.

Counts are of development speakers. Rates are compared as fractions, so that a tie is a tie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from allears.mitigation.refusal import MitigationError


class Count(NamedTuple):
    """Errors among so many words."""

    errors: int
    words: int

    @property
    def rate(self) -> Fraction:
        """Errors through words."""
        return Fraction(self.errors, self.words)

    def __str__(self) -> str:
        return f"{100 * float(self.rate):.2f} %"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was tried: how strongly it was held, and what became of everybody and of each region.

    `overall` counts speakers of no region, too.
    """

    strength: float
    overall: Count
    regions: Mapping[str, Count]


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that is taken, None where the old model is kept; `sentence` says which and why."""

    taken: Candidate | None
    sentence: str


def choose(before: Candidate, tried: Sequence[Candidate], *, least_words: int = 1) -> Choice:
    """The candidate whose worst region has the lowest rate of those whose overall rate does not rise.

    A region counts from `least_words` on. Taken is only one whose worst region does better than the old model's
    worst. Of equals it is the one with the lower overall rate, then the one that is held more strongly. Raises
    MitigationError where candidates were not judged by the same words, or no region is large enough.
    """
    for each in tried:
        _alike(before, each)
    if not any(each.words >= max(1, least_words) for each in before.regions.values()):
        raise MitigationError(
            f"no region has {max(1, least_words)} words to be judged by; ask for less"
        )
    where, old = worst(before, least_words)
    allowed = [each for each in tried if each.overall.rate <= before.overall.rate]
    better = [each for each in allowed if worst(each, least_words)[1].rate < old.rate]
    if not better:
        return Choice(None, _kept(before, tried, allowed, where, old))
    taken = min(
        better,
        key=lambda each: (worst(each, least_words)[1].rate, each.overall.rate, -each.strength),
    )
    now, new = worst(taken, least_words)
    return Choice(
        taken,
        f"strength {taken.strength:g}: the worst region goes from {old} ({where}) to {new} ({now}), "
        f"everybody from {before.overall} to {taken.overall}",
    )


def worst(candidate: Candidate, least_words: int = 1) -> tuple[str, Count]:
    """The region of the highest rate that has so many words, of equals the first by name; and its count."""
    large = {
        name: each for name, each in candidate.regions.items() if each.words >= max(1, least_words)
    }
    name = min(large, key=lambda each: (-large[each].rate, each))
    return name, large[name]


def _kept(
    before: Candidate,
    tried: Sequence[Candidate],
    allowed: Sequence[Candidate],
    where: str,
    old: Count,
) -> str:
    """Why nothing is taken."""
    kept = f"none: the old model is kept, {old} in its worst region ({where}), {before.overall} overall"
    if not tried:
        return f"{kept}; nothing was tried"
    if not allowed:
        return f"{kept}; each of {len(tried)} tried raises the overall rate"
    return f"{kept}; of {len(tried)} tried, {len(allowed)} without raising the overall rate, none lowers the worst"


def _alike(before: Candidate, other: Candidate) -> None:
    """Raises MitigationError where both were not judged by the same words."""
    words = [
        {"everybody": each.overall.words}
        | {f"region {name}": count.words for name, count in each.regions.items()}
        for each in (before, other)
    ]
    for name in sorted({*words[0], *words[1]}):
        was, now = (each.get(name, 0) for each in words)
        if was != now or (name == "everybody" and not was):
            raise MitigationError(
                f"strength {other.strength:g}: {name} has {now} words, the old model had {was}; "
                "judge all by the same utterances, of which there must be some"
            )
