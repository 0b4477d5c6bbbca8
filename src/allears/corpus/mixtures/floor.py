"""Who may begin when: never three at once, nobody over themselves, and turns begin one after another."""

APART = 1600
"""Samples from one turn's beginning to the next's at least: 0.1 s, so that their order can be heard."""


class Floor:
    """Turns as they are placed, by start; times are samples. `holder` speaks until `latest`, the end of all.

    Args:
        pause: samples of silence between two turns of one speaker at least.
    """

    def __init__(self, pause: int) -> None:
        self.latest = 0
        self.holder: str | None = None
        self._pause = pause
        self._second = 0
        self._begun = 0
        self._own: dict[str, int] = {}

    def earliest(self, speaker: str) -> int:
        """When `speaker` may begin."""
        if self.holder is None:
            return 0
        own = self._own[speaker] + self._pause if speaker in self._own else 0
        return max(self._second, self._begun + APART, own)

    def take(self, speaker: str, start: int, length: int) -> int:
        """Let `speaker` speak from `start` on, which is no earlier than they may; how much of it is overlap."""
        if start < self.earliest(speaker):
            raise ValueError(f"{speaker} must not begin at {start}")
        end = start + length
        double = max(0, min(end, self.latest) - start)
        if end >= self.latest:
            self._second, self.latest, self.holder = self.latest, end, speaker
        else:
            self._second = max(self._second, end)
        self._begun = start
        self._own[speaker] = end
        return double
