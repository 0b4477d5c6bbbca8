"""Audits of simulated speakers, with nothing planted and with cohorts of three sizes, and a page of what came
out.
"""

import argparse
import datetime
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from allears import __version__
from allears.outputs import write_whole
from recipes.audit_simulation.simulate import Tally, nothing_planted, paired, planted

SHARES = (0.008, 0.02, 0.1)
PAGE = Path(__file__).parent / "table.md"
INTERVALS = (
    "rate, few speakers", "rate, some speakers", "rate, many speakers", "gap, named groups", "gap, regions",
    "rate of the cohort", "ratio, robust", "ratio, mixed Poisson", "difference of two systems",
)  # fmt: skip


def simulated(audits: int, people: int, seed: int) -> dict[str, Tally]:
    """By what was planted. Cohorts are planted in a quarter as many audits as have none."""
    some = range(seed, seed + max(1, audits // 4))
    found = {"nothing": nothing_planted(range(seed, seed + audits), people)}
    for share in SHARES:
        found[f"{share:.1%}"] = planted(some, people, share)
    found["two systems"] = paired(some, people)
    return found


def page(found: dict[str, Tally], audits: int, people: int, seed: int) -> str:
    """The page, in Markdown."""
    when = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    machine = f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    about = (
        f"{when}, allears {__version__}, seeds from {seed}, {audits} audits of {people:,} speakers; "
        f"{machine}."
    )
    nothing = found["nothing"]
    parts = [
        "# Audits of simulated speakers",
        about,
        "## Nothing planted",
        "| called significant | audits | share |\n|---|---|---|",
    ]
    rows = [
        f"| {what} | {nothing.held[what]} of {nothing.of[what]} | {nothing.share(what):.1%} |"
        for what in nothing.of if what.endswith("significant")
    ]  # fmt: skip
    parts[-1] += "\n" + "\n".join(rows)
    parts += [
        "At most 5 % are to call anything significant.",
        "## Cohorts of +40 % word errors, found",
    ]
    head = "| part of the speakers | by accent | by region | either |\n|---|---|---|---|\n"
    parts.append(head + "\n".join(_planted(each, found[f"{each:.1%}"]) for each in SHARES))
    parts += [
        "## 95 % intervals that hold the truth",
        _intervals(found),
        "They are to hold 93 to 97 %. The gap of named groups lies between whichever two turn out furthest apart; "
        "its interval is\nwide enough for any two, and so holds more often.",
    ]
    return "\n\n".join(parts) + "\n"


def _planted(share: float, tally: Tally) -> str:
    return f"| {share:.1%} | " + " | ".join(
        f"{tally.share(what):.0%} of {tally.of[what]}" for what in ("by accent", "by region", "either")
    ) + " |"  # fmt: skip


def _intervals(found: dict[str, Tally]) -> str:
    rows = ["| interval | held | of |", "|---|---|---|"]
    for what in INTERVALS:
        held, of = (
            sum(each[what] for each in column)
            for column in zip(*((t.held, t.of) for t in found.values()), strict=True)
        )
        if of:
            rows.append(f"| {what} | {held / of:.1%} | {of} |")
    return "\n".join(rows)


def main(command: Sequence[str] | None = None) -> None:
    """Simulate, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=400)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args(sys.argv[1:] if command is None else command)
    found = simulated(asked.audits, asked.people, asked.seed)
    write_whole(asked.page, page(found, asked.audits, asked.people, asked.seed).encode())
    print(asked.page)


if __name__ == "__main__":
    main()
