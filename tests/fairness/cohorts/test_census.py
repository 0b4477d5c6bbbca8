"""The census: zip codes as tables mangle them, divisions by hand, and what cannot be joined."""

from pathlib import Path

import numpy as np
import pytest

from allears.fairness.cohorts.census import Census
from allears.fairness.cohorts.partition import CensusPartition, Rule, gap
from allears.fairness.cohorts.zips import zip_code
from allears.fairness.refusal import AuditError
from allears.fairness.sums import UNKNOWN
from tests.fairness.cohorts.made import crowd, sums
from tests.real import REPOSITORY

TABLE = """zip,city,lat,lon,income,black,majority_group
02139,Cambridge,42.4,-71.1,90000,0.1,white
501,Holtsville,40.8,-73.0,80000,0.2,white
36104,Montgomery,32.4,-86.3,30000,0.8,black
78040,Laredo,27.5,-99.5,,0.0,hispanic
10001-0001,New York,40.7,-74.0,95000,,
"""
REAL = REPOSITORY.parent / "shared/data/geo/zcta.csv"


@pytest.fixture
def census(tmp_path: Path) -> Census:
    path = tmp_path / "census.csv"
    path.write_text(TABLE)
    return Census.read(path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("02139", "02139"), ("2139", "02139"), ("2139.0", "02139"), (" 02139-1234 ", "02139"),
        ("2139-1234", "02139"), ("021391234", "02139"), ("21391234", "02139"), ("501", "00501"),
        ("5011234", "00501"), ("36104", "36104"),
        ("", None), ("12", None), ("021391", None), ("K1A 0B1", None), ("2139.5", None), ("nan", None),
        ("0213912345", None), ("٠٢١٣٩", None),
    ],
)  # fmt: skip
def test_zip_codes_as_tables_mangle_them(text: str, code: str | None) -> None:
    assert zip_code(text) == code


def test_a_table_as_it_was_brought(census: Census) -> None:
    assert census.zips == ("00501", "02139", "10001", "36104", "78040")
    assert sorted(census.amounts) == ["black", "income"]
    assert census.kinds["majority_group"].tolist() == ["white", "white", "", "black", "hispanic"]
    assert census.rows(["2139", "36104-7777", "99999", "?"]).tolist() == [1, 3, UNKNOWN, UNKNOWN]
    places = census.places(["501", "99999"])
    assert places[0].tolist() == [40.8, -73.0]
    assert np.isnan(places[1]).all()


def test_a_division_by_hand(census: Census) -> None:
    # Montgomery 30 of 100; Cambridge 10 of 100; Holtsville 5 of 50; Laredo 12 of 100; two at no known place.
    zips = ["36104", "2139", "501", "78040", "99999", None]
    counts = [(30, 100, 9), (10, 100, 9), (5, 50, 9), (12, 100, 9), (9, 10, 9), (9, 10, 9)]
    made = sums(counts, {"zip": zips})
    found = CensusPartition(census, columns=["majority_group"], min_speakers=1, min_words=1).fit(
        made
    )
    assert found.names_ == ("majority_group = black", "majority_group ≠ black")
    assert found.labels_.tolist() == [0, 1, 1, 1, UNKNOWN, UNKNOWN]
    assert found.unknown_ == 2
    first, second, third = found.divisions_
    # .3 against 27/250; .3 + .12 against .1 is "not white": 42/200 against 15/150; Laredo .12 against 45/250.
    assert first.gap == pytest.approx((0.3 - 0.108) / 0.108)
    assert (second.rule.value, second.met_is_worse) == ("white", False)
    assert second.gap == pytest.approx((0.21 - 0.1) / 0.1)
    assert (third.rule.value, third.gap) == ("hispanic", pytest.approx((0.18 - 0.12) / 0.12))
    assert first.share == 0.25
    assert found.predict(["36104", "2139.0", "10001", "4"]).tolist() == [0, 1, UNKNOWN, UNKNOWN]
    assert found.groups(made).rates().tolist() == [0.3, 0.108]


