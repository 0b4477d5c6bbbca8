"""What came in and what went out: counts that add; rates are derived."""

from collections import Counter
from dataclasses import dataclass, field

from allears.link.frame import Label
from allears.link.source import SequenceLog


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of one receiver.

    `packets` arrived; `lost` by the gaps in their numbers; `late` came after their time;
    `duplicates` came twice; `malformed` could not be read; `ignored` were no audio; `streams` begun;
    `skipped` jumps over media that was too far behind; `frames` given out, by label. Of deep redundancy
    `dred_unknown` was made by a model that is not here, and `dred_malformed` could not be read when it
    was needed; `rewinds` went back over a burst to play it rebuilt.
    """

    packets: int
    lost: int
    late: int
    duplicates: int
    malformed: int
    ignored: int
    streams: int
    skipped: int
    frames: dict[Label, int]
    dred_unknown: int = 0
    dred_malformed: int = 0
    rewinds: int = 0

    @property
    def loss_rate(self) -> float:
        """Share of the packets sent that never arrived."""
        return self.lost / max(1, self.packets + self.lost)

    @property
    def recovered_rate(self) -> float:
        """Share of the frames that did not come by themselves which redundancy brought back."""
        recovered = sum(count for label, count in self.frames.items() if label.recovered)
        guessed = sum(count for label, count in self.frames.items() if label.guessed)
        return recovered / max(1, recovered + guessed)


@dataclass(slots=True)
class Tally:
    """Statistics in the making."""

    packets: int = 0
    late: int = 0
    duplicates: int = 0
    malformed: int = 0
    ignored: int = 0
    streams: int = 0
    skipped: int = 0
    dred_unknown: int = 0
    dred_malformed: int = 0
    rewinds: int = 0
    frames: Counter[Label] = field(default_factory=Counter)
    _lost_before: int = 0
    _log: SequenceLog = field(default_factory=SequenceLog)

    def begin(self) -> None:
        """Count another stream, whose numbers have nothing to do with those before."""
        self._lost_before += self._log.lost
        self._log = SequenceLog()
        self.streams += 1

    def arrived(self, sequence: int) -> bool:
        """Count a packet by its unwrapped number; False where it is a duplicate."""
        if not self._log.add(sequence):
            self.duplicates += 1
            return False
        self.packets += 1
        return True

    def snapshot(self) -> Statistics:
        """The counts as they are now."""
        return Statistics(
            self.packets,
            self._lost_before + self._log.lost,
            self.late,
            self.duplicates,
            self.malformed,
            self.ignored,
            self.streams,
            self.skipped,
            {label: self.frames[label] for label in Label},
            self.dred_unknown,
            self.dred_malformed,
            self.rewinds,
        )
