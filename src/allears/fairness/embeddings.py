"""Voices: embeddings of utterances, each made one long, added by speaker in fixed point, so that adding is exact.

The embeddings are a column of lists, or a .npy file with a row for each row of the table.
"""

# ruff: noqa: S608  every name and path in a query is quoted, in `tables`

import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Int64

from allears.fairness.checking import Work
from allears.fairness.refusal import AuditError
from allears.fairness.tables import FILE_BITS, NUMBER

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ONE = 1 << 32
"""What 1 is in fixed point: 2³¹ utterances of one speaker fit."""
AT_ONCE = 65_536
"""Rows of a .npy file that are in memory together."""
NO_VOICE = "counted, but not among voices: the embedding is missing, zero or not finite"
SHOWN = 5
SAID = 120
"""Characters of what NumPy has to say of a file."""


@dataclass(frozen=True, slots=True)
class Voices:
    """Sums of unit vectors in fixed point by speaker, the speakers in order; `faults` as reason, rows, first."""

    speakers: tuple[str, ...]
    sums: Int64[np.ndarray, "speakers size"]
    faults: tuple[tuple[str, int, tuple[int, ...]], ...] = ()

    def alone(self) -> "Voices":
        """The same without faults."""
        return replace(self, faults=())

    def unit(self, speakers: Sequence[str]) -> Float64[np.ndarray, "speakers size"]:
        """The direction of each of these speakers, NaN for one who has none."""
        place = {name: at for at, name in enumerate(self.speakers)}
        found = np.full((len(speakers), self.sums.shape[1]), np.nan)
        known = [at for at, name in enumerate(speakers) if name in place]
        found[known] = self.sums[[place[speakers[at]] for at in known]] / ONE
        length = np.linalg.norm(found, axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit: np.ndarray = np.where(length > 0, found / length, np.nan)
        return unit


def voices(connection: "DuckDBPyConnection", work: Work, name: str = "counted") -> Voices:
    """The voices of the speakers of all rows in a relation that `reduction.prepare` made."""
    return _file(connection, work, name) if work.vectors else _column(connection, work, name)


def added(parts: Sequence[Voices]) -> Voices | None:
    """Voices of parts of the rows, added. Raises AuditError where they are not of one size."""
    parts = [each for each in parts if each.speakers]
    if not parts:
        return None
    sizes = {each.sums.shape[1] for each in parts}
    if len(sizes) > 1:
        raise AuditError(
            f"embeddings have {' and '.join(map(str, sorted(sizes)))} numbers; use those of one network"
        )
    names = tuple(sorted(set().union(*(each.speakers for each in parts))))
    place = {name: at for at, name in enumerate(names)}
    sums = np.zeros((len(names), sizes.pop()), np.int64)
    for each in parts:
        sums[[place[name] for name in each.speakers]] += each.sums
    return Voices(names, sums)


def _column(connection: "DuckDBPyConnection", work: Work, name: str) -> Voices:
    """A column of lists: all of it within SQL, since it may be larger than memory."""
    assert work.columns.embedding
    table, column = work.table, work.columns.embedding
    field = table.field(column) if table.form == "parquet" else table.value(column)
    vectors = (
        f"(SELECT number, speaker, v, sqrt(list_inner_product(v, v)) AS length FROM {name} JOIN "
        f"(SELECT {NUMBER} AS number, TRY_CAST({field} AS DOUBLE[]) AS v FROM {work.source}) USING (number) "
        f"WHERE speaker IS NOT NULL)"
    )
    good = "v IS NOT NULL AND isfinite(length) AND length > 0"
    sizes = connection.execute(
        f"SELECT len(v), min(number), count(*) FROM {vectors} WHERE {good} GROUP BY 1 ORDER BY 3 DESC"
    ).fetchall()
    if len(sizes) > 1:
        row = sizes[-1][1] & ((1 << FILE_BITS) - 1)
        raise AuditError(
            f"{work.table.path}: row {row}: the embedding has {sizes[-1][0]} numbers, others {sizes[0][0]}; "
            "use those of one network"
        )
    missing, first = connection.execute(
        f"SELECT count(*), min(number, {SHOWN}) FROM {vectors} WHERE ({good}) IS NOT TRUE"
    ).fetchall()[0]
    faults = ((NO_VOICE, missing, tuple(first)),) if missing else ()
    if not sizes:
        return Voices((), np.zeros((0, 0), np.int64), faults)
    fixed = f"list_transform(v, lambda x: CAST(round(x / length * {ONE}) AS BIGINT))"
    found = connection.execute(
        f"SELECT speaker, place, sum(x)::BIGINT AS x FROM (SELECT speaker, unnest({fixed}) AS x, "
        f"generate_subscripts(v, 1) AS place FROM {vectors} WHERE {good}) GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchnumpy()
    size = sizes[0][0]
    return Voices(tuple(found["speaker"][::size]), found["x"].reshape(-1, size), faults)


def _file(connection: "DuckDBPyConnection", work: Work, name: str) -> Voices:
    """A .npy file, a piece at a time."""
    assert work.vectors
    vectors = _opened(work)
    names = [
        row[0]
        for row in connection.execute(
            f"SELECT DISTINCT speaker FROM {name} WHERE speaker IS NOT NULL ORDER BY 1"
        ).fetchall()
    ]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE people AS SELECT speaker, row_number() OVER (ORDER BY speaker) - 1 "
        f"AS person FROM (SELECT DISTINCT speaker FROM {name} WHERE speaker IS NOT NULL)"
    )
    found = connection.execute(
        f"SELECT number, person FROM {name} JOIN people USING (speaker) ORDER BY number"
    ).fetchnumpy()
    sums = np.zeros((len(names), vectors.shape[1]), np.int64)
    bad: list[int] = []
    for begin in range(0, len(found["number"]), AT_ONCE):
        number, person = (found[each][begin : begin + AT_ONCE] for each in ("number", "person"))
        chosen = vectors[(number & ((1 << FILE_BITS) - 1)) - 1].astype(np.float64)
        length = np.sqrt((chosen**2).sum(1))
        good = np.isfinite(length) & (length > 0)
        fixed = np.rint(chosen[good] / length[good, None] * ONE).astype(np.int64)
        np.add.at(sums, person[good], fixed)
        bad.extend(number[~good].tolist())
    faults = ((NO_VOICE, len(bad), tuple(bad[:SHOWN])),) if bad else ()
    return Voices(tuple(names), sums, faults)


def matching(work: Work, rows: int) -> None:
    """Raises AuditError where a .npy file has not a row for each row of its table."""
    vectors = _opened(work)
    if len(vectors) != rows:
        raise AuditError(
            f"{work.vectors}: has {len(vectors)} rows, {work.table.path} has {rows}; give one for each"
        )


def _opened(work: Work) -> np.ndarray:
    try:
        vectors: np.ndarray = np.lib.format.open_memmap(str(work.vectors), mode="r")
    except (OSError, ValueError, EOFError, SyntaxError, tokenize.TokenError) as error:
        said = f"{error}"[:SAID] or "it ends too soon"
        raise AuditError(f"{work.vectors}: cannot be read as embeddings ({said})") from None
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not vectors.shape[1]:
        raise AuditError(
            f"{work.vectors}: is {vectors.dtype} {vectors.shape}; embeddings are real, rows × numbers"
        )
    return vectors
