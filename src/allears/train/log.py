"""What a training says of itself: a bar, a line of JSON now and then, and events for TensorBoard."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Task as Line
from rich.text import Text

from allears.outputs import write_whole

EVERY = 200
"""Steps between lines."""

_FADING = 0.99
SECONDS = "seconds"
"""The figure that says how much audio a step had."""


class Log:
    """Figures of a run in `folder`, faded over a hundred steps: `log.jsonl`, and TensorBoard's events.

    What was written of steps after `step`, where the run goes on, is taken back. Without `told` (in all
    processes but the first) nothing is shown or written.
    """

    def __init__(
        self,
        folder: Path,
        step: int,
        steps: int,
        show: Callable[[str], None],
        told: bool = True,
        console: Console | None = None,
    ) -> None:
        self._path, self._steps, self._show, self._told = folder / "log.jsonl", steps, show, told
        self._figures: dict[str, float] = {}
        self._bar = _bar(console, told)
        self._line = self._bar.add_task("", total=steps, completed=step, figures="", seconds=0.0)
        if told:
            _take_back(self._path, step)
            self._events = _events(folder, step, show)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if self._told and self._events:
            self._events.close()

    def tell(self, step: int, figures: Mapping[str, float]) -> None:
        """What the step that made it `step` steps cost."""
        if not self._told:
            return
        for name, value in figures.items():
            before = self._figures.get(name, value)
            self._figures[name] = _FADING * before + (1 - _FADING) * value
        shown = " ".join(f"{k} {v:.4g}" for k, v in self._figures.items() if k != SECONDS)
        seconds = self._figures.get(SECONDS, 0.0)
        self._bar.update(self._line, completed=step, figures=shown, seconds=seconds)
        if step % EVERY == 0 or step == self._steps:
            self._write(step)
            self._show(f"{step}/{self._steps} {shown}")

    def _write(self, step: int) -> None:
        about = {"step": step, **{name: round(value, 5) for name, value in self._figures.items()}}
        with self._path.open("a") as log:
            log.write(json.dumps(about) + "\n")
        if self._events:
            for name, value in self._figures.items():
                self._events.add_scalar(name, value, step)
            self._events.flush()


class _Throughput(ProgressColumn):
    """Steps a second, and seconds of audio a second where they are known."""

    def render(self, line: Line) -> Text:
        if not line.speed:
            return Text("– steps/s")
        seconds: float = line.fields["seconds"]
        audio = f" {line.speed * seconds:.3g} s/s" if seconds else ""
        return Text(f"{line.speed:.3g} steps/s{audio}")


def _bar(console: Console | None, told: bool) -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        _Throughput(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        transient=True,
        console=console,
        disable=not told,
    )


def _take_back(path: Path, step: int) -> None:
    """Leave the whole lines of the first `step` steps: a killed run may have told more."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except ValueError:
            break
    write_whole(path, "".join(kept).encode())


def _events(folder: Path, step: int, show: Callable[[str], None]) -> Any:
    """A writer for TensorBoard, where that is installed."""
    if importlib.util.find_spec("tensorboard") is None:
        show("figures go to log.jsonl alone: for TensorBoard's too, pip install tensorboard")
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder, purge_step=step + 1)
