"""What came out, as a page: word errors with intervals, cost, and the paper's ranking beside ours."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch

from allears.asr import checkpoint
from allears.asr.model import Transducer
from allears.asr.tokens import Tokens
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import Course
from allears.corpus.sound import Sound
from allears.nn.macs import macs_per_frame
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate
from recipes.recognition import judge
from recipes.recognition.judge import Heard

PAPER = ("convrnn", "conformer", "contextnet", "lstm")
"""The paper's claim: the first is better than each of the others, at less computation than the second."""
_FRAMES_A_SECOND = 25
_ROUNDS, _CHUNKS = 15, 20


@dataclass(frozen=True, slots=True)
class Row:
    """One encoder: what each seed's model heard in each set, and what it costs."""

    kind: str
    heard: Mapping[str, Sequence[Sequence[Heard]]]
    parameters: int
    macs: float
    seconds: float
    alike: float

    def rate(self, name: str) -> Estimate:
        """Word error rate over all seeds; the speakers are drawn anew, with all their seeds."""
        return judge.word_error_rate([each for seed in self.heard[name] for each in seed])


@dataclass(frozen=True, slots=True)
class Tried:
    """What an encoder's first seed heard at one rate of the speakers that decisions are taken by."""

    kind: str
    rate: float
    errors: Estimate


def tried(courses: Sequence[Course], runs: Path, aside: Sound) -> list[Tried]:
    """Those of the courses that were trained to their end, judged."""
    return [
        Tried(
            each.encoder_kind, each.plan.rate, judge.word_error_rate(_heard(path, "aside", aside))
        )
        for each in courses
        if ended((path := runs / each.name / "model.safetensors").parent, each.plan.steps)
    ]


def best(found: Sequence[Tried]) -> dict[str, float]:
    """Each encoder's rate."""
    order = sorted(found, key=lambda each: each.errors.value, reverse=True)
    return {each.kind: each.rate for each in order}


def write(
    courses: Sequence[Course],
    found: Sequence[Tried],
    runs: Path,
    sets: Mapping[str, Sound],
    path: Path,
) -> None:
    """Judge what is trained to its end and write the page."""
    models: dict[str, list[Path]] = {}
    for course in courses:
        if ended(runs / course.name, course.plan.steps):
            made = models.setdefault(course.encoder_kind, [])
            made.append(runs / course.name / "model.safetensors")
    first = {kind: checkpoint.load(paths[0]) for kind, paths in models.items()}
    seconds = costs({kind: model for kind, (model, _) in first.items()})
    rows = [_row(kind, models[kind], first[kind], seconds[kind], sets) for kind in models]
    if rows:
        write_whole(path, _page(rows, courses, found, sets).encode())


def ended(folder: Path, steps: int) -> bool:
    """Whether a training came to its end."""
    log = folder / "log.jsonl"
    return log.exists() and f'"step": {steps},' in log.read_text()


def _row(
    kind: str,
    models: Sequence[Path],
    first: tuple[Transducer, Tokens],
    seconds: float,
    sets: Mapping[str, Sound],
) -> Row:
    heard = {name: [_heard(path, name, sound) for path in models] for name, sound in sets.items()}
    encoder = first[0].encoder
    parameters = sum(each.numel() for each in encoder.parameters())
    macs = macs_per_frame(encoder) * _FRAMES_A_SECOND / 1e6
    alike = judge.streamed_alike(TorchNetworks(*first), sets["an4"])
    return Row(kind, heard, parameters, macs, seconds, alike)


def _heard(path: Path, name: str, sound: Sound) -> list[Heard]:
    """What a model heard of a set; it is kept."""
    kept = path.with_name(f"heard-{name}.jsonl")
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        judge.keep(judge.hear(TorchNetworks(*checkpoint.load(path)), sound), kept)
    return judge.kept(kept)


@torch.inference_mode()
def costs(models: Mapping[str, Transducer]) -> dict[str, float]:
    """Seconds of one core for a second of audio: encoders, live, eight frames (320 ms) at once.

    The shortest of several rounds, in which they take turns, in time of the process: the machine may be shared.
    """
    torch.set_num_threads(1)
    best = dict.fromkeys(models, np.inf)
    for _ in range(_ROUNDS):
        for kind, model in models.items():
            best[kind] = min(best[kind], _seconds(model) / (_CHUNKS * 0.32))
    return best


