"""Millions of rows audited: seconds and the most memory, beside polars on the same file.

Rows of errors and words with a speaker, two attributes, a place and an utterance id, out of a fixed seed, in
one Parquet file. Ours is the whole audit; and of it reading, checking, looking for repeated utterances and summing
by speaker, labels and place, which is what there is a rival for. Polars only groups and sums by the same columns;
it is also measured looking for repeated ids. Each runs in a process of its own, which is asked for its greatest
resident size and for the seconds that its threads worked together.
"""

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from allears.fairness.audit import audit
from allears.fairness.columns import Columns
from allears.fairness.reading import Here, finished, planned, twice
from allears.fairness.report.page import render
from allears.fairness.wish import Wish
from tables import Run, arguments

SPEAKERS, SEED = 200_000, 7
SIDES = {
    "allears audit": "all of it: read, groups named, found and judged, the page drawn",
    "allears": "read, checked, repeated ids looked for, summed",
    "allears, no ids": "read, checked, summed",
    "polars": "grouped and summed",
    "polars, ids": "repeated ids dropped, grouped and summed",
}


def write(path: Path, rows: int) -> None:
    """The rows, one speaker's in one place."""
    person = f"(hash(i, {SEED}) % {SPEAKERS})"
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        connection.execute(
            f"COPY (SELECT 'u' || i AS utterance, 's' || p AS speaker, "
            f"(hash(i, 1) % 4)::INT AS errors, (5 + hash(i, 2) % 15)::INT AS words, "
            f"'accent ' || (hash(p, 3) % 12) AS accent, 'age ' || (hash(p, 4) % 6) AS age, "
            f"25 + (hash(p, 5) % 24000) / 1000 AS lat, -125 + (hash(p, 6) % 58000) / 1000 AS lon "
            f"FROM (SELECT i, {person} AS p FROM range({rows}) AS t(i))) TO '{path}' (FORMAT parquet)"
        )


def allears(path: Path, ids: bool) -> tuple[int, int]:
    """Lines of the sums, and utterances that count."""
    works = planned([path], Columns(by=("accent", "age")), "none", False, ())
    if not ids:
        works = [replace(work, columns=replace(work.columns, utterance=None)) for work in works]
    again = twice(works, Here()) if ids else np.zeros(0, np.int64)
    assert not len(again)
    found = finished(Here().merged(works, again), works, again)
    return len(found.sums.counts), int(found.sums.counts[:, 2].sum())


def audited(path: Path) -> tuple[int, int]:
    """Groups on the page, and utterances that count."""
    found = audit([path], Wish(by=("accent", "age")))
    assert "</html>" in render(found)
    return sum(len(each.groups) for each in found.groupings), found.utterances


def polars(path: Path, ids: bool) -> tuple[int, int]:
    """The same with polars, streamed."""
    import polars as pl

    rows = pl.scan_parquet(path)
    if ids:
        rows = rows.unique(["utterance", "speaker"])
    found = (
        rows.group_by("speaker", "accent", "age", "lat", "lon")
        .agg(pl.sum("errors"), pl.sum("words"), pl.len().alias("utterances"))
        .collect(engine="streaming")
    )
    return len(found), int(found["utterances"].sum())


def side(name: str, path: Path) -> None:
    """One side, in this process; what it took as JSON."""
    if name == "allears audit":
        lines, utterances = audited(path)
    else:
        function = allears if name.startswith("allears") else polars
        lines, utterances = function(path, name in ("allears", "polars, ids"))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(json.dumps([seconds, peak, lines, utterances]))


def main() -> None:
    """Write the table."""
    if sys.argv[1:2] == ["--side"]:
        side(sys.argv[2], Path(sys.argv[3]))
        return
    rows = int(arguments(__doc__, rows=20_000_000).rows)
    run = Run("audit_rows.md", __doc__)
    table = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, rows)
        for name, about in SIDES.items():
            command = [sys.executable, __file__, "--side", name, str(path)]
            ran = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak, lines, utterances = json.loads(ran.stdout.splitlines()[-1])
            assert utterances == rows
            table.append([name, about, f"{rows:,}", f"{seconds:.1f}", f"{peak:,.0f}", f"{lines:,}"])
    run.table(
        ["", "does", "rows", "seconds of a core", "most memory, MiB", "lines of sums, or groups"],
        table,
    )


if __name__ == "__main__":
    main()
