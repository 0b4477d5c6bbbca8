"""A cluster of two workers on this machine: the same bytes as without it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from allears.fairness.columns import Columns
from allears.fairness.over_ray import Cluster, connected
from allears.fairness.reading import Read, read
from allears.fairness.refusal import AuditError
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
