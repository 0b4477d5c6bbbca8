"""Every block of code in the documentation runs."""

import random
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from allears.audio import files
from allears.wire.bitfile import BitPacket, serialise
from tests.real import CLIPS, REPOSITORY, packets, speech

README = (REPOSITORY / "README.md").read_text()
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *(REPOSITORY / "docs").glob("*.md"),
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks("python")
    assert len(code) == 2
    names: dict[str, object] = {}
    for block in code:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "kb/s" in printed and "'received'" in printed and "received 50" in printed


def commands() -> list[str]:
    lines = "\n".join(blocks("console")).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("allears ")]


def results(seed: int) -> str:
    """A table of what 60 speakers said and what was recognised."""
    speech, draw = random.Random(0), random.Random(seed)
    rows = ["utterance,speaker,accent,gender,age,reference,hypothesis"]
    for number in range(240):
        speaker = number % 60
        said = [speech.choice(("one", "two", "three")) for _ in range(8)]
        heard = [each if draw.random() > 0.2 else "four" for each in said]
        labels = f"{['north', 'south'][speaker % 2]},{['female', 'male'][speaker // 2 % 2]},young"
        rows.append(f"{number},s{speaker:02},{labels},{' '.join(said)},{' '.join(heard)}")
    return "\n".join(rows)


def trials(seed: int) -> str:
    """Scores of 20 speakers, each against each."""
    draw = random.Random(seed)
    rows = ["score,target,enrolled,test,enrolled_gender,test_gender"]
    for one in range(20):
        for other in range(20):
            genders = ",".join(("female", "male")[each % 2] for each in (one, other))
            score = draw.gauss(2 * (one == other), 1)
            rows.append(f"{score:.3f},{int(one == other)},s{one},s{other},{genders}")
    return "\n".join(rows)


def voices(folder: Path) -> None:
    """Ann, who is recorded three times, and somebody else; who is compared with whom."""
    ann, somebody = speech(seconds=6), speech("jfk", 4)
    for name, part in (("ann", ann[:48_000]), ("ann1", ann[:40_000]), ("ann2", ann[40_000:])):
        files.write_wav(folder / f"{name}.wav", part, 16_000)
    files.write_wav(folder / "somebody.wav", somebody, 16_000)
    pairs = ["ann1.wav,ann2.wav,1", "ann.wav,ann2.wav,1", "ann1.wav,somebody.wav,0"]
    (folder / "pairs.csv").write_text("\n".join(["first,second,same", *pairs]))


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    files.write_wav(tmp_path / "speech.wav", speech(seconds=2), 16_000)
    stored = [BitPacket(packet, 0) for packet in packets()[:100]]
    (tmp_path / "packets.bit").write_bytes(serialise(stored))
    (tmp_path / "loss.txt").write_text("0 0 1 0 0 0 0 1 1 0\n")
    for name, seed in (("results.csv", 0), ("other.csv", 1)):
        (tmp_path / name).write_text(results(seed))
    (tmp_path / "trials.csv").write_text(trials(0))
    voices(tmp_path)
    # A second machine, the release of Opus and hours of speech are not at hand.
    elsewhere = (
        "--to 192.",
        "--listen",
        "weights import",
        "--weights opus",
        "allears train",
        "--mic",
    )
    elsewhere += ("mine.safetensors", "sherpa-onnx", "--ray", "--census", "allears mitigate")
    simulated = [each for each in commands() if not any(word in each for word in elsewhere)]
    assert len(simulated) == 17
    for command in simulated:
        arguments = shlex.split(command)[1:]
        if arguments[0] == "call":
            arguments.append("--no-scores")
        run = subprocess.run(
            [sys.executable, "-c", "from allears.cli.main import main; main()", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, (command, run.stderr)
        quiet = "--csv" in command or "--to" in command
        assert run.stdout or quiet or (tmp_path / "speech.srt").stat().st_size


def test_make_knows_what_the_readme_promises() -> None:
    rules = (REPOSITORY / "Makefile").read_text()
    for name in re.findall(r"make (\w+)", README + (REPOSITORY / "CONTRIBUTING.md").read_text()):
        if name in ("demo", "test", "format", "fuzz", "bench"):
            assert re.search(rf"^{name}:", rules, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_docs_link_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_docs_name_is_there(page: Path) -> None:
    """Every `room.module` and `room.module.name` in backquotes can be imported."""
    import importlib

    rooms = "cli|demo|link|audio|wire|score"
    found = re.findall(
        rf"`(?:allears\.)?((?:{rooms})\.[a-z_]+)(?:\.([A-Za-z_]+))?", page.read_text()
    )
    for module, name in found:
        loaded = importlib.import_module(f"allears.{module}")
        assert not name or hasattr(loaded, name), f"{module}.{name}"


def test_the_clips_say_whose_they_are() -> None:
    listed = (CLIPS / "README.md").read_text()
    for clip in CLIPS.glob("*.flac"):
        assert f"`{clip.name}`" in listed and "public domain" in listed
