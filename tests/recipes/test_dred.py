"""The recipe of deep redundancy, on one short clip and a generated trace."""

import csv
import json
from pathlib import Path

import pytest
import soundfile
from recipes.dred import recipe
from recipes.dred.conditions import CONDITIONS, cases
from recipes.dred.material import Clip, clips, traces
from recipes.dred.measure import NOTHING, Measurement, Results
from recipes.dred.report import Setting

from allears.corpus.recordings import CorpusError
from allears.weights import store
from allears.wire.errors import ParseError
from tests.real import speech

shipped = pytest.mark.skipif(
    not store.folder_of("allears").is_dir(), reason="this checkout has no weights yet"
)


def corpus(folder: Path, rows: list[dict[str, str]], seconds: float = 2.5) -> Path:
    """A folder of recordings, each another part of real speech."""
    folder.mkdir()
    with (folder / "utterances.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for number, row in enumerate(rows):
        start = int(number * 0.5 * 16_000)
        said = speech("jfk")[start : start + int(seconds * 16_000)]
        soundfile.write(folder / row["path"], said, 16_000, format="FLAC")
    return folder


def setting(keys: tuple[str, ...], weights: tuple[str, ...] = ()) -> Setting:
    """Two seconds under some conditions over one generated trace."""
    clip = Clip("lj", "lj", "the invention of movable metal letters", speech("lj", 2.0))
    return Setting(
        command="test",
        clips=(clip,),
        traces=tuple(traces(None, ["ge20"], seed=1)),
        cases=tuple(case for case in cases(weights) if case.condition.key in keys),
        weights=weights,
        generated=True,
        seed=1,
        notes=(),
    )


def test_a_run_that_was_stopped_goes_on_to_the_same_figures(tmp_path: Path) -> None:
    wanted = recipe.tasks(setting(("recording", "opus", "lbrr")))
    first = recipe.measure_all(wanted, Results(tmp_path, resume=False), jobs=1)
    kept = tmp_path / "results.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text(lines[0] + lines[1][:40])  # stopped in the middle of a line
    results = Results(tmp_path, resume=True)
    assert list(results.known.values()) == first[:1]
    assert recipe.measure_all(wanted, results, jobs=1) == first
    assert Results(tmp_path, resume=True).known.keys() == {task.key for task in wanted}
    Results(tmp_path, resume=False)
    assert not kept.exists()
    assert (tmp_path / "results.before.jsonl").exists()


@shipped
def test_what_is_measured_of_a_real_call(tmp_path: Path) -> None:
    wanted = recipe.tasks(setting(("recording", "clean", "opus", "dred"), ("allears",)))
    assert [(task.case.key, task.trace) for task in wanted] == [
        ("recording", NOTHING),
        ("clean", NOTHING),
        ("opus", "ge20"),
        ("dred@allears", "ge20"),
    ]
    found = recipe.measure_all(wanted, Results(tmp_path, resume=False), jobs=1)
    recording, clean, opus, dred = found
    assert (recording.bits, recording.lost, clean.lost) == (0, 0, 0)
    assert opus.lost == dred.lost > 0
    assert 20_000 < opus.bits / opus.seconds < 27_000
    assert opus.deep_bits == 0 < dred.deep_bits < dred.bits
    # Both are the same Opus; the rest is a byte or two in each packet around the redundancy.
    assert dred.bits - dred.deep_bits == pytest.approx(opus.bits, rel=0.1)
    if clean.scores["stoi"] is not None:
        stoi = [each.scores["stoi"] or 0.0 for each in found]
        assert stoi[0] == pytest.approx(1)
        assert stoi[0] > stoi[1] > stoi[3] > stoi[2]


def test_the_page_from_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"path": f"{n}.flac", "speaker": "jfk", "text": ""} for n in range(3)]
    data = corpus(tmp_path / "speakers", rows)
    page, figures = tmp_path / "table.md", tmp_path / "figures.json"
    command = ["--data", str(data), "--clips", "1", "--trace", "ge40", "--jobs", "1"]
    command += ["--condition", "opus", "--condition", "lbrr", "--weights", "opus"]
    command += ["--out", str(page), "--json", str(figures), "--cache", str(tmp_path / "kept")]
    recipe.main(command)
    text = page.read_text()
    assert text in capsys.readouterr().out
    assert str(tmp_path) not in text  # it is read on other machines
    assert "`python -m recipes.dred.recipe --data speakers --clips 1" in text
    assert "Traces (generated" in text
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    for table in tables:
        assert len({line.count("|") for line in table}) == 1
    plcmos = tables[0]
    assert plcmos[0] == "| condition | kb/s | no loss | ge40 |"
    assert [row.split(" | ")[0] for row in plcmos[2:]] == [
        "| Opus 24k, its concealment",
        "| Opus 45k with LBRR, its concealment",
    ]
    about = json.loads(figures.read_text())
    assert about["kbps"]["opus"][0] == pytest.approx(23, abs=4)
    assert about["kbps"]["opus"][1] is None  # one speaker has no interval
    assert about["scores"]["lbrr"]["ge40"]["words_wrong"][0] is None  # the text is not known
    assert about["claims"] == []  # nothing of DRED was measured


