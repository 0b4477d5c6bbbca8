"""The law of merging: parts of the rows, in any number and order, add up to the same bytes."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allears.fairness.checking import Work
from allears.fairness.columns import Columns
from allears.fairness.embeddings import ONE, Voices, added
from allears.fairness.reading import finished, planned, read
from allears.fairness.reduction import Fault, Part, added_faults, merged, reduced
from allears.fairness.refusal import AuditError
from allears.fairness.sums import Sums
from tests.fairness.tables import json_table, parquet_table

NOTHING = np.zeros(0, np.int64)
SOME = st.one_of(st.none(), st.sampled_from("abc"))
ROW = st.fixed_dictionaries(
    {
        "speaker": st.one_of(st.none(), st.sampled_from(["s", "t", "ü", "é"])),
        "errors": st.integers(-1, 3),
        "words": st.integers(0, 9),
        "accent": SOME,
        "age": SOME,
        "lat": st.sampled_from([None, 1.5, 2.5, 99.0]),
        "lon": st.sampled_from([None, 3.0]),
        "embedding": st.one_of(
            st.none(), st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=2)
        ),
    }
)
FULL = {
    "speaker": "s", "errors": 1, "words": 5, "accent": "a", "age": "b",
    "lat": 1.5, "lon": 3.0, "embedding": [0.6, 0.8],
}  # fmt: skip
WISH = Columns(by=("accent", "age"))


def same(first: Sums, second: Sums) -> None:
    assert (first.speakers, first.columns, first.values) == (
        second.speakers, second.columns, second.values,
    )  # fmt: skip
    for name in ("speaker", "codes", "counts", "places", "voices"):
        one, other = getattr(first, name), getattr(second, name)
        if one is None or other is None:
            assert one is other
        else:
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.tobytes() == other.tobytes()


def same_parts(first: Part, second: Part) -> None:
    for name in Part.__dataclass_fields__:
        one, other = getattr(first, name), getattr(second, name)
        if isinstance(one, np.ndarray):
            assert one.tobytes() == other.tobytes(), name
        elif isinstance(one, Voices):
            assert one.speakers == other.speakers
            assert one.sums.tobytes() == other.sums.tobytes()
        else:
            assert one == other, name


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=12), data=st.data())
def test_any_rows_in_any_partition_and_order(
    tmp_path: Path, rows: list[dict[str, object]], data: st.DataObject
) -> None:
    rows = [FULL, *rows]
    whole = read([json_table(tmp_path / "whole.jsonl", rows)], WISH)
    order = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(1, len(rows) - 1))
    paths = [
        json_table(tmp_path / f"{at}.jsonl", part)
        for at, part in enumerate((order[:cut], order[cut:]))
    ]
    found = read(paths, WISH)
    same(found.sums, whole.sums)
    assert {each.reason.split(" (first")[0]: each.rows for each in found.left_out} == {
        each.reason: each.rows for each in whole.left_out
    }


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    query = (
        "SELECT 's' || (i * 7919 % 50) AS speaker, i % 3 AS errors, 5 AS words, 'g' || (i % 4) AS accent, "
        "'x' AS age, [sin(i), cos(i), 1.0] AS embedding, (i * 7919 % 50) AS lat, 0 AS lon FROM range(6000) t(i)"
    )
    path = parquet_table(tmp_path_factory.mktemp("sums") / "r.parquet", query)
    return planned([path], WISH, "none", False, ())[0]


@pytest.fixture(scope="module")
def parts(work: Work) -> list[Part]:
    cuts = [0, 1, 2, 40, 700, 2048, 4096, 5999, 6000]
    return [reduced(replace(work, begin=begin, end=end)) for begin, end in itertools.pairwise(cuts)]


@pytest.fixture(scope="module")
def whole(work: Work) -> Part:
    return reduced(work)


@given(order=st.permutations(range(8)), cuts=st.sets(st.integers(1, 7)))
def test_merging_is_associative_and_commutative(
    parts: list[Part], whole: Part, order: list[int], cuts: set[int]
) -> None:
    ends = [0, *sorted(cuts), 8]
    bundles = [
        merged([parts[at] for at in order[begin:end]]) for begin, end in itertools.pairwise(ends)
    ]
    same_parts(merged(bundles), whole)


def test_the_whole_is_what_was_written(work: Work, whole: Part) -> None:
    found = finished(whole, [work], NOTHING)
    assert found.sums.counts.sum(0).tolist() == [6000, 30000, 6000]
    assert found.sums.speakers == tuple(sorted(f"s{at}" for at in range(50)))
    assert found.sums.places is not None and found.sums.voices is not None
    assert found.sums.places[:, 0].tolist() == [int(each[1:]) for each in found.sums.speakers]
    np.testing.assert_allclose(np.linalg.norm(found.sums.voices, axis=1), 1, atol=1e-12)


def test_texts_and_examples_merge_too(tmp_path: Path) -> None:
    rows = [
        {
            "speaker": "a",
            "reference": f"one two {word}",
            "hypothesis": " ".join(["x"] * at),
            "id": at,
        }
        for at, word in enumerate("abcdefgh")
    ]
    whole = read([json_table(tmp_path / "r.jsonl", rows)], normaliser="none", texts=True)
    paths = [json_table(tmp_path / f"{at}.jsonl", rows[at::2]) for at in (1, 0)]
    parts = read(paths, normaliser="none", texts=True)
    same(whole.sums, parts.sums)
    assert whole.examples == parts.examples
    assert [each.errors for _, each in whole.examples] == [7, 6, 5]
    assert whole.sums.counts.tolist() == [[sum(max(3, at) for at in range(8)), 24, 8]]


def test_faults_add() -> None:
    found = added_faults([Fault("b", 3, (1, 9)), Fault("a", 1, (4,)), Fault("b", 6, (2, 3, 5, 6))])
    assert found == (Fault("a", 1, (4,)), Fault("b", 9, (1, 2, 3, 5, 6)))


def test_voices_of_two_sizes_do_not_add() -> None:
    parts = [Voices(("a",), np.full((1, size), ONE)) for size in (2, 3)]
    with pytest.raises(AuditError, match="2 and 3 numbers"):
        added(parts)


def test_many_files_add_as_one(tmp_path: Path) -> None:
    rows = [
        dict(FULL, speaker=f"s{at % 7}", errors=at % 3, accent=str(at % 2), lat=at % 7)
        for at in range(17)
    ]
    whole = read([json_table(tmp_path / "whole.jsonl", rows)], WISH)
    many = read([json_table(tmp_path / f"{at}.jsonl", [row]) for at, row in enumerate(rows)], WISH)
    same(whole.sums, many.sums)
