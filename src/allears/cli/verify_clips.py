"""`allears verify` of clips: two of them, or one and a gallery."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allears.cli import voices
from allears.cli.arguments import ArgumentError

if TYPE_CHECKING:
    from allears.speaker.gallery import Match

MOST = 5
"""Voices of a gallery that a person is told of."""


@dataclass(frozen=True, slots=True)
class Decision:
    """When it is decided that it is one speaker: by how likely that is beforehand, or by a ratio.

    Raises ArgumentError for both, and for what is neither.
    """

    prior: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.prior is not None and self.threshold is not None:
            raise ArgumentError("--prior and --threshold both decide: give one of them")
        if self.prior is not None and not 0 < self.prior < 1:
            raise ArgumentError(f"--prior {self.prior:g}: give more than 0 and less than 1")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ArgumentError(f"--threshold {self.threshold}: give a number, such as 0")

    @property
    def given(self) -> bool:
        """Whether anybody asked for it."""
        return self.prior is not None or self.threshold is not None

    def least(self, people: int = 1) -> float:
        """The least natural logarithm of the likelihood ratio.

        The prior is that it is one of so many `people`, each as likely as the other.
        """
        if self.threshold is not None:
            return self.threshold
        prior = 0.5 if self.prior is None else self.prior
        return math.log(people * (1 - prior) / prior)


def same(first: Path, second: Path, model: Path | None, decision: Decision, as_json: bool) -> None:
    """Whether two clips are of one speaker."""
    network = voices.opened(model)
    (one, said), (other, more) = (voices.heard(network, each) for each in (first, second))
    verdict = network.verifier.compare(one.embedding, other.embedding)
    least = decision.least()
    decided = verdict.ratio >= least
    voices.warn(against := said + more)
    if as_json:
        print(json.dumps({
            "first": str(first), "second": str(second), "same": decided, **voices.as_values(verdict),
            "threshold": least, "seconds": [round(one.seconds, 2), round(other.seconds, 2)],
            "warnings": against,
        }, ensure_ascii=False))  # fmt: skip
        return
    print("one speaker" if decided else "two speakers")
    print(
        f"{voices.likelier(verdict.ratio)} "
        f"(log10 {verdict.ratio / math.log(10):.2f}, score {verdict.score:.3f})"
    )
    print(f"decided for one speaker where that is {_times(least)} two")
    for clip, heard in ((first, one), (second, other)):
        print(f"{clip}: {heard.seconds:.1f} s of voice")


def who(
    clip: Path, gallery_file: Path, model: Path | None, decision: Decision, as_json: bool
) -> None:
    """Who of those enrolled it is, or nobody."""
    network = voices.opened(model)
    # Imported here so that every other command starts without networks.
    from allears.speaker import gallery

    enrolled = gallery.read(gallery_file, network.digest, network.verifier.embedder.size)
    heard, against = voices.heard(network, clip)
    matches = enrolled.matches(network.verifier, heard.embedding)
    least = decision.least(len(matches))
    best = matches[0]
    name = best.name if best.verdict.ratio >= least else None
    voices.warn(against)
    if as_json:
        print(json.dumps({
            "clip": str(clip), "name": name, **voices.as_values(best.verdict), "threshold": least,
            "seconds": round(heard.seconds, 2),
            "voices": [{"name": each.name, **voices.as_values(each.verdict)} for each in matches],
            "warnings": against,
        }, ensure_ascii=False))  # fmt: skip
        return
    print(name if name is not None else "nobody who is enrolled")
    for each in matches[:MOST]:
        print(_line(each))
    if (rest := len(matches) - MOST) > 0:
        print(f"and {rest} more, who are less alike")
    print(f"decided for somebody where one speaker is {_times(least)} two")
    print(f"{clip}: {heard.seconds:.1f} s of voice")


def _line(match: "Match") -> str:
    verdict = match.verdict
    return (
        f"{match.name}: {voices.likelier(verdict.ratio)} "
        f"(log10 {verdict.ratio / math.log(10):.2f}, score {verdict.score:.3f})"
    )


def _times(least: float) -> str:
    """A threshold in words, between what is likelier and what it is likelier than."""
    if abs(least) < 1e-9:
        return "at least as likely as"
    if least > 0:
        return f"at least {voices.times(least)} likelier than"
    return f"at most {voices.times(-least)} less likely than"
