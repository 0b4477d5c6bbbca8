"""`allears verify --trials`: a list of pairs of recordings is heard, scored and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from allears.cli import voices
from allears.cli.arguments import ArgumentError, check_output
from allears.cli.audit_outputs import saying, tell_left_out
from allears.cli.terminal import waiting
from allears.errors import AllearsError
from allears.outputs import write_whole

if TYPE_CHECKING:
    from allears.fairness.trial_findings import TrialAudit, TrialGrouping
    from allears.fairness.trial_groups import Costs
    from allears.fairness.trial_recordings import Unscored
    from allears.score.bootstrap import Estimate
    from allears.speaker.scoring import Embeddings

MOST = 12
"""Groups of a grouping that a terminal is told of."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where everything goes; `json`: to stdout in place of what a person reads."""

    embeddings: Path | None
    scores: Path | None
    det: Path | None
    json: bool

    def check(self, read: Sequence[Path | None]) -> None:
        """Refuse, before any work is done, what could not be written or is there already as an input."""
        written: list[Path] = []
        for path, ending in ((self.embeddings, ".npz"), (self.scores, ".csv"), (self.det, ".svg")):
            if path is None:
                continue
            if path.suffix.lower() != ending:
                raise ArgumentError(f"{path}: give a name that ends in {ending}")
            check_output(path, [*read, *written])
            written.append(path)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Groups of how many speakers are shown at least, and how often speakers are drawn anew."""

    min_speakers: int = 5
    replicates: int = 1000
    seed: int = 0


def run(
    listed: Path, model: Path | None, outputs: Outputs, by: tuple[str, ...], threshold: float | None,
    statistics: Statistics,
) -> None:  # fmt: skip
    """From a list to everything that is asked for."""
    outputs.check([listed, model])
    # Imported here so that every other command starts without a database.
    from allears.fairness.report import det_picture, verified
    from allears.fairness.trial_audit import TrialWish, audit_listed
    from allears.fairness.trial_groups import costs_by_group, marked
    from allears.fairness.trial_recordings import read

    with saying() as progress:
        progress("reading the trials")
        trials = read(listed, by)
    network = voices.opened(model)
    embeddings = _heard(network, trials, listed, outputs.embeddings)
    scores = network.verifier.scores(embeddings, trials.first, trials.second)
    llr = network.verifier.ratios(scores)
    scored = trials.scored(llr)
    of_speakers = tuple(each for each in by if each not in trials.marks)
    wish = TrialWish(
        by=of_speakers or tuple(trials.labels), threshold=threshold, min_speakers=statistics.min_speakers,
        draws=statistics.replicates, seed=statistics.seed,
    )  # fmt: skip
    with saying() as progress:
        found = audit_listed(scored, wish, str(listed), progress=progress)
        found = marked(found, scored.trials, trials.marks, wish)
        costs = costs_by_group(found, scored.trials, trials.marks, wish)
    if outputs.det:
        write_whole(outputs.det, det_picture.render(found).encode())
    if outputs.scores:
        write_whole(outputs.scores, verified.as_csv(trials, llr).encode())
    if outputs.json:
        print(verified.as_json(found, costs, tuple(trials.marks)))
    else:
        _tell(found, costs)


def _heard(
    network: voices.Network, trials: "Unscored", listed: Path, kept: Path | None
) -> "Embeddings":
    """Embeddings of all recordings; what is not kept from before is heard.

    What was heard is kept also where others are refused in the end: nobody wants to wait for it twice.
    """
    from allears.speaker import embedded, recordings

    size = network.verifier.embedder.size
    before = (
        embedded.read(kept, network.digest, size)
        if kept and kept.exists()
        else embedded.Embedded(network.digest)
    )
    paths = [listed.parent / each for each in trials.recordings]
    rows = trials.first_rows()
    _all_there(listed, paths, rows)
    found, errors, news = [], [], False
    try:
        with waiting("listening") as progress:
            for number, path in enumerate(paths):
                voice = before.find(path)
                if voice is None:
                    try:
                        voice = recordings.hear(network.verifier.embedder, path)
                    except AllearsError as error:
                        errors.append(f"{listed}: row {rows[number]}: {error}")
                        continue
                    before.learn(path, voice)
                    news = True
                found.append(voice.embedding)
                progress((number + 1) / len(paths))
    finally:
        if kept and news:
            write_whole(kept, embedded.serialise(before))
    if errors:
        more = (
            f"; {len(errors) - 1} more recordings cannot be heard either" if len(errors) > 1 else ""
        )
        raise ArgumentError(f"{errors[0]}, or leave such rows out{more}")
    return np.stack(found)


def _all_there(listed: Path, paths: Sequence[Path], rows: np.ndarray) -> None:
    """Raise ArgumentError for recordings that are not there, before hours are spent on the others."""
    missing = [number for number, path in enumerate(paths) if not path.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise ArgumentError(
            f"{listed}: row {rows[missing[0]]}: {paths[missing[0]]} is no file{more}; "
            f"paths are from the folder of {listed.name}: correct them or leave such rows out"
        )


def _tell(found: "TrialAudit", costs: "Mapping[tuple[str, str], Costs]") -> None:
    from allears.fairness.report import figures, trial_sentences

    console = Console(highlight=False, markup=False)
    console.print(f"\n{trial_sentences.headline(found)}", style="bold")
    console.print(trial_sentences.lead(found))
    console.print()
    console.print(_everybody(found))
    for grouping in found.groupings:
        console.print()
        if not grouping.groups:
            console.print(f"{_title(grouping)}: no group has enough speakers to be shown.")
            continue
        console.print(_table(grouping, costs))
        if (rest := len(grouping.groups) - MOST) > 0:
            console.print(f"and {figures.counted(rest, 'more group')}", style="dim")
    tell_left_out(console, found.left_out, report=False)
    for note in found.notes:
        console.print(note, style="dim")


def _everybody(found: "TrialAudit") -> Table:
    table = _columns("All trials")
    table.add_row(
        Text("everybody"), f"{found.speakers}", _rate(found.eer), _number(found.cost), _number(found.cllr),
        _rate(found.false_non_match), _rate(found.false_match),
    )  # fmt: skip
    return table


def _table(grouping: "TrialGrouping", costs: "Mapping[tuple[str, str], Costs]") -> Table:
    table = _columns(_title(grouping))
    for group in grouping.groups[:MOST]:
        part, cost = group.part, costs[grouping.by, group.part.name]
        table.add_row(
            Text(part.name), f"{part.speakers}", _rate(part.eer), _number(cost.detection), _number(cost.cllr),
            _rate(part.false_non_match), _rate(part.false_match),
        )  # fmt: skip
    return table


def _columns(title: str) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column(title, overflow="fold")
    for heading in ("speakers", "EER", "minDCF", "Cllr", "refused", "let in"):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _rate(estimate: "Estimate") -> str:
    """A rate, and its interval below it."""
    from allears.fairness.report import figures

    return _with(figures.rate(estimate.value), figures.rates(estimate), estimate.bounded)


def _number(estimate: "Estimate") -> str:
    from allears.fairness.report import trial_sentences

    number = trial_sentences.number
    return _with(number(estimate.value), trial_sentences.points(estimate), estimate.bounded)


def _with(value: str, span: str, bounded: bool) -> str:
    return f"{value}\n{span.replace(' to ', '–')}" if bounded else value


def _title(grouping: "TrialGrouping") -> str:
    name = grouping.by.replace("*", " × ")
    return f"{name[:1].upper()}{name[1:]}"
