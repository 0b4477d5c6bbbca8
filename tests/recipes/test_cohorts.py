"""The comparison of discoveries: on speakers made up, on clips that ship, and as a page."""

import math
from pathlib import Path

import numpy as np
import pytest
from recipes.cohorts import material, table

from allears.corpus.recordings import Utterance
from allears.fairness.cohorts.census import Census
from allears.fairness.findings import Audit, Group, Grouping
from allears.score.bootstrap import Estimate
from tests.fairness.cohorts.made import crowd, sums
from tests.real import CLIPS

TABLE = "zip,lat,lon,population,majority_group\n" + "".join(
    f"{10000 + each},40,-70,{each},{'a' if each % 5 else 'b'}\n" for each in range(50)
)


@pytest.fixture
def census(tmp_path: Path) -> Census:
    path = tmp_path / "census.csv"
    path.write_text(TABLE)
    return Census.read(path)


def test_what_is_tied_to_the_voice_is_found_there_and_not_on_a_map_of_chance(
    census: Census,
) -> None:
    draw = np.random.default_rng(0)
    low = np.arange(400) % 12 == 0
    counts = crowd(400, np.where(low, 0.3, 0.1), 1, spread=0.05)
    middles = draw.normal(size=(12, 8))
    voices = middles[np.arange(400) % 12] + draw.normal(0, 0.1, (400, 8))
    made = material.with_zips(sums(counts, voices=voices), census, 2)
    assert material.known(made, "zip") == 400
    assert made.values[0][0] != "10000", "nobody lives there"
    geography, automatic = table.discoveries(made, census, 3)
    assert automatic.held_out.low > 1
    assert automatic.held_out.low < 2 < automatic.held_out.high
    assert automatic.share == pytest.approx(1 / 12, abs=0.04)
    assert geography.held_out.low < 0.1


def test_zip_codes_are_dealt_the_same_from_the_same_seed(census: Census) -> None:
    made = sums(crowd(30, 0.1, 1))
    one, other, third = (material.with_zips(made, census, seed) for seed in (1, 1, 2))
    assert (one.codes == other.codes).all()
    assert one.values == other.values
    assert one.values != third.values


def test_too_few_speakers_are_said_to_be(census: Census) -> None:
    made = material.with_zips(sums(crowd(6, 0.1, 1), voices=np.eye(6)), census, 0)
    geography = table.discoveries(made, census, 0)[0]
    assert math.isnan(geography.found)
    assert "leaves 10 speakers" in geography.about


def test_voices_of_real_clips(tmp_path: Path) -> None:
    clips = sorted(CLIPS.glob("*.flac"))[:2]
    lines = [f"{each},s{number},hello,test\n" for number, each in enumerate(clips)]
    (tmp_path / "utterances.csv").write_text("path,speaker,text,split\n" + "".join(lines))
    found = material.voices(("s0", "s1", "nobody"), tmp_path)
    assert np.linalg.norm(found[:2], axis=1) == pytest.approx(1)
    # Of two, centred, one is the other turned round.
    assert found[0] @ found[1] == pytest.approx(-1)
    assert np.isnan(found[2]).all()


def test_the_first_recordings_of_everybody() -> None:
    rows = [Utterance(Path(f"{n}"), f"s{n % 2}", "hm" if n else "", "test") for n in range(7)]
    assert [str(each.path) for each in material.chosen(rows, 2)] == ["1", "3", "2", "4"]


def test_the_page_says_what_was_found() -> None:
    half = Estimate(0.5, 0.25, 0.75)
    group = Group("a", 5, 10, 2, 7, half, Estimate(2.0, 1.5, 2.5), 0.01, True, 0.4, 0.1)
    grouping = Grouping("accent", "named", (group,), "a", "b", half, 0.02, "holm", False, 3, 0.2)
    audit = Audit("x/results.csv", half, 7, 10, 2, (grouping,))
    rows = [table.Row("automatic", 0.6, half, 0.1, "12 clusters")]
    page = table.page(rows, [audit], ["Places were dealt out."])
    assert "| geodemographic, article | 41.7 | not given | 0.8 |  |" in page
    assert "| automatic | 60.0 | 50.0 (25.0–75.0) | 10.0 | 12 clusters |" in page
    assert "| a | 7 | 50.0 (25.0–75.0) | 2.00 (1.50–2.50) | 0.010 * |" in page
    assert "3 groups too small" in page
    assert "Places were dealt out." in page
