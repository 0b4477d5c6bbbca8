"""The audit: results in files become findings that can be believed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from pathlib import Path

from allears.fairness import judging, questions
from allears.fairness.cohorts.attributes import columns
from allears.fairness.cohorts.census import Census
from allears.fairness.columns import Columns
from allears.fairness.findings import Audit, Comparison, Example, Grouping
from allears.fairness.judging import Settings
from allears.fairness.over_ray import connected
from allears.fairness.pairs import read_pair
from allears.fairness.questions import Asked
from allears.fairness.reading import Here, Read, Runner, read
from allears.fairness.refusal import AuditError
from allears.fairness.statistics import intervals
from allears.fairness.sums import UNKNOWN, Sums
from allears.fairness.tables import engine, opened
from allears.fairness.wish import Wish

USUAL = (
    "gender", "sex", "age", "age_group", "accent", "accents", "dialect", "variety", "native_language",
    "first_language", "l1", "native_speaker", "ethnicity", "race", "nationality", "country",
    "origin_country", "region",
)  # fmt: skip
"""Columns that are looked at where none is named, in any case."""


def audit(
    paths: Sequence[Path], wish: Wish, *, progress: Callable[[str], None] = lambda _: None
) -> Audit:
    """Who is served worse in these results. `progress` is told what is being done.

    Raises AuditError, which names the file, the field and the remedy, for what cannot be audited.
    """
    by = wish.by or _usual(paths)
    progress("reading the results")
    first, second = _read(paths, by, wish)
    sums, census = _placed(first, wish)
    progress("looking for groups")
    found = list(questions.asked(sums, by, first.columns.zip, census, wish.seed))
    if not found:
        raise AuditError(
            f"{paths[0]}: nothing to divide speakers by; name columns with --by, or give places, zip codes or "
            "embeddings"
        )
    progress("judging them")
    settings = Settings(wish.min_speakers, max(1, wish.replicates - 1), wish.seed)
    groupings = judging.judged([each.question for each in found], settings)
    return Audit(
        ", ".join(map(str, paths)), intervals.rates(sums.everybody())[0], len(sums.speakers),
        int(sums.counts[:, 1].sum()), int(sums.counts[:, 2].sum()), groupings, first.left_out,
        _notes(first, by, wish), _examples(first, sums, found, groupings),
        _compared(paths, wish, sums, second, found, groupings) if second else None,
        _settings(wish, by),
    )  # fmt: skip


def _usual(paths: Sequence[Path]) -> tuple[str, ...]:
    if not paths:
        raise AuditError("no results to audit; give at least one file")
    with engine() as connection:
        there = opened(paths[0], connection).columns
    return tuple(each for each in there if each.strip().lower() in USUAL)


def _read(paths: Sequence[Path], by: Sequence[str], wish: Wish) -> tuple[Read, Read | None]:
    wanted = Columns(
        **_roles(wish.names), by=tuple(dict.fromkeys(n for each in by for n in columns(each)))
    )
    options = {"normaliser": wish.normaliser, "texts": wish.texts, "vectors": wish.vectors}
    with _runner(wish.ray) as runner:
        if wish.other is None:
            return read(paths, wanted, runner=runner, **options), None  # type: ignore[arg-type]
        pair = read_pair(paths, [wish.other], wanted, runner=runner, **options)  # type: ignore[arg-type]
        return pair.first, pair.second


def _roles(names: Mapping[str, str]) -> dict[str, str]:
    known = [each.name for each in fields(Columns) if each.name != "by"]
    if unknown := sorted(set(names) - set(known)):
        raise AuditError(f"no column is called for as {unknown[0]}; there are {', '.join(known)}")
    return dict(names)


def _runner(address: str | None) -> AbstractContextManager[Runner]:
    return nullcontext(Here()) if address is None else connected(address)


def _placed(found: Read, wish: Wish) -> tuple[Sums, Census | None]:
    """With places by zip code, where there are no others and a census knows them."""
    if wish.census is None:
        return found.sums, None
    if found.columns.zip is None:
        raise AuditError(f"{wish.census}: a census needs zip codes; name their column with --zip")
    census, sums = Census.read(wish.census), found.sums
    at = sums.columns.index(found.columns.zip)
    if (census.rows(sums.values[at]) == UNKNOWN).all():
        raise AuditError(
            f"nothing in the column {found.columns.zip!r} is a zip code of {wish.census}; "
            "name the right column with --zip"
        )
    if sums.places is None and census.where is not None:
        codes = dict(zip(sums.speaker.tolist(), sums.codes[:, at].tolist(), strict=True))
        zips = [
            sums.values[at][codes[each]] if codes[each] >= 0 else ""
            for each in range(len(sums.speakers))
        ]
        sums = replace(sums, places=census.places(zips))
    return sums, census


def _examples(
    found: Read, sums: Sums, asked: Sequence[Asked], groupings: Sequence[Grouping]
) -> tuple[Example, ...]:
    """Of the group that is worst for sure, in each way of dividing."""
    examples: list[Example] = []
    for each, grouping in zip(asked, groupings, strict=True):
        worst = next((group for group in grouping.groups if group.significant), None)
        if worst is not None and worst.ratio.value > 1:
            among = questions.rows_of(each.again(sums), worst.name, sums)
            examples += found.worst(worst.name, among)
    return tuple(examples)


def _compared(
    paths: Sequence[Path],
    wish: Wish,
    sums: Sums,
    second: Read,
    asked: Sequence[Asked],
    groupings: Sequence[Grouping],
) -> Comparison:
    others = replace(second.sums, places=sums.places, voices=sums.voices)
    everybody = [each.everybody() for each in (sums, others)]
    overall = [intervals.rates(each)[0] for each in everybody]
    by_grouping = {}
    for each, grouping in zip(asked, groupings, strict=True):
        mine, theirs = each.again(sums), each.again(others)
        rows = zip(
            mine.names, intervals.rates(mine), intervals.rates(theirs),
            intervals.differences(mine, theirs), strict=True,
        )  # fmt: skip
        shown = {group.name for group in grouping.groups}
        by_grouping[grouping.by] = {name: tuple(rest) for name, *rest in rows if name in shown}
    (difference,) = intervals.differences(*everybody)
    names = paths[0].stem, wish.other.stem if wish.other else ""
    return Comparison(*names, (overall[0], overall[1], difference), by_grouping)  # type: ignore[arg-type]


def _notes(found: Read, by: Sequence[str], wish: Wish) -> tuple[str, ...]:
    notes = list(found.notes)
    if not wish.by and by:
        notes.append(
            f"no column was named, so those were looked at that are usual: {', '.join(by)}"
        )
    if len(found.sums.speakers) < questions.LEAST:
        notes.append(f"with fewer than {questions.LEAST} speakers nothing was searched for")
    return tuple(notes)


def _settings(wish: Wish, by: Sequence[str]) -> dict[str, str]:
    return {
        "groups named beforehand": ", ".join(by) or "none",
        "normaliser": wish.normaliser,
        "fewest speakers of a group shown": str(wish.min_speakers),
        "deals of speakers into groups": str(wish.replicates - 1),
        "seed": str(wish.seed),
    }
