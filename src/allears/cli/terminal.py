"""What a person at a terminal sees while they wait: on stderr, and nothing where nobody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


@contextmanager
def waiting(doing: str) -> Iterator[Callable[[float], None]]:
    """A bar that says what is being done; it is told the share that is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = TextColumn("{task.description}"), BarColumn()
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(doing, total=None)
        yield lambda share: bars.update(task, completed=share, total=1.0)
