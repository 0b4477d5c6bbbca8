"""Two groups by what the census says of where people live, the widest gap (arXiv 2207.11345).

Divisions that are tried: by each kind of a column (`majority_group = black` against all others), and by each
column of numbers at quantiles over the speakers; shares are also cut at one half, where a majority begins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Int64

from allears.fairness.cohorts.census import Census
from allears.fairness.cohorts.discovery import at_least, by_speaker, column
from allears.fairness.findings import Living
from allears.fairness.findings import Rule as Members
from allears.fairness.refusal import AuditError
from allears.fairness.sums import ERRORS, UNKNOWN, WORDS, Groups, Sums


class Rule(NamedTuple):
    """Whom a division sets apart: those whose column is a kind, or an amount or more."""

    column: str
    sign: Literal["=", "≥"]
    value: str | float

    def __str__(self) -> str:
        return f"{self.column} {self.sign} {_shown(self.value)}"

    @property
    def otherwise(self) -> str:
        """The name of the others."""
        return f"{self.column} {'≠' if self.sign == '=' else '<'} {_shown(self.value)}"

    def sides(self, census: Census) -> Int64[np.ndarray, " zips"]:
        """Of each zip code 1 where it is met, 0 where not, UNKNOWN where the table does not say."""
        if self.sign == "=":
            kinds = census.kinds[self.column]
            return np.where(kinds == "", UNKNOWN, kinds == self.value).astype(np.int64)
        amounts = census.amounts[self.column]
        with np.errstate(invalid="ignore"):
            above = amounts >= float(self.value)
        return np.where(np.isnan(amounts), UNKNOWN, above).astype(np.int64)


class Division(NamedTuple):
    """A rule that was tried: (worse − better) / better, and the worse side's part of the speakers."""

    rule: Rule
    met_is_worse: bool
    gap: float
    share: float


