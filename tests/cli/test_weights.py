import json
from pathlib import Path

import pytest

from allears.weights import folder, store
from tests.cli.command import refused, run, within
from tests.real import needs_reference
from tests.weights.released import BLOB, TABLES, models
from tests.weights.test_store import drawn_models

FILES = {f"{place}.safetensors" for place in store.KINDS}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's own folder, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home/allears/opus"


@needs_reference
def test_an_import_is_found_by_name(tmp_path, home):
    ended = within("weights", "import", BLOB, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{home}: opus 1.6.1; use it by --weights opus\n"
    assert {path.name for path in home.iterdir()} == FILES
    assert store.models("opus").model_hash == models().model_hash
    listed = within("weights", "list", "--json", cwd=tmp_path).stdout.splitlines()
    opus = next(each for each in map(json.loads, listed) if each["name"] == "opus")
    assert opus == {
        "origin": "opus 1.6.1",
        "vocoder": "fargan",
        "hash": models().model_hash.hex(),
        "trouble": None,
        "name": "opus",
        "folder": str(home),
        "here": True,
    }


@needs_reference
def test_an_import_goes_where_it_is_told(tmp_path, home):
    (tmp_path / "weights_blob.bin").write_bytes(BLOB.read_bytes())
    ended = within(
        "weights", "import", "weights_blob.bin", "--tables", TABLES, "--to", "mine", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(ended.stdout)["folder"] == "mine" and not home.exists()
    assert store.models(tmp_path / "mine").is_opus


@needs_reference
def test_weights_without_tables_are_refused(tmp_path):
    (tmp_path / "weights_blob.bin").write_bytes(BLOB.read_bytes())
    said = refused("weights", "import", "weights_blob.bin", cwd=tmp_path)
    assert said.startswith("dred_stats_q8.npz: cannot be read (No such file or directory); give a")


@needs_reference
def test_a_folder_of_something_else_is_left_alone(tmp_path):
    Path(tmp_path, "mine").mkdir()
    Path(tmp_path, "mine/letters.txt").write_text("dear")
    said = refused("weights", "import", BLOB, "--to", "mine", cwd=tmp_path)
    assert said == "mine: holds something else; choose another place by --to"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("text", b"weights", "no whole archive"),
        ("empty", b"", "no whole archive"),
        ("blob", b"DNNw" + bytes(10), "has no whole header; is it of Opus 1.6.1?"),
    ],
)
def test_what_holds_no_weights_is_refused(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    (tmp_path / "dred_stats_q8.npz").write_bytes(TABLES.read_bytes() if TABLES.exists() else b"")
    assert says in (said := refused("weights", "import", name, cwd=tmp_path))
    assert said.startswith((f"{name}: ", "dred_stats_q8.npz: "))


def test_what_is_not_there_is_refused(tmp_path):
    said = refused("weights", "import", "opus-1.6.1.tar.gz", cwd=tmp_path)
    assert said.startswith("opus-1.6.1.tar.gz: cannot be read (No such file or directory); name")


def test_a_list_says_what_is_wrong_with_what_is_here(tmp_path, home):
    folder.put(drawn_models(origin="opus 1.6.1"), home)
    assert "opus 1.6.1, vocoder fargan" in within("weights", "list", cwd=tmp_path).stdout
    (home / "pitch.safetensors").write_bytes(b"")
    ended = within("weights", "list", cwd=tmp_path)
    assert ended.returncode == 0 and "pitch.safetensors: no file of weights" in ended.stdout


def test_the_help_has_an_example(tmp_path):
    assert (
        "allears weights import opus-1.6.1.tar.gz" in run("weights", "--help", cwd=tmp_path).stdout
    )
