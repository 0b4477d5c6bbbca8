"""What a mitigation is asked for, and the folder that remembers it, so that a stopped one goes on."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from allears.corpus.recordings import Utterance
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy.audited import Task
from allears.outputs import OutputError, write_whole

Method = Literal["ewc", "finetune", "oversample", "embedding", "arw"]
METHODS: dict[Task, tuple[Method, ...]] = {
    "asr": ("ewc", "finetune", "oversample", "embedding"),
    "verify": ("arw",),
}
"""By task, the usual one first."""
MODEL, WORK = "model.safetensors", "work"
_WISH = "wish.json"

Show = Callable[[str, float | None], None]
"""Told what is being done, and the share of it that is; without a share what says so itself."""


class Stopped(Exception):  # noqa: N818  no error
    """The clock said stop; the same wish goes on."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything a mitigation is asked for.

    `steps` are of each training, `seconds` of speech in a batch of a recogniser's, `rate` the highest learning
    rate, None what suits the task. Groups of fewer than
    `min_speakers` test speakers are not shown; `replicates` are how often speakers are drawn anew.
    """

    task: Task
    audit: Path
    data: tuple[Path, ...]
    method: Method
    model: Path
    to: Path
    cohort: str | None = None
    census: Path | None = None
    seed: int = 0
    steps: int = 400
    seconds: float = 80.0
    rate: float | None = None
    min_speakers: int = 2
    replicates: int = 1000
    leave_out: bool = False
    device: str = "cpu"

    @property
    def work(self) -> Path:
        """Where everything is that is not an outcome."""
        return self.to / WORK


def teaching(doing: str, done: int, of: int, seconds: float) -> str:
    """What is being taught, and how long all of it still takes, as far as `done` in so many seconds tell."""
    said = f"teaching {done + 1} of {of}: {doing}"
    if not done:
        return said
    minutes = seconds / done * (of - done) / 60
    return f"{said}; about {max(1, round(minutes))} min left"


def begun(wish: Wish, utterances: Sequence[Utterance], cohort: str) -> None:
    """Make the folder this wish's. Raises MitigationError, with nothing written, where it is another's."""
    own = _told(wish, utterances, cohort)
    path = wish.work / _WISH
    if wish.to.exists() and not wish.to.is_dir():
        raise MitigationError(f"--to {wish.to}: is a file; name a folder")
    if path.exists():
        try:
            before = json.loads(path.read_text())
        except ValueError:
            before = {}
        if changed := [name for name in own if before.get(name) != own[name]]:
            raise MitigationError(
                f"--to {wish.to}: holds a mitigation with another {changed[0]}; name another folder, or ask "
                "for the same"
            )
        return
    if (wish.to / MODEL).exists():
        raise MitigationError(
            f"--to {wish.to}: holds a {MODEL} that no mitigation has written; name another folder"
        )
    try:
        wish.work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{wish.to}: cannot be made ({error.strerror})") from None
    write_whole(path, json.dumps(own, indent=1).encode())


def _told(wish: Wish, utterances: Sequence[Utterance], cohort: str) -> dict[str, str]:
    """What must be the same, by the name it has in a message."""
    rows = [
        f"{each.path.absolute()} {each.start} {each.duration} {each.speaker} {each.split} {each.text}"
        f" {sorted(each.attributes.items())}"
        for each in utterances
    ]
    return {
        "task": wish.task,
        "method": wish.method,
        "audit": _digest(wish.audit.read_bytes()),
        "model": _digest(wish.model.read_bytes()),
        "data": _digest("\n".join(rows).encode()),
        "census": _digest(wish.census.read_bytes()) if wish.census else "",
        "cohort": cohort,
        "seed": str(wish.seed),
        "steps": str(wish.steps),
        "seconds": f"{wish.seconds:g}",
        "rate": f"{wish.rate}",
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
