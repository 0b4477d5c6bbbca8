"""`allears audit` of speaker verification: who is refused, and as whom others are let in, more often."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from allears.cli.arguments import ArgumentError
from allears.cli.audit_outputs import Outputs, fail, saying, tell_left_out
from allears.fairness.report import figures

if TYPE_CHECKING:
    from allears.fairness.trial_audit import TrialWish
    from allears.fairness.trial_findings import TrialAudit, TrialGrouping

MOST = 8
"""Groups of a grouping that a terminal is told of; the page has all."""


def meant(results: Sequence[Path], wanted: Mapping[str, object]) -> bool:
    """Whether trials are: by an option that only they have, else by the columns of the first table."""
    from allears.fairness.trial_tables import is_trials

    return any(value is not None for value in wanted.values()) or is_trials(results[0])


def refuse(options: Mapping[str, object]) -> None:
    """Raise ArgumentError for an option given that is of what was said and recognised."""
    for name, value in options.items():
        if value:
            raise ArgumentError(f"--{name} is not for trials of speaker verification; leave it out")


def run(
    results: Sequence[Path], wish: "TrialWish", fail_if: Sequence[str], outputs: Outputs
) -> None:
    """From trial lists to everything that is asked for."""
    # Imported here so that every other command starts without a database.
    from allears.fairness.report import trial_limits, trial_rows, verification
    from allears.fairness.trial_audit import audit_trials

    wanted = [trial_limits.parse(each) for each in fail_if]
    with saying() as progress:
        found = audit_trials(results, wish, progress=progress)
        # What cannot be judged is refused before anything is written.
        broken = [line for limit in wanted for line in limit.broken(found)]
        progress("writing the report")
        outputs.write(
            lambda: verification.render(found),
            lambda: trial_rows.as_json(found),
            lambda: trial_rows.as_csv(found),
        )
    _tell(found, outputs)
    fail([line for limit in wanted for line in limit.unjudged(found)], broken)


def _tell(found: "TrialAudit", outputs: Outputs) -> None:
    from allears.fairness.report import trial_sentences

    if outputs.printed:
        return
    console = Console(highlight=False, markup=False)
    console.print(f"\n{trial_sentences.headline(found)}", style="bold")
    console.print(trial_sentences.lead(found))
    costs = {"minDCF": found.cost, "Cllr": found.cllr, "min Cllr": found.least_cllr}
    said = [f"{name} {trial_sentences.number(each.value)}" for name, each in costs.items()]
    console.print(", ".join(said), style="dim")
    for grouping in found.groupings:
        console.print()
        if not grouping.groups:
            console.print(f"{_title(grouping)}: no group has enough speakers to be shown.")
            continue
        console.print(_table(grouping))
        if (rest := len(grouping.groups) - MOST) > 0:
            console.print(f"and {figures.counted(rest, 'more group')}", style="dim")
    tell_left_out(console, found.left_out, outputs.html is not None)
    for note in found.notes:
        console.print(note, style="dim")
    if outputs.html:
        console.print(f"\nThe report: {outputs.html.resolve().as_uri()}", soft_wrap=True)


def _table(grouping: "TrialGrouping") -> Table:
    from allears.fairness.report.trial_sentences import service

    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column(_title(grouping), overflow="fold")
    for heading in ("refused", "95 %", "let in", "95 %", "EER", "speakers"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("more often", overflow="fold")
    for group in grouping.groups[:MOST]:
        part = group.part
        sure = {"refused": service(group.refused), "let in": service(group.let_in)}
        table.add_row(
            Text(part.name), figures.rate(part.false_non_match.value), figures.rates(part.false_non_match),
            figures.rate(part.false_match.value), figures.rates(part.false_match),
            figures.rate(part.eer.value), figures.whole(part.speakers),
            ", ".join(kind for kind, how in sure.items() if how == "worse"),
        )  # fmt: skip
    for part in grouping.across[:MOST]:
        table.add_row(
            Text(part.name), figures.UNKNOWN, figures.UNKNOWN, figures.rate(part.false_match.value),
            figures.rates(part.false_match), figures.UNKNOWN, figures.whole(part.speakers), "",
        )  # fmt: skip
    return table


def _title(grouping: "TrialGrouping") -> str:
    name = grouping.by.replace("*", " × ")
    return f"{name[:1].upper()}{name[1:]}"
