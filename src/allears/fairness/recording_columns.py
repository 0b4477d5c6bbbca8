"""Which columns a list of recordings to be compared has: both, whether one speaker is in them, and attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allears.fairness.cohorts.attributes import columns as named
from allears.fairness.columns import USUAL
from allears.fairness.refusal import AuditError, listed
from allears.fairness.trial_columns import TWO, pairs, two

SAME = "same"


@dataclass(frozen=True, slots=True)
class RecordingColumns:
    """Names of columns; `sides` are both of each attribute of speakers, `single` those that are of trials."""

    recordings: tuple[str, str]
    same: str
    speakers: tuple[str, str] | None
    sides: Mapping[str, tuple[str, str]]
    single: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns in which nothing may be written."""
        both = [*self.sides.values(), *([self.speakers] if self.speakers else [])]
        return tuple(dict.fromkeys([*(each for pair in both for each in pair), *self.single]))


def find(source: str, there: Sequence[str], by: Sequence[str]) -> RecordingColumns:
    """The columns of a table that has those in `there`; attributes are those of `by`, or all.

    Raises AuditError, which names `source`, where a column is missing or there twice.
    """
    recordings = two(there) or (_needed(source, there, TWO[0]), _needed(source, there, TWO[1]))
    same = _needed(source, there, SAME)
    speakers = _speakers(there)
    taken = {*recordings, same, *(speakers or ())}
    sides = {
        name: both
        for name, both in pairs(there).items()
        if not taken & {*both} and name not in USUAL["speaker"]
    }
    taken |= {each for both in sides.values() for each in both}
    single = tuple(
        each for each in there if each.strip() and each not in taken and each.lower() not in sides
    )
    if by:
        sides, single = _asked(source, by, sides, single)
    return RecordingColumns(recordings, same, speakers, sides, single)


def _needed(source: str, there: Sequence[str], name: str) -> str:
    found = [each for each in there if each.strip().lower() == name]
    if len(found) != 1:
        raise AuditError(
            f"{source}: has {'several columns' if found else 'no column'} {name!r}; there are {listed(there)}; "
            "a list of trials has first and second, two recordings, and same, 1 for one speaker and 0 for two"
        )
    return found[0]


def _speakers(there: Sequence[str]) -> tuple[str, str] | None:
    """Both columns of who speaks: of any usual name, or those that scored trials have."""
    known = pairs(there)
    for name in USUAL["speaker"]:
        if name in known:
            return known[name]
    by_name = {each.strip().lower(): each for each in there}
    one, other = by_name.get("enrolled"), by_name.get("tested")
    return (one, other) if one and other else None


def _asked(
    source: str, by: Sequence[str], sides: Mapping[str, tuple[str, str]], single: Sequence[str]
) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """The attributes that somebody named; several at once are of speakers."""
    wanted_sides: dict[str, tuple[str, str]] = {}
    wanted_single: list[str] = []
    for each in by:
        parts = named(each)
        for name in parts:
            alone = [column for column in single if column.lower() == name.lower()]
            if name.lower() in sides:
                wanted_sides[name.lower()] = sides[name.lower()]
            elif len(parts) == 1 and len(alone) == 1:
                wanted_single += alone
            else:
                what = "of both speakers" if alone else ""
                raise AuditError(
                    f"{source}: nothing says the {name} {what}".rstrip()
                    + f" (--by); give columns first_{name} and second_{name}; "
                    f"there are: {listed([*sides, *single]) or 'none'}"
                )
    return wanted_sides, tuple(dict.fromkeys(wanted_single))