@dataclass
class CensusPartition:
    """The two groups between which the gap is widest; group 0 is the worse.

    Zip codes are the labels of the sums' column `zip_column`; of the census the `columns` are tried, by default
    all. Both sides have at least `min_speakers` and `min_words`. `quantiles` say where numbers are cut.

    Fitted: `divisions_`, all that was tried, widest gap first; `rule_`, the first of them; `unknown_`, how many
    speakers have no zip code in the table, or several on different sides; `names_`; `labels_`.
    """

    census: Census
    zip_column: str = "zip"
    columns: Sequence[str] | None = None
    quantiles: Sequence[float] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    min_speakers: int = 10
    min_words: int = 200
    names_: tuple[str, ...] = field(init=False, repr=False)
    labels_: Int64[np.ndarray, " speakers"] = field(init=False, repr=False)
    divisions_: tuple[Division, ...] = field(init=False, repr=False)
    rule_: Rule = field(init=False, repr=False)
    unknown_: int = field(init=False, repr=False)

    def fit(self, sums: Sums, among: Bool[np.ndarray, " speakers"] | None = None) -> Self:
        """Try all divisions. Raises AuditError where none leaves enough people on both sides."""
        at_least(self.min_speakers, 1, "min_speakers")
        rows, counts = self._home(sums), by_speaker(sums)
        chosen = rows != UNKNOWN if among is None else (rows != UNKNOWN) & among
        tried = [
            self._tried(rule, rows[chosen], counts[chosen]) for rule in self._rules(rows[chosen])
        ]
        divisions = [each for each in tried if each is not None]
        if not divisions:
            raise AuditError(
                f"no division by the census leaves {self.min_speakers} speakers and {self.min_words} words on "
                f"both sides, of {int(chosen.sum())} speakers with a known zip code; ask for fewer"
            )
        # Wider first; of equals the one that was tried first.
        self.divisions_ = tuple(sorted(divisions, key=lambda each: -each.gap))
        first = self.divisions_[0]
        self.rule_ = first.rule
        self._worse = int(first.met_is_worse)
        names = str(first.rule), first.rule.otherwise
        self.names_ = names if first.met_is_worse else names[::-1]
        self.labels_ = self._labels(rows)
        self.unknown_ = int((self.labels_ == UNKNOWN).sum())
        return self

    def predict(self, zips: Sequence[str]) -> Int64[np.ndarray, " speakers"]:
        """The groups of zip codes; UNKNOWN where the table does not say."""
        return self._labels(self.census.rows(zips))

    def groups(self, sums: Sums) -> Groups:
        """Both groups' counts, speaker by speaker."""
        return sums.by_speaker(self.names_, self._labels(self._home(sums)))

    @property
    def rules_(self) -> dict[str, Members]:
        """Who is in each group."""
        column, sign, value = self.rule_
        plain = value if isinstance(value, str) else float(value)
        return {
            name: Members(
                living=Living(column, sign, plain, met == bool(self._worse), self.zip_column)
            )
            for name, met in zip(self.names_, (True, False), strict=True)
        }

    def _home(self, sums: Sums) -> Int64[np.ndarray, " speakers"]:
        """Each speaker's row of the table; UNKNOWN where there is none, or several."""
        at = column(sums, self.zip_column)
        coded = np.flatnonzero(sums.codes[:, at] != UNKNOWN)
        speaker = sums.speaker[coded]
        row = self.census.rows(sums.values[at])[sums.codes[coded, at]]
        home = np.full(len(sums.speakers), UNKNOWN, np.int64)
        home[speaker] = row
        home[speaker[home[speaker] != row]] = UNKNOWN
        return home

    def _labels(self, rows: Int64[np.ndarray, " speakers"]) -> Int64[np.ndarray, " speakers"]:
        side = _of(self.rule_.sides(self.census), rows)
        return np.where(side == UNKNOWN, UNKNOWN, side != self._worse).astype(np.int64)

    def _rules(self, rows: Int64[np.ndarray, " speakers"]) -> Iterator[Rule]:
        known = {*self.census.kinds, *self.census.amounts}
        wanted = sorted(known) if self.columns is None else self.columns
        for name in wanted:
            if name not in known:
                raise AuditError(
                    f"the census has no column {name!r}; it has {', '.join(sorted(known))}"
                )
            if name in self.census.kinds:
                kinds = np.unique(self.census.kinds[name][rows]).tolist()
                yield from (Rule(name, "=", kind) for kind in kinds if kind)
            else:
                cuts = _cuts(self.census.amounts[name][rows], self.quantiles)
                yield from (Rule(name, "≥", cut) for cut in cuts)

    def _tried(
        self,
        rule: Rule,
        rows: Int64[np.ndarray, " speakers"],
        counts: Int64[np.ndarray, "speakers 3"],
    ) -> Division | None:
        side = _of(rule.sides(self.census), rows)
        people = np.bincount(side[side != UNKNOWN], minlength=2)
        errors, words = (
            np.array([counts[side == each, what].sum() for each in (0, 1)])
            for what in (ERRORS, WORDS)
        )
        if people.min() < self.min_speakers or words.min() < max(1, self.min_words):
            return None
        rates = errors / words
        worse = int(rates[1] >= rates[0])
        return Division(
            rule, bool(worse), gap(*rates[[worse, 1 - worse]]), people[worse] / people.sum()
        )


def gap(worse: float, better: float) -> float:
    """(worse − better) / better; infinite where only the better is without fault."""
    if better > 0:
        return float((worse - better) / better)
    return float("inf") if worse > 0 else 0.0


def _of(
    sides: Int64[np.ndarray, " zips"], rows: Int64[np.ndarray, " speakers"]
) -> Int64[np.ndarray, " speakers"]:
    return np.where(rows == UNKNOWN, UNKNOWN, sides[rows])


def _cuts(amounts: np.ndarray, quantiles: Sequence[float]) -> list[float]:
    there = amounts[~np.isnan(amounts)]
    if not len(there):
        return []
    cuts = np.quantile(there, quantiles, method="higher").tolist()
    if there.min() >= 0 and there.max() <= 1:
        cuts.append(0.5)
    return sorted({cut for cut in cuts if cut > there.min()})


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
