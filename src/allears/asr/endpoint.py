"""When a phrase is over: rules to be read, and set.

A rule looks at how long no symbol came, which is how long nothing was said: what was spoken last comes as late as
the last symbol did.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from allears.asr.recogniser import RecogniserError


@dataclass(frozen=True, slots=True)
class Heard:
    """What rules look at. Seconds of the segment so far, of silence at its end, words so far.

    `doubt` is the highest probability, in any frame of that silence, that something was said after all; what is
    longer ago counts less.
    """

    seconds: float
    silence: float
    words: int
    doubt: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Ends a segment of `at_least_s` seconds or more after `silence_s` of silence.

    With `after_words` only one that has words. `doubt` is the highest probability of something said in the
    silence with which it still holds: a low one waits for who is only slow.
    """

    name: str
    silence_s: float
    after_words: bool = True
    at_least_s: float = 0.0
    doubt: float = 1.0

    def __post_init__(self) -> None:
        if not (self.silence_s >= 0 and self.at_least_s >= 0 and 0 <= self.doubt <= 1):
            raise RecogniserError(
                f"rule {self.name!r}: seconds want to be 0 or more, doubt between 0 and 1"
            )
        if not (self.silence_s or self.at_least_s):
            raise RecogniserError(f"rule {self.name!r} would end every segment at once")

    def holds(self, heard: Heard) -> bool:
        """Whether it ends the segment now."""
        return (
            heard.silence >= self.silence_s
            and heard.seconds >= self.at_least_s
            and heard.doubt <= self.doubt
            and (heard.words > 0 or not self.after_words)
        )


RULES = (
    Rule("ended", 0.8, doubt=0.1),
    Rule("pause", 1.4),
    Rule("nothing heard", 5.0, after_words=False),
    Rule("long", 0.3, at_least_s=15.0),
    Rule("longest", 0.0, after_words=False, at_least_s=20.0),
)
"""Of a dictation or a talk; who waits for commands wants shorter silences, who thinks aloud longer ones."""


def ended(rules: Sequence[Rule], heard: Heard) -> Rule | None:
    """The first rule that ends the segment, if one does."""
    return next((rule for rule in rules if rule.holds(heard)), None)
