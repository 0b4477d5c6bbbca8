"""How conversations are made: who and how many, how long, how much at once, how loud, where."""

from dataclasses import dataclass, field

from allears.corpus.augment import Augmentation
from allears.corpus.mixtures.timing import Timing, shipped


@dataclass(frozen=True, slots=True)
class Conversation:
    """Ranges are (lowest, highest), both of them possible.

    Args:
        speakers: of a conversation; each of them speaks.
        turns: of a conversation; fewer where they would be too long.
        longest: seconds of a conversation at most.
        overlap: the share of the time with speech in which two speak, met by each conversation to a sample or so;
            None leaves it to `timing`.
        timing: gaps, and who is next. With `overlap` its gaps below 0 are none.
        widest: seconds of silence between turns at most.
        edges: seconds of silence before the first turn, and after the last.
        levels_db: of a speaker, relative to others; 0 dB is speech at −26 dB of full scale.
        room: where a speaker sounds from; drawn once for each and conversation, for example
            `Reverberation`. Must not change lengths.
        noise: what is added to all together, for example `Noise`. Must not change lengths.

    Raises ValueError for arguments outside their range.
    """

    speakers: tuple[int, int] = (2, 3)
    turns: tuple[int, int] = (2, 8)
    longest: float = 30.0
    overlap: float | None = None
    timing: Timing = field(default_factory=shipped)
    widest: float = 3.0
    edges: tuple[float, float] = (0.2, 1.0)
    levels_db: tuple[float, float] = (-8.0, 0.0)
    room: Augmentation | None = None
    noise: Augmentation | None = None

    def __post_init__(self) -> None:
        for name in ("speakers", "turns", "edges", "levels_db"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(
                    f"{name} go from their lowest to their highest, not {low} to {high}"
                )
        if self.speakers[0] < 2:
            raise ValueError(f"a conversation has two speakers or more, not {self.speakers[0]}")
        if self.turns[0] < self.speakers[0]:
            raise ValueError("a conversation has no fewer turns than speakers")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise ValueError(f"an overlap is 0 to 1, a share of speech, not {self.overlap}")
        if not (self.longest > 0 and self.widest >= 0 and self.edges[0] >= 0):
            raise ValueError("lengths and silences are no less than 0 s")