def test_amounts_are_cut_and_shares_at_one_half(census: Census) -> None:
    zips = ["36104", "02139", "00501", "78040"] * 5
    made = sums([(30, 100, 9), (10, 100, 9), (10, 100, 9), (10, 100, 9)] * 5, {"zip": zips})
    found = CensusPartition(census, columns=["black", "income"], min_speakers=5).fit(made)
    assert {each.rule for each in found.divisions_ if each.rule.column == "black"} == {
        Rule("black", "≥", 0.1), Rule("black", "≥", 0.2), Rule("black", "≥", 0.5), Rule("black", "≥", 0.8),
    }  # fmt: skip
    assert str(found.rule_) in ("black ≥ 0.5", "black ≥ 0.8", "income ≥ 80000")
    assert found.divisions_[0].gap == pytest.approx(2)


def test_a_planted_division_is_found_on_one_half_and_holds_on_the_other(census: Census) -> None:
    draw = np.random.default_rng(0)
    zips = draw.choice(["36104", "02139", "00501", "78040"], 800, p=[0.1, 0.4, 0.3, 0.2])
    counts = crowd(800, np.where(zips == "36104", 0.2, 0.1), 1)
    made, among = sums(counts, {"zip": zips.tolist()}), np.arange(800) % 2 == 0
    found = CensusPartition(census, columns=["majority_group"]).fit(made, among)
    assert found.names_[0] == "majority_group = black"
    worse, better = found.groups(made).of(~among).rates()
    assert 0.6 < gap(worse, better) < 1.5


def test_a_speaker_of_two_zip_codes_has_none(census: Census) -> None:
    made = sums(
        [(5, 9, 1)] * 5,
        {"zip": ["36104", "02139", "36104", "36104", None]},
        speakers=[0, 0, 1, 2, 2],
    )
    found = CensusPartition(census, min_speakers=1, min_words=1)
    assert found._home(made).tolist() == [UNKNOWN, 3, 3]


def test_what_cannot_be_is_refused(census: Census, tmp_path: Path) -> None:
    made = sums([(1, 10, 1)] * 4, {"zip": ["36104", "02139", "00501", "78040"]})
    with pytest.raises(AuditError, match="leaves 10 speakers"):
        CensusPartition(census).fit(made)
    with pytest.raises(AuditError, match="no column 'wealth'"):
        CensusPartition(census, columns=["wealth"]).fit(made)
    with pytest.raises(AuditError, match="no column 'postcode'"):
        CensusPartition(census, zip_column="postcode").fit(made)
    bad = tmp_path / "bad.csv"
    for text, said in (
        ("zip,a\n36104,1\nLondon,2\n", "row 2: 'London'"),
        ("postcode,a\n1,1\n", "no column zip"),
        ("zip,a\n", "no rows"),
        ("zip,a\n36104,1\n02139,2,3\n", "row 2: 3 fields under 2"),
        ("", "no column zip"),
        (
            "zip,lat,lon\n36104,32,-86\n02139,95,-71\n",
            "zip code 02139: latitude 95 and longitude -71 are no",
        ),
    ):
        bad.write_text(text)
        with pytest.raises(AuditError, match=said):
            Census.read(bad)
    bad.write_bytes(b"zip,a\n36104,\xff\xfe\n")
    with pytest.raises(AuditError, match="cannot be read"):
        Census.read(bad)
    with pytest.raises(AuditError, match="cannot be read"):
        Census.read(tmp_path / "none.csv")


def test_a_gap_by_hand() -> None:
    assert gap(0.3, 0.2) == pytest.approx(0.5)
    assert (gap(0.1, 0), gap(0, 0)) == (float("inf"), 0.0)


@pytest.mark.skipif(not REAL.exists(), reason="no census table is beside this checkout")
def test_a_real_census() -> None:
    census = Census.read(REAL)
    assert len(census.zips) == 32_959
    assert {"black", "population_density", "hispanic"} <= set(census.amounts)
    assert "black" in census.kinds["majority_group"]
    assert census.places(["2139"])[0] == pytest.approx([42.4, -71.1], abs=0.1)
