"""What came out, as a page: word errors against computation saved, in multiply-adds and on the clock."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch

from allears.asr import checkpoint
from allears.asr.encoders.amortised import Amortised
from allears.corpus.sound import Sound
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate, estimate
from recipes.amortised.lessons import UNGATED, Run
from recipes.amortised.measure import Clock, clocks, heard, macs, spread
from recipes.recognition import judge
from recipes.recognition.judge import Heard

SAMPLED = 40
"""Utterances of each set by which multiply-adds are counted."""
_TIMED = 4
DEAREST = 0.03
"""Word errors more than the ungated's, relatively, that a saving may cost."""
DECIDED_BY = "an4"
"""The set of whose training part speakers are kept aside for that."""
THRESHOLDS = (0.0, -1.0, 1.0)
"""The dial of amortised models: as trained, more open, more closed."""

PAPER = (
    "The paper (Transformer-transducer, LibriSpeech): 60 % less computation for 3 % more word errors, relatively; "
    "a sliding window of attention saves 13 % for almost three times that increase."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One model at one threshold; `macs` of its encoder for a frame.

    `aside` is what it heard of the speakers that decisions are taken by.
    """

    name: str
    heard: Mapping[str, Sequence[Heard]]
    aside: Sequence[Heard]
    macs: float
    clock: Clock | None

    def rate(self, name: str) -> Estimate:
        """Word error rate on a set."""
        return judge.word_error_rate(self.heard[name])

    def rise(self, other: "Row", name: str) -> Estimate:
        """Word errors more than another's, through the other's, on the same utterances of a set."""
        return _rise(self.heard[name], other.heard[name])

    def rise_aside(self, other: "Row") -> float:
        """The same on the speakers that decisions are taken by."""
        return _rise(self.aside, other.aside).value


def _rise(mine: Sequence[Heard], theirs: Sequence[Heard]) -> Estimate:
    pairs = list(zip(mine, theirs, strict=True))
    counts = np.array([[one.errors, other.errors] for one, other in pairs], float)
    return estimate(
        [one.speaker for one, _ in pairs], counts, lambda sums: sums[:, 0] / sums[:, 1] - 1
    )


def write(
    runs: Sequence[Run],
    folder: Path,
    sets: Mapping[str, Sound],
    aside: Sound,
    path: Path,
) -> None:
    """Judge what is trained and write the page; nothing where the ungated is not trained.

    Which row saves most at a price that is named beforehand is chosen on `aside`, and told on `sets`.
    """
    models = {
        each.name: folder / each.name / "model.safetensors"
        for each in runs[1:]
        if (folder / each.name / "model.safetensors").exists()
    }
    if UNGATED not in models:
        return
    rows, torch_clock = _rows(models, sets, aside)
    write_whole(path, _page(runs, rows, torch_clock, sets).encode())


def _rows(
    models: Mapping[str, Path], sets: Mapping[str, Sound], aside: Sound
) -> tuple[list[Row], Clock]:
    loaded = {name: checkpoint.load(path)[0] for name, path in models.items()}
    bands = loaded[UNGATED].config.bands
    timed = clocks(loaded, spread(sets, bands, _TIMED))
    sample = spread(sets, bands, SAMPLED)
    rows = []
    for name, model in loaded.items():
        gated = isinstance(model.encoder, Amortised)
        for threshold in THRESHOLDS if gated else THRESHOLDS[:1]:
            if gated:
                model.encoder.threshold = threshold
            rows.append(Row(
                f"{name}, threshold {threshold:g}" if threshold else name,
                heard(models[name], sets, threshold),
                heard(models[name], {"aside": aside}, threshold)["aside"],
                macs(model, sample),
                timed[name] if not threshold else None,
            ))  # fmt: skip
    return rows, timed[f"{UNGATED}, torch"]


def _page(
    runs: Sequence[Run], rows: Sequence[Row], torch_clock: Clock, sets: Mapping[str, Sound]
) -> str:
    first, later = runs[0].course, runs[1].course
    origin = next(row for row in rows if row.name == UNGATED)
    head = ["model", "MMAC/s", "MACs saved", "s/s whole", "saved", "s/s chunks", "saved"]
    head += [part for name in sets for part in (f"{name}, WER %", "rise")]
    lines = [
        "# Computation saved against word errors",
        "",
        f"Written by `python -m recipes.amortised.recipe` on {date.today()}, {_machine()}, one core, torch "
        f"{torch.__version__}. One Transformer was trained for {first.plan.steps} steps of "
        f"{first.lesson.seconds:g} s of speech; from its weights, each model below for {later.plan.steps} more, "
        "the ungated one too. One seed. Greedy search. In brackets 95 % intervals over speakers; *rise* is "
        "relative to the ungated model, on the same utterances.",
        "",
        "Multiply-adds are the encoder's, arbitrators counted, on test recordings, against the ungated encoder's. "
        "s/s is seconds of one core for a second of audio, the encoder alone, one stream: whole utterances, or "
        "chunks of eight frames (320 ms). All rows run the same way; torch takes "
        f"{torch_clock.whole:.5f} and {torch_clock.chunks:.5f} for the ungated.",
        "",
        _line(head), _line(["---"] * len(head)),
        *(_row(row, origin, sets) for row in rows),
        "",
        *_claim(rows, origin, sets),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _row(row: Row, origin: Row, sets: Mapping[str, Sound]) -> str:
    cells = [row.name, f"{row.macs * 25 / 1e6:.1f}", _saved(row.macs, origin.macs)]
    if row.clock and origin.clock:
        for mine, theirs in (
            (row.clock.whole, origin.clock.whole),
            (row.clock.chunks, origin.clock.chunks),
        ):
            cells += [f"{mine:.5f}", _saved(mine, theirs)]
    else:
        cells += [""] * 4
    for name in sets:
        cells += [
            _percent(row.rate(name)),
            "" if row is origin else _percent(row.rise(origin, name)),
        ]
    return _line(cells)


def _claim(rows: Sequence[Row], origin: Row, sets: Mapping[str, Sound]) -> list[str]:
    """The paper's figures, and whether ours reach them."""
    found = [
        PAPER,
        "",
        f"Ours: what saves most while word errors rise by {100 * DEAREST:g} % at most on speakers kept aside from "
        f"{DECIDED_BY}'s training part (value, not interval), and what it costs on the test sets. Sets on which "
        "nearly every word is wrong anyway tell nothing of what a saving costs:",
        "",
    ]
    for kind in ("amortised", "window"):
        within = [
            row for row in rows if row.name.startswith(kind) and row.rise_aside(origin) <= DEAREST
        ]
        best = min(within, key=lambda row: row.macs, default=None)
        if best is None:
            found.append(f"- {kind}: none of them")
            continue
        rises = ", ".join(f"{name} {_percent(best.rise(origin, name))}" for name in sets)
        found.append(
            f"- {kind}: {best.name} saves {_saved(best.macs, origin.macs)}; errors rise on those aside by "
            f"{100 * best.rise_aside(origin):.1f} %, on {rises}"
        )
    return found


def _saved(value: float, of: float) -> str:
    return f"{100 * (1 - value / of):.0f} %"


def _percent(rate: Estimate) -> str:
    if not rate.bounded:
        return f"{100 * rate.value:.1f}"
    low, high = 100 * rate.low, 100 * rate.high
    return f"{100 * rate.value:.1f} ({low:.1f} – {high:.1f})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _machine() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"
