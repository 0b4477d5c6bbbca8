"""A conversation as who sits at a terminal sees it: a line for each turn, a colour for each speaker."""

from collections.abc import Iterable
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from allears.parties.events import Event, Kind
from allears.parties.formats import line

COLOURS = (
    "cyan", "yellow", "green", "magenta", "blue", "red",
    "bright_cyan", "bright_yellow", "bright_green", "bright_magenta", "bright_blue", "bright_red",
)  # fmt: skip
"""Those of speakers, in the order in which they are known; with more of them they come again."""
_NOBODY = "default"


class Transcript:
    """Turns that are over, one below the other, and under them those that go on.

    Speakers in `known` have the first colours, so that they have them whoever speaks first.
    """

    def __init__(self, console: Console, known: Iterable[str] = ()) -> None:
        self._console, self._going_on = console, dict[int, Event]()
        self._colours: dict[str, str] = {}
        for name in known:
            self._colour(name)
        self._shown = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "Transcript":
        self._shown.start()
        return self

    def tell(self, event: Event) -> None:
        """What is seen from now on."""
        if event.kind is Kind.PARTIAL:
            self._going_on[event.turn] = event
            self._below()
        elif event.kind is Kind.FINAL:
            self._going_on.pop(event.turn, None)
            self._below()
            if event.words:
                self._console.print(self._styled(event), soft_wrap=True)

    def _below(self) -> None:
        """Turns that go on; whatever is printed comes above them."""
        lines = [self._styled(each, "italic") for each in self._going_on.values()]
        self._shown.update(Group(*lines), refresh=True)

    def _styled(self, event: Event, more: str = "") -> Text:
        return Text(line(event), style=f"{more} {self._colour(event.speaker)}".strip())

    def _colour(self, name: str) -> str:
        """Always the same for the same speaker."""
        if not name:
            return _NOBODY
        return self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._shown.stop()
