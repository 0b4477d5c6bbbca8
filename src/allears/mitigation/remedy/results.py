"""What a recogniser makes of test speakers, as results that `fairness.audit` reads; before and after compared."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from allears.corpus.recordings import Utterance
from allears.fairness import counting
from allears.fairness.audit import audit
from allears.fairness.findings import Audit, Comparison
from allears.fairness.wish import Wish
from allears.mitigation.remedy.outcome import EVERYBODY, Change
from allears.outputs import write_whole

_ROLES = {each: each for each in ("utterance", "speaker", "errors", "words")}
_TEXTS = "reference", "hypothesis"


def column(by: str) -> str:
    """What a grouping is called as one column; `*` would part it."""
    name = by.replace("*", " × ")
    return f"{name} (group)" if name.lower() in (*_ROLES, *_TEXTS) else name


def write(
    path: Path, utterances: Sequence[Utterance], texts: Sequence[str], labels: Mapping[str, Mapping[str, str]],
    normaliser: str,
) -> None:  # fmt: skip
    """A table of what was said and recognised, errors counted as an audit does, and groups by grouping."""
    file, form = io.StringIO(), counting.normaliser(normaliser)
    writer = csv.writer(file)
    writer.writerow([*_ROLES, *_TEXTS, *labels])
    for number, (each, text) in enumerate(zip(utterances, texts, strict=True)):
        counts = counting.word_errors(each.text, text, form)
        if counts[0] >= 0:
            groups = (by.get(each.speaker, "") for by in labels.values())
            writer.writerow([f"{number}", each.speaker, *counts, each.text, text, *groups])
    write_whole(path, file.getvalue().encode())


def compared(
    before: Path, after: Path, by: Sequence[str], wish: Wish
) -> tuple[Audit, Audit, tuple[Change, ...]]:
    """Both audits, of the same groups, and what changed. Raises AuditError for results that cannot be audited.

    The first has the comparison with the second, speakers paired.
    """
    asked = replace(wish, names=_ROLES, by=tuple(by))
    first = _named(audit([before], replace(asked, other=after)))
    second = _named(audit([after], asked))
    assert first.comparison is not None
    return first, second, _changes(first, first.comparison)


def _named(found: Audit) -> Audit:
    """Without what was searched for beside: groups found by errors would not be the same after as before."""
    kept = tuple(each for each in found.groupings if each.kind == "named")
    if found.comparison is None:
        return replace(found, groupings=kept)
    there = {each.by for each in kept}
    groups = {by: each for by, each in found.comparison.groups.items() if by in there}
    return replace(found, groupings=kept, comparison=replace(found.comparison, groups=groups))


def _changes(found: Audit, comparison: Comparison) -> tuple[Change, ...]:
    speakers = {(by.by, each.name): each.speakers for by in found.groupings for each in by.groups}
    rows = [
        Change(by, name, speakers[by, name], *estimates)
        for by, groups in comparison.groups.items()
        for name, estimates in groups.items()
    ]
    return Change("", EVERYBODY, found.speakers, *comparison.overall), *rows
