"""The audit whole: results in a file, findings out."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from allears.fairness.audit import audit
from allears.fairness.findings import Audit, Grouping
from allears.fairness.refusal import AuditError
from allears.fairness.wish import Wish

FEW = Wish(replicates=200)


def written(
    path: Path,
    rate: Callable[[int], float],
    *,
    speakers: int = 240,
    columns: str = "accent,age,gender",
) -> Path:
    """Counts of speakers; one in four has accent "hill", one in three age "old", half gender "f"."""
    draw = random.Random(7)
    rows = [f"speaker,errors,words,{columns}"]
    labels = {
        "accent": lambda number: "hill" if number % 4 == 0 else "dale",
        "age": lambda number: "old" if number % 3 == 0 else "young",
        "gender": lambda number: "f" if number // 4 % 2 else "m",
        "lat": lambda number: f"{30 + number % 16:.2f}",
        "lon": lambda number: f"{-120 + (number // 16) % 16:.2f}",
        "zip": lambda number: f"{10_000 + number % 8:05}",
    }
    for number in range(speakers):
        own = draw.lognormvariate(0, 0.3)
        for _ in range(3):
            words = draw.randint(20, 60)
            errors = sum(draw.random() < min(0.9, rate(number) * own) for _ in range(words))
            told = ",".join(labels[each](number) for each in columns.split(","))
            rows.append(f"s{number:03},{errors},{words},{told}")
    path.write_text("\n".join(rows))
    return path


def by(found: Audit, name: str) -> Grouping:
    return next(each for each in found.groupings if each.by == name)


def test_who_is_served_worse_is_found_and_nobody_else(tmp_path: Path) -> None:
    path = written(tmp_path / "results.csv", lambda number: 0.2 if number % 4 == 0 else 0.1)
    found = audit([path], FEW)
    accent = by(found, "accent")
    assert (accent.worst, accent.best) == ("hill", "dale")
    assert accent.groups[0].significant and accent.groups[0].p < 0.02
    assert accent.gap.low < 1 < accent.gap.high
    assert accent.groups[0].speakers == 60 and accent.groups[0].share == 0.25
    assert not any(
        group.significant for name in ("age", "gender") for group in by(found, name).groups
    )
    totals = [(each.errors, each.words) for each in accent.groups]
    assert sum(words for _, words in totals) == found.words
    assert found.overall.value == pytest.approx(sum(errors for errors, _ in totals) / found.words)


def test_a_region_is_found_on_one_half_and_measured_on_the_other(tmp_path: Path) -> None:
    def rate(number: int) -> float:
        return 0.3 if number % 16 < 4 else 0.1

    path = written(tmp_path / "results.csv", rate, speakers=640, columns="lat,lon")
    place = by(audit([path], FEW), "place")
    assert place.held_out and place.correction == "bh"
    worst = place.groups[0]
    assert worst.significant and 0.2 < worst.wer.value < 0.4
    assert sum(each.speakers for each in place.groups) <= 320
    south, _, north, _ = next(each for each in place.regions if each.group == worst.name).boxes[0]
    assert south <= 33 and north <= 35


def test_a_combination_that_nobody_named_is_found(tmp_path: Path) -> None:
    def rate(number: int) -> float:
        return 0.35 if number % 12 == 0 else 0.1

    path = written(tmp_path / "results.csv", rate, speakers=720)
    found = next(each for each in audit([path], FEW).groupings if each.kind == "search")
    names = {each.name for each in found.groups if each.significant}
    assert any("hill" in name and "old" in name for name in names)
    assert not found.dealt and found.held_out


def test_a_column_of_no_zip_codes_is_refused(tmp_path: Path) -> None:
    census = tmp_path / "census.csv"
    census.write_text("zip,population\n02139,100\n")
    path = tmp_path / "results.csv"
    path.write_text("speaker,errors,words,zip\n" + "".join(f"s{n},1,9,{n}x\n" for n in range(9)))
    with pytest.raises(AuditError, match="nothing in the column 'zip' is a zip code of"):
        audit([path], Wish(census=census))


def test_zip_codes_are_places_and_people_where_a_census_knows_them(tmp_path: Path) -> None:
    census = tmp_path / "census.csv"
    lines = ["zip,lat,lon,majority"]
    lines += [f"{10_000 + n:05},{30 + n},-100,{'a' if n < 2 else 'b'}" for n in range(8)]
    census.write_text("\n".join(lines))
    path = written(
        tmp_path / "results.csv", lambda n: 0.25 if n % 8 < 2 else 0.1, speakers=400, columns="zip"
    )
    found = audit([path], Wish(census=census, replicates=200))
    people = by(found, "census")
    assert people.groups[0].significant and people.groups[0].name == "majority = a"
    assert by(found, "place").groups[0].significant


def test_too_small_groups_are_counted_and_not_shown(tmp_path: Path) -> None:
    path = written(tmp_path / "results.csv", lambda _: 0.1, speakers=60, columns="accent,lat")
    found = audit([path], Wish(by=("lat",), min_speakers=4, replicates=50))
    (lat,) = [each for each in found.groupings if each.by == "lat"]
    assert lat.suppressed + len(lat.groups) == 16
    assert lat.suppressed == 4 and all(each.speakers >= 4 for each in lat.groups)


def test_equal_wishes_give_equal_audits(tmp_path: Path) -> None:
    path = written(tmp_path / "results.csv", lambda _: 0.1, speakers=80)
    assert repr(audit([path], FEW)) == repr(audit([path], FEW))


def test_what_cannot_be_divided_is_refused_with_the_remedy(tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("speaker,errors,words\na,1,10\nb,2,10\n")
    with pytest.raises(
        AuditError, match=r"bare\.csv: nothing to divide speakers by; name columns with --by"
    ):
        audit([bare], Wish())
    path = written(tmp_path / "results.csv", lambda _: 0.1, speakers=60)
    with pytest.raises(AuditError, match="town"):
        audit([path], Wish(by=("town",)))
    with pytest.raises(AuditError, match="--zip"):
        audit([path], Wish(census=bare))