def _seconds(model: Transducer) -> float:
    state = model.encoder.initial_state(1)
    mels = torch.randn(1, 8 * model.config.stack, model.config.bands)
    begin = time.process_time()
    for _ in range(_CHUNKS):
        _, state = model.encode(mels, state)
    return time.process_time() - begin


def _page(
    rows: Sequence[Row],
    courses: Sequence[Course],
    found: Sequence[Tried],
    sets: Mapping[str, Sound],
) -> str:
    plan, lesson = courses[0].plan, courses[0].lesson
    head = [
        "encoder",
        "parameters",
        "MMAC/s",
        "s/s",
        "streamed = whole",
        *(f"{name}, WER %" for name in sets),
    ]
    lines = [
        "# Four encoders of equal size, data and budget",
        "",
        f"Written by `python -m recipes.convrnnt.recipe` on {date.today()}, {platform.machine()}, one "
        f"core, torch {torch.__version__}. Seeds: {len(rows[0].heard['an4'])}; each {plan.steps} steps of "
        f"{lesson.seconds:g} s of speech. Greedy search. 95 % intervals in brackets, over speakers.",
        "",
        _line(head), _line(["---"] * len(head)),
    ]  # fmt: skip
    for row in rows:
        figures = [_percent(row.rate(name)) for name in sets]
        cost = [
            f"{row.parameters / 1e6:.2f} M",
            f"{row.macs:.0f}",
            f"{row.seconds:.4f}",
            f"{100 * row.alike:.2f} %",
        ]
        lines.append(_line([row.kind, *cost, *figures]))
    lines += ["", *_rates(found), "", *_seeds(rows, sets), "", *_claim(rows, sets), ""]
    return "\n".join(lines)


def _rates(found: Sequence[Tried]) -> list[str]:
    """What the rates were chosen by."""
    lines = ["Rates, chosen by speakers kept aside from training (first seed, WER %):", ""]
    for kind in dict.fromkeys(each.kind for each in found):
        parts = (f"{each.rate:g}: {_percent(each.errors)}" for each in found if each.kind == kind)
        lines.append(f"- {kind}: " + "; ".join(parts))
    return lines


def _seeds(rows: Sequence[Row], sets: Mapping[str, Sound]) -> list[str]:
    """Each seed alone, without intervals."""
    found = ["Seed by seed, WER %:", ""]
    for row in rows:
        parts = (
            f"{name} " + ", ".join(f"{100 * judge.word_error_rate(h).value:.1f}" for h in row.heard[name])
            for name in sets
        )  # fmt: skip
        found.append(f"- {row.kind}: " + "; ".join(parts))
    return found


def _claim(rows: Sequence[Row], sets: Mapping[str, Sound]) -> list[str]:
    """The paper's ranking, ours on each set, and by how much others differ from the paper's first."""
    found = [
        "The paper (LibriSpeech, 960 hours): ConvRNN-T has fewer word errors than RNN-T (LSTM), Conformer and "
        "ContextNet, at less computation than Conformer. Ours, fewest errors first; in brackets, by how many "
        f"points of WER the others differ from {PAPER[0]}, by the same utterances, 95 % intervals over speakers:",
        "",
    ]
    first = next((row for row in rows if row.kind == PAPER[0]), None)
    for name in sets:
        order = sorted(rows, key=lambda row: row.rate(name).value)
        found.append(f"- {name}: " + " < ".join(_ranked(row, first, name) for row in order))
    found.append(
        "- computation: " + " < ".join(row.kind for row in sorted(rows, key=lambda row: row.macs))
    )
    return found


def _ranked(row: Row, first: Row | None, name: str) -> str:
    if first is None or row is first:
        return row.kind
    seeds = min(len(row.heard[name]), len(first.heard[name]))
    mine, theirs = (
        [each for seed in some.heard[name][:seeds] for each in seed] for some in (row, first)
    )
    points = judge.difference(mine, theirs)
    return f"{row.kind} ({points.value:+.1f}, {points.low:+.1f} to {points.high:+.1f})"


def _percent(rate: Estimate) -> str:
    low, high = 100 * rate.low, 100 * rate.high
    return f"{100 * rate.value:.1f} ({low:.1f}–{high:.1f})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
