"""One call under one condition, and what came through; results kept as lines of JSON."""

import hashlib
import importlib.util
import json
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from allears import __version__
from allears.audio import libopus
from allears.link import neural
from allears.link.network import RandomNetwork
from allears.link.recovery import Neural
from allears.link.simulate import simulate
from allears.outputs import write_whole
from allears.score.quality import ScoreError, quality
from allears.score.words import recognise, word_errors, words
from allears.weights import store
from allears.wire.loss import NoLoss, TraceLoss
from recipes.dred.conditions import Case
from recipes.dred.material import Clip

SCORES = ("plcmos", "pesq_wb", "stoi")
PACKAGES = ("onnxruntime", "pesq", "pocketsphinx", "pystoi", "speechmos")
NOTHING = "no loss"
"""What stands for a trace where nothing is lost."""


@dataclass(frozen=True, slots=True)
class Task:
    """One clip called under one case, over the losses of `flags` (empty: none) from the trace `trace`."""

    clip: Clip
    case: Case
    trace: str
    flags: tuple[bool, ...]

    @property
    def key(self) -> str:
        """Digest of all that decides the result, but for the code itself."""
        settings = asdict(replace(self.case.condition, title=""))
        about = [settings, self.trace, self.clip.name, self.clip.text, __version__]
        about += [libopus.features().version, _fingerprint(self.case.weights), _packages()]
        digest = hashlib.sha256(json.dumps(about).encode())
        digest.update(self.clip.samples.tobytes())
        digest.update(bytes(self.flags))
        return digest.hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came through. Scores are None where they cannot be had, `missing` says why.

    `words` were said, of which `errors` came wrong; both None where the text is not known. `bits` of
    payload, `deep_bits` of them deep redundancy, in `seconds`; `lost` of `packets`.
    """

    key: str
    case: str
    trace: str
    clip: str
    speaker: str
    scores: dict[str, float | None]
    errors: int | None
    words: int | None
    seconds: float
    bits: float
    deep_bits: float
    packets: int
    lost: int
    missing: tuple[str, ...]

    @classmethod
    def parse(cls, line: str) -> "Measurement":
        """From a line of JSON. Raises ValueError, KeyError or TypeError for any other."""
        about: dict[str, Any] = json.loads(line)
        return replace(cls(**about), missing=tuple(about["missing"]))


def measure(task: Task) -> Measurement:
    """Call and score."""
    condition, said = task.case.condition, task.clip.samples
    bits = deep_bits = 0.0
    packets = lost = 0
    heard = reference = said
    if config := condition.config(task.case.weights):
        loss = TraceLoss(task.flags) if task.flags else NoLoss()
        network = RandomNetwork(loss, random.Random(0))
        call = simulate(said, config, network, neural=_networks(task.case.weights))
        assert call.reference is not None
        heard, reference = call.heard, call.reference
        bits, deep_bits = (
            1000 * rate * call.seconds for rate in (call.payload_kbps, call.redundancy_kbps)
        )
        packets, lost = len(call.sent), sum(sent.lost for sent in call.sent)
    rated = quality(heard, reference, delay=0, dnsmos_too=False)
    errors, count, reasons = _words(task.clip.text, heard)
    return Measurement(
        key=task.key,
        case=task.case.key,
        trace=task.trace,
        clip=task.clip.name,
        speaker=task.clip.speaker,
        scores={name: rated.scores[name] for name in SCORES},
        errors=errors,
        words=count,
        seconds=len(said) / config.rate if config else 0.0,
        bits=bits,
        deep_bits=deep_bits,
        packets=packets,
        lost=lost,
        missing=rated.missing + reasons,
    )


def _words(
    text: str, heard: Float32[np.ndarray, " samples"]
) -> tuple[int | None, int | None, tuple[str, ...]]:
    said = words(text)
    if not said:
        return None, None, ()
    try:
        return word_errors(said, recognise(heard)), len(said), ()
    except ScoreError as error:
        return None, None, (f"words: {error}",)


@cache
def _networks(weights: str) -> Neural | None:
    return neural.load(weights) if weights else None


@cache
def _fingerprint(weights: str) -> str:
    """Of the files of weights."""
    digest = hashlib.sha256()
    for place in sorted(store.KINDS) if weights else ():
        digest.update((store.folder_of(weights) / f"{place}.safetensors").read_bytes())
    return digest.hexdigest()


@cache
def _packages() -> list[str]:
    """What scores can be had here."""
    return [name for name in PACKAGES if importlib.util.find_spec(name)]


def run(tasks: Iterable[Task], jobs: int) -> Iterator[Measurement]:
    """Every task, in any order, on so many cores."""
    if jobs == 1:
        yield from map(measure, tasks)
        return
    # Spawned: what runs networks in threads must not be forked.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, task) for task in tasks]):
            yield done.result()


class Results:
    """Measurements in a file, one a line, so that a run that was stopped goes on where it was.

    Without `resume` what is there is set aside, as `results.before.jsonl`.
    """

    def __init__(self, folder: Path, resume: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "results.jsonl"
        self.known: dict[str, Measurement] = {}
        if self._path.exists() and not resume:
            self._path.replace(folder / "results.before.jsonl")
        if self._path.exists():
            self.known = {each.key: each for each in _lines(self._path)}
            # A line cut short must not swallow the next.
            write_whole(self._path, "".join(map(_line, self.known.values())).encode())

    def add(self, measurement: Measurement) -> None:
        """Keep one, on disk at once."""
        self.known[measurement.key] = measurement
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(measurement))


def _line(measurement: Measurement) -> str:
    return json.dumps(asdict(measurement)) + "\n"


def _lines(path: Path) -> Iterator[Measurement]:
    """Those that were written whole: a run may be stopped in the middle of a line."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Measurement.parse(line)
        except (ValueError, KeyError, TypeError):
            continue