def test_conditions_take_the_same_bitrate_but_for_the_one_that_says_so() -> None:
    keys = [condition.key for condition in CONDITIONS]
    assert len(set(keys)) == len(keys)
    for case in cases(("allears", "opus")):
        config = case.condition.config(case.weights)
        if config is None or case.condition.lossless or case.condition.redundancy == "none":
            continue
        total = config.bitrate * (1 + config.redundancy.red)
        if config.redundancy.dred:
            total += config.dred_bitrate or 20_000
        assert 43_000 <= total <= (53_000 if case.condition.key == "more" else 46_000)


def test_clips_are_of_speakers_who_are_not_trained_on(tmp_path: Path) -> None:
    books = corpus(
        tmp_path / "books",
        [
            {"path": "a.flac", "speaker": "learned", "text": "a", "split": "train"},
            {"path": "b.flac", "speaker": "kept", "text": "b", "split": "test"},
            {"path": "c.opus", "speaker": "kept", "text": "c", "split": "test"},
            {"path": "d.flac", "speaker": "kept", "text": "d", "split": "test"},
            {"path": "e.flac", "speaker": "kept", "text": "e", "split": "test"},
        ],
    )
    others = corpus(
        tmp_path / "others",
        [{"path": f"{n}.flac", "speaker": "learned", "text": "x"} for n in range(3)]
        + [{"path": f"{n}.flac", "speaker": "other", "text": "x" * (n < 8)} for n in range(3, 10)]
        + [{"path": "z.flac", "speaker": "brief", "text": "x"}],
    )
    found = clips([books, others], 0)
    assert [(clip.speaker, clip.name, clip.text) for clip in found] == [
        ("kept", "b+d+e", "b d e"),
        ("other", "3+4+5", "x x x"),
        ("other", "6+7+8", ""),  # of one part it is not known what was said
    ]
    assert all(len(clip.samples) == 3 * 2.5 * 16_000 for clip in found)
    assert [clip.name for clip in clips([books, others], 1)] == ["b+d+e"]
    (tmp_path / "others/utterances.csv").write_text("path,speaker\n0.flac,learned\n")
    (tmp_path / "books/utterances.csv").write_text("path,speaker,split\na.flac,learned,train\n")
    with pytest.raises(CorpusError, match="6 to 12 s"):  # nothing says that it was learned from
        clips([others], 0)
    with pytest.raises(CorpusError, match="not trained on"):
        clips([books, others], 0)


def test_clips_that_ship_are_taken_without_a_folder() -> None:
    found = clips([], 16)
    assert [len(clip.samples) for clip in found] == [len(speech("lj")), len(speech("jfk"))]
    assert all(clip.text for clip in found)


def test_traces_are_read_or_generated_alike(tmp_path: Path) -> None:
    (made,) = traces(None, ["lossgen20"], seed=3)
    assert made.rate == pytest.approx(0.203, abs=0.03)
    (tmp_path / "lossgen20.txt").write_text("\n".join(str(int(flag)) for flag in made.flags))
    assert traces(tmp_path, ["lossgen20"], seed=0) == [made]
    one, other = made.turned("one", 0), made.turned("other", 0)
    assert one != other
    assert sum(one) == sum(other) == sum(made.flags)
    assert one == made.turned("one", 0) != made.turned("one", 1)
    with pytest.raises(CorpusError, match="ge20"):
        traces(tmp_path, ["ge20"], seed=0)
    (tmp_path / "ge20.txt").write_text("0 2")
    with pytest.raises(ParseError, match=r"ge20\.txt.*'2'"):
        traces(tmp_path, ["ge20"], seed=0)


def test_a_measurement_survives_its_line() -> None:
    scores = {"plcmos": 3.1, "pesq_wb": None, "stoi": 0.9}
    before = Measurement("k", "opus", "ge20", "c", "s", scores, 1, 5, 2.0, 9.0, 0.0, 3, 1, ("why",))
    line = json.dumps({name: getattr(before, name) for name in before.__slots__})
    assert Measurement.parse(line) == before
    with pytest.raises(TypeError):
        Measurement.parse("{}")
