"""Which columns of a trial list hold what: found by the names that such lists usually have, or named."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from allears.fairness.columns import USUAL as RESULTS
from allears.fairness.refusal import AuditError, listed

USUAL: Mapping[str, tuple[str, ...]] = {
    "score": ("score", "scores", "similarity", "cosine", "cosine_score", "llr"),
    "target": (
        "target", "is_target", "label", "same", "same_speaker", "trial_type", "key", "match", "is_same",
    ),
    "enrolled": (
        "enrolled", "enrol", "enroll", "enrolled_speaker", "enrol_speaker", "enroll_speaker",
        "enrolment_speaker", "enrollment_speaker", "speaker_1", "speaker1", "spk_1", "spk1",
    ),
    "tested": (
        "tested", "test", "tested_speaker", "test_speaker", "spoke", "speaker_2", "speaker2", "spk_2",
        "spk2",
    ),
}  # fmt: skip
"""By field, in any case; its own name goes before the others, among which there must be but one."""

TRIAL = ("trial", "trial_id")
"""Names of a column of a trial's own id."""
RECORDINGS = ("utterance", "utterance_id", "utt", "recording", "file", "path", "audio", "wav")
"""What recordings are called, for each side: of an enrolment and a test, they tell one trial from another."""

SIDES = (
    ("enrolled", "enrol", "enroll", "enrolment", "enrollment", "first"),
    ("tested", "test", "spoke", "second"),
)
TWO = ("first", "second")
"""Columns of the recordings themselves, in lists of recordings."""


@dataclass(frozen=True, slots=True)
class TrialColumns:
    """The name of each column; `attributes` are the two columns of each, by name. `told` tell trials apart."""

    score: str
    target: str
    enrolled: str
    tested: str
    attributes: Mapping[str, tuple[str, str]]
    told: tuple[str, ...] = ()


def looks_like_trials(there: Sequence[str]) -> bool:
    """Whether these are columns of a trial list: a score, two of label and speakers, and nothing recognised."""
    if any(_usual(there, RESULTS[field]) for field in ("hypothesis", "errors")):
        return False
    rest = sum(bool(_usual(there, USUAL[field])) for field in ("target", "enrolled", "tested"))
    return bool(_usual(there, USUAL["score"])) and rest >= 2


def find(source: str, there: Sequence[str], named: Mapping[str, str]) -> TrialColumns:
    """The columns of a table that has those in `there`; `named` are those that need not be looked for.

    Raises AuditError, which names `source`, where a column is missing or several could be meant.
    """
    score, target, enrolled, tested = (
        chosen(source, there, field, named.get(field), names) for field, names in USUAL.items()
    )
    return TrialColumns(score, target, enrolled, tested, pairs(there), _told(there))


def chosen(
    source: str, there: Sequence[str], field: str, name: str | None, usual: Sequence[str]
) -> str:
    """The column for a field: the one named, or the only one with a usual name."""
    found = _usual(there, (name,) if name is not None else usual)
    if len(found) == 1:
        return found[0]
    columns = listed(there)
    if name is not None:
        raise AuditError(
            f"{source}: has {'several columns' if found else 'no column'} {name!r} (--{field}); "
            f"there are {columns}"
        )
    if found:
        raise AuditError(
            f"{source}: the {field} could be {' or '.join(found[:5])}; say which with --{field} COLUMN"
        )
    raise AuditError(
        f"{source}: no column looks like the {field} (such as {', '.join(usual[:3])}); "
        f"there are {columns}; say which with --{field} COLUMN"
    )


def _usual(there: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those with the first of `names`, else with any of them."""
    lower = [each.lower() for each in names]
    own = [each for each in there if each.strip().lower() == lower[0]]
    return own or [each for each in there if each.strip().lower() in lower]


def pairs(there: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By attribute, its columns for either side; those that are in order are `enrolled_…` before `…_1`."""
    by_name = {each.strip().lower(): each for each in there}
    found: dict[str, tuple[str, str]] = {}
    for lower, first in by_name.items():
        for name, other in _others(lower):
            if other in by_name and name not in found:
                found[name] = first, by_name[other]
    return found


def _others(first: str) -> Iterator[tuple[str, str]]:
    """What an attribute could be called, and its second column, if this were the first."""
    for side in SIDES[0]:
        if first.startswith(f"{side}_"):
            name = first.removeprefix(f"{side}_")
            yield from ((name, f"{other}_{name}") for other in SIDES[1])
        if first.endswith(f"_{side}"):
            name = first.removesuffix(f"_{side}")
            yield from ((name, f"{name}_{other}") for other in SIDES[1])
    if first.endswith("1") and (name := first[:-1].rstrip("_")):
        yield name, f"{first[:-1]}2"


def _told(there: Sequence[str]) -> tuple[str, ...]:
    """Columns by which a trial is itself: its id, or both recordings; nothing where there are neither."""
    if own := _usual(there, TRIAL):
        return (own[0],)
    if both := two(there):
        return both
    known = pairs(there)
    return next((known[name] for name in RECORDINGS if name in known), ())


def two(there: Sequence[str]) -> tuple[str, str] | None:
    """The columns of both recordings where they are called so."""
    first, second = ([each for each in there if each.strip().lower() == name] for name in TWO)
    return (first[0], second[0]) if len(first) == len(second) == 1 else None
