"""Who of the recordings is in which group of an audit: its rules, applied to what a manifest knows of speakers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allears.corpus.recordings import Utterance
from allears.fairness.cohorts.census import Census
from allears.fairness.cohorts.rules import lives, within
from allears.fairness.columns import USUAL
from allears.fairness.findings import Living, Rule
from allears.fairness.tables import UNKNOWN as NOTHING
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy.audited import Cohort

LEAST = 3
"""Speakers of a cohort: one to learn from, one to choose by, one to be tested on."""
SHOWN = 12


@dataclass(frozen=True, slots=True)
class People:
    """Speakers, and by column what is written of each; "" where nothing is, or different things are.

    `census` is a table of zip codes, where there is one.
    """

    speakers: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    source: str
    census: Census | None = None

    def members(self, cohort: Cohort) -> tuple[bool | None, ...]:
        """Of each speaker whether they are in it; None where it cannot be known.

        Raises MitigationError where its rule is not there or cannot be applied to these recordings.
        """
        if cohort.rule is None:
            raise MitigationError(
                f"{cohort}: the audit does not say who is in it (groups of voices that are alike are known by "
                "their embeddings alone, and audits of earlier versions say nothing); write the audit again, or "
                "choose another with --cohort"
            )
        return self._members(cohort.rule, f"{cohort}")

    def _members(self, rule: Rule, name: str) -> tuple[bool | None, ...]:
        parts: list[Sequence[bool | None]] = [
            [each == label if each else None for each in self._column(column, name)]
            for column, label in rule.labels
        ]
        if rule.boxes:
            parts.append(within(rule.boxes, self._places(name)))
        if rule.living:
            parts.append(self._living(rule.living, name))
        return tuple(_all(each) for each in zip(*parts, strict=True))

    def _column(self, name: str, cohort: str, but: str = "") -> tuple[str, ...]:
        found = self._find([name])
        if found is None:
            there = ", ".join([*self.columns][:SHOWN]) or "none"
            raise MitigationError(
                f"{self.source}: has no column {name!r}, by which the audit says who is in {cohort}; add it{but}, "
                f"or choose another with --cohort; there are: {there}"
            )
        return self.columns[found]

    def _find(self, names: Sequence[str]) -> str | None:
        """The column of the first of these names that is there, as written or in any case."""
        for name in names:
            if name in self.columns:
                return name
            same = [each for each in self.columns if each.strip().lower() == name.lower()]
            if len(same) == 1:
                return same[0]
        return None

    def _places(self, cohort: str) -> np.ndarray:
        latitude, longitude = (self._find(USUAL[each]) for each in ("latitude", "longitude"))
        if latitude and longitude:
            pair = [self._numbers(each, cohort) for each in (latitude, longitude)]
            return np.stack(pair, 1)
        zips = self._find(USUAL["zip"])
        if zips and self.census and self.census.where is not None:
            return self.census.places(self.columns[zips])
        raise MitigationError(
            f"{self.source}: has no columns latitude and longitude, by which the audit says who is in {cohort}; "
            "add them, or a column zip and --census FILE with lat and lon, or choose another with --cohort"
        )

    def _numbers(self, column: str, cohort: str) -> np.ndarray:
        found = []
        for speaker, text in zip(self.speakers, self.columns[column], strict=True):
            try:
                found.append(float(text) if text else np.nan)
            except ValueError:
                raise MitigationError(
                    f"{self.source}: speaker {speaker!r}: {column} is {text[:20]!r} where a number is due, by "
                    f"which the audit says who is in {cohort}; correct it or leave it empty"
                ) from None
        return np.array(found, float)

    def _living(self, living: Living, cohort: str) -> list[bool | None]:
        """By the census, or by a column of the recordings that is called as the census calls it."""
        own = self._find([living.column])
        if self.census is None:
            self._column(
                living.column,
                cohort,
                f" or name the census with --census, {living.zip!r} being there",
            )
            assert own
            values: Sequence[str | float]
            values = (
                self.columns[own] if living.sign == "=" else self._numbers(own, cohort).tolist()
            )
            return [lives(living, each) for each in values]
        tables: Mapping[str, np.ndarray]
        tables = self.census.kinds if living.sign == "=" else self.census.amounts
        if living.column not in tables:
            raise MitigationError(
                f"--census: has no column {living.column!r}, by which the audit says who is in {cohort}; give the "
                "census that was audited with"
            )
        rows = self.census.rows(
            self._column(self._find([living.zip, *USUAL["zip"]]) or living.zip, cohort)
        )
        column = tables[living.column].tolist()
        return [lives(living, column[each]) if each >= 0 else None for each in rows.tolist()]


def people(utterances: Sequence[Utterance], data: Sequence[Path], census: Path | None) -> People:
    """All that is known of those who speak, in the order of their names."""
    speakers = tuple(sorted({each.speaker for each in utterances}))
    known: dict[str, dict[str, str]] = {}
    for each in utterances:
        for column, cell in each.attributes.items():
            text = cell.strip()
            if not text or text in NOTHING:
                continue
            theirs = known.setdefault(column, {})
            theirs[each.speaker] = text if theirs.get(each.speaker, text) == text else ""
    columns = {
        name: tuple(theirs.get(each, "") for each in speakers) for name, theirs in known.items()
    }
    table = Census.read(census) if census else None
    return People(speakers, columns, ", ".join(map(str, data)), table)


def cohort_of(those: People, cohort: Cohort) -> frozenset[str]:
    """The speakers of a cohort. Raises MitigationError where they are not enough, or all there are."""
    found = those.members(cohort)
    inside = frozenset(each for each, met in zip(those.speakers, found, strict=True) if met)
    if not inside:
        raise MitigationError(
            f"{those.source}: none of {len(those.speakers)} speakers is in {cohort}; is the audit of other "
            "recordings? Give recordings in which they speak, or choose another with --cohort"
        )
    if len(inside) < LEAST:
        several = "1 speaker is" if len(inside) == 1 else f"{len(inside)} speakers are"
        raise MitigationError(
            f"{those.source}: {several} in {cohort}; {LEAST} at least are needed, of whom one is learnt from, one "
            "is chosen by and one is tested; give more recordings, or choose another with --cohort"
        )
    if len(those.speakers) - len(inside) < LEAST:
        raise MitigationError(
            f"{those.source}: all but {len(those.speakers) - len(inside)} of {len(those.speakers)} speakers are "
            f"in {cohort}; {LEAST} others at least are needed, who must not pay for it"
        )
    return inside


def labelled(
    those: People, groups: Mapping[str, Sequence[Cohort]], told: Callable[[str], None]
) -> dict[str, dict[str, str]]:
    """By grouping the group of each speaker, "" of none; groups that overlap become groupings of their own.

    What cannot be applied to these recordings is `told` and left out.
    """
    found: dict[str, dict[str, str]] = {}
    for by, cohorts in groups.items():
        try:
            inside = [(each.name, those.members(each)) for each in cohorts]
        except MitigationError as error:
            told(f"not compared by {by}: {error}")
            continue
        counts = np.array([[met is True for met in members] for _, members in inside]).sum(0)
        if (counts > 1).any():
            for name, members in inside:
                found[name] = _labels(those, [(name, members)], "everybody else")
        else:
            found[by] = _labels(those, inside)
    return found


def _labels(
    those: People, inside: Sequence[tuple[str, Sequence[bool | None]]], otherwise: str = ""
) -> dict[str, str]:
    labels = {}
    for at, speaker in enumerate(those.speakers):
        mine = next((name for name, members in inside if members[at]), "")
        known = all(members[at] is not None for _, members in inside)
        labels[speaker] = mine or (otherwise if known else "")
    return labels


def _all(parts: Sequence[bool | None]) -> bool | None:
    """Whether all are met; False as soon as one is not."""
    if any(each is False for each in parts):
        return False
    return None if any(each is None for each in parts) else True
