"""A cluster of two workers on this machine: the same bytes as without it."""

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from allears.fairness.audit import audit
from allears.fairness.columns import Columns
from allears.fairness.over_ray import Cluster, connected
from allears.fairness.pairs import ALONE, Pair, read_pair
from allears.fairness.reading import Read, read
from allears.fairness.refusal import AuditError
from allears.fairness.wish import Wish
from tests.fairness.tables import AUDITS, json_table, needs_audits, parquet_table, text_table
from tests.fairness.test_reduction import same

ray = pytest.importorskip("ray", reason="Ray is not installed: allears[ray]")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000
    )
    yield Cluster(rows=3000)
    ray.shutdown()


def as_without(found: Read, alone: Read) -> None:
    same(found.sums, alone.sums)
    assert (found.left_out, found.notes, found.rows, found.examples) == (
        alone.left_out, alone.notes, alone.rows, alone.examples,
    )  # fmt: skip


def test_counts_places_and_voices_in_stretches(tmp_path: Path, cluster: Cluster) -> None:
    query = (
        "SELECT 'u' || (i % 9990) AS id, 's' || (i * 7919 % 53) AS speaker, i % 3 - (i = 77)::INT * 5 AS errors, "
        "5 AS words, 'g' || (i % 4) AS accent, [sin(i), cos(i), 1.0] AS embedding, "
        "(i * 7919 % 53) AS lat, (i = 5000)::INT AS lon FROM range(10000) t(i)"
    )
    path = parquet_table(tmp_path / "r.parquet", query)
    alone = read([path], Columns(by=("accent",)))
    assert {each.reason.split(":")[0].split(" (")[0] for each in alone.left_out} == {
        "errors is not a whole number from 0",
        "counted, but not on the map",
    }
    as_without(read([path], Columns(by=("accent",)), runner=cluster), alone)


def test_repeated_rows_are_found_across_tasks(tmp_path: Path, cluster: Cluster) -> None:
    rows = [{"id": str(at % 15), "speaker": "s", "errors": 1, "words": 2} for at in range(20)]
    paths = [json_table(tmp_path / f"{at}.jsonl", rows[at::3]) for at in range(3)]
    alone = read(paths)
    assert sum(each.rows for each in alone.left_out) == 5
    as_without(read(paths, runner=cluster), alone)


@needs_audits
def test_real_texts(cluster: Cluster) -> None:
    paths = [AUDITS / "artie_deepspeech-0.7.3.csv"]
    wish = Columns(by=("gender", "age"))
    alone = read(paths, wish, normaliser="lower", texts=True)
    as_without(read(paths, wish, normaliser="lower", texts=True, runner=cluster), alone)


def pairs_as_without(found: Pair, alone: Pair) -> None:
    as_without(found.first, alone.first)
    as_without(found.second, alone.second)


SYSTEM = (
    "SELECT 'u' || (i % 9990) AS id, 's' || (i % 9990 * 7919 % 53) AS speaker, {errors} AS errors, "
    "5 + (i % 9990 % 7) AS words, 'g' || (i % 4) AS accent, [sin(i), cos(i), 1.0] AS embedding, "
    "(i % 9990 * 7919 % 53) AS lat, (i = 5000)::INT AS lon FROM range({rows}) t(i)"
)


def test_two_systems_in_slices(tmp_path: Path, cluster: Cluster) -> None:
    """With rows that are there again, of one system alone, of other words, that do not count, and in any order."""
    first = parquet_table(
        tmp_path / "a.parquet", SYSTEM.format(errors="i % 3 - (i = 77)::INT * 5", rows=10000)
    )
    query = SYSTEM.format(errors="i % 2", rows=9500).replace("5 + (i % 9990 % 7)", "5 + i % 7")
    second = parquet_table(tmp_path / "b.parquet", f"{query} ORDER BY hash(id)")
    wish = Columns(by=("accent",))
    alone = read_pair([first], [second], wish)
    reasons = {each.reason.split(" (first in")[0]: each.rows for each in alone.first.left_out}
    assert reasons[ALONE] == 9990 - 9500 + 1
    assert reasons["the same utterance again (counted once)"] == 10
    assert alone.first.sums.voices is not None
    pairs_as_without(read_pair([first], [second], wish, runner=cluster), alone)


def test_two_systems_without_ids_over_many_files(tmp_path: Path, cluster: Cluster) -> None:
    rows = [
        {"speaker": f"s{at % 3}", "reference": f"one {at}", "hypothesis": "one" * (at % 5 > 0)}
        for at in range(20)
    ]
    for at, name in enumerate("abc"):
        json_table(tmp_path / f"{name}.jsonl", rows[:7] if at == 0 else rows[7:])
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    others = [tmp_path / "a.jsonl", tmp_path / "c.jsonl"]
    alone = read_pair(paths, others, normaliser="lower", texts=True)
    assert alone.first.rows == 20 and alone.second.examples
    found = read_pair(paths, others, normaliser="lower", texts=True, runner=cluster)
    pairs_as_without(found, alone)
    json_table(others[1], [*rows[7:9], {**rows[9], "reference": "two"}, *rows[10:-1]])
    for runner in (None, cluster):
        with pytest.raises(AuditError, match="row 3: the references are not the same"):
            read_pair(paths, others, normaliser="lower", runner=runner)


@needs_audits
def test_two_real_systems(tmp_path: Path, cluster: Cluster) -> None:
    paths = []
    for name in ("whisper-large-v3-turbo", "parakeet-tdt-0.6b-v2"):
        lines = (AUDITS / f"edacc_{name}.csv").read_text("utf-8").splitlines(keepends=True)
        at = len(paths)
        paths.append(
            text_table(tmp_path / f"{name}.csv", "".join([lines[0], *lines[1 + at : 1500 + at]]))
        )
    wish = Columns(by=("accent",))
    alone = read_pair(paths[:1], paths[1:], wish, normaliser="lower", texts=True)
    assert alone.first.sums.counts[:, 2].sum() > 1000
    found = read_pair(paths[:1], paths[1:], wish, normaliser="lower", texts=True, runner=cluster)
    pairs_as_without(found, alone)


def test_an_audit_of_two_systems_is_as_without(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, errors in (("a", "i % 3"), ("b", "i % 2")):
        parquet_table(tmp_path / f"{name}.parquet", SYSTEM.format(errors=errors, rows=4000))
    wish = Wish(by=("accent",), other=tmp_path / "b.parquet", replicates=50)
    alone = audit([tmp_path / "a.parquet"], wish)
    monkeypatch.setattr("allears.fairness.audit.connected", lambda _: nullcontext(cluster))
    over = audit([tmp_path / "a.parquet"], replace(wish, ray="the one that runs"))
    assert over.comparison is not None
    assert repr(over) == repr(alone)


def test_what_a_task_refuses_is_said(tmp_path: Path, cluster: Cluster) -> None:
    path = text_table(tmp_path / "r.csv", "speaker,errors,words\na,1,2\nb,1\n")
    with pytest.raises(AuditError, match=r"r\.csv: line 3: cannot be read"):
        read([path], runner=cluster)


def test_no_cluster_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"  # bound, but nobody listens
        with pytest.raises(AuditError, match=f"no Ray cluster at {address}"), connected(address):
            pass
