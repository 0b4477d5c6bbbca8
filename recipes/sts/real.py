"""Real meetings and a real talk: who spoke when, and how many turns, against what people marked.

    python -m recipes.sts.real --data DATA      # DATA/conversations: recordings.csv, audio, RTTM

Nothing was trained on these recordings (of their labels, pauses and overlaps were fitted: `timing`), and nothing
was decided by them. A rival who says that one person speaks all along stands beside.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import track

from allears.audio.blocks import Blocks
from allears.audio.mel import RATE
from allears.corpus.mixtures import rttm
from allears.outputs import write_whole
from allears.parties.events import Event, Kind
from allears.parties.live import Converser
from allears.parties.opening import open_converser
from allears.score.bootstrap import estimate, ratio
from allears.score.diarisation import DiarisationErrors, diarisation_errors
from allears.score.segments import Segment
from recipes.sts.table import percent, table

HERE = Path(__file__).parent
COLLAR_S = 0.25
_PIECE = RATE // 10


class Scored(NamedTuple):
    """One recording: errors of ours and of one person all along, turns marked and turns told."""

    name: str
    speakers: int
    ours: DiarisationErrors
    one: DiarisationErrors
    said: int
    told: int


def main() -> None:
    """Hear them all and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--model", type=Path, help="else the one that ships")
    wish = parser.parse_args()
    folder: Path = wish.data / "conversations"
    found = list(_meetings(folder, open_converser(wish.model)))
    write_whole(HERE / "real.md", _page(found, _talk(folder / "audio", wish.model)).encode())


def _meetings(folder: Path, converser: Converser) -> Iterator[Scored]:
    with (folder / "recordings.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["rttm"]]
    for row in track(rows, "meetings"):
        (spans,) = rttm.read(folder / row["rttm"]).values()
        truth = [Segment(each.speaker, each.start, each.end) for each in spans]
        turns = [turn for turn in turns_told(converser, folder / row["path"]) if turn.text]
        heard = [Segment(turn.speaker, turn.start, max(turn.start, turn.end)) for turn in turns]
        whole = [Segment("one", float(row["scored_from"]), float(row["scored_to"]))]
        ours, one = (diarisation_errors(truth, each, COLLAR_S) for each in (heard, whole))
        name, speakers = Path(row["path"]).stem, len({each.speaker for each in spans})
        yield Scored(name, speakers, ours, one, len(spans), len(turns))


def turns_told(converser: Converser, recording: Path) -> list[Event]:
    """The end of each turn, in the order of their ends."""
    stream, events = converser.stream(), list[Event]()
    for block in Blocks(recording, RATE):
        for at in range(0, len(block), _PIECE):
            events += stream.accept(block[at : at + _PIECE])
    events += stream.finish()
    return [each for each in events if each.kind is Kind.TURN_END]


def _talk(audio: Path, model: Path | None) -> dict[str, list[Event]]:
    """What is told of a talk of two, strangers and enrolled."""
    clips = {"Katie": audio / "enrol_katie.flac", "Steve": audio / "enrol_steve.flac"}
    ways = {"strangers": None, "enrolled": clips}
    return {
        name: turns_told(open_converser(model, enrolled=known), audio / "katie_steve.flac")
        for name, known in track(ways.items(), "a talk of two")
    }


def _page(found: Sequence[Scored], talk: dict[str, list[Event]]) -> str:
    lines = [
        "# Real meetings, and a real talk of two",
        "",
        f"Written by `python -m recipes.sts.real` on {datetime.now(UTC):%Y-%m-%d}. Diarisation error rate in per "
        f"cent, collar {COLLAR_S} s, overlap scored; in brackets what is missed, falsely told and confused, in "
        "the last row 95 % intervals over recordings. Nothing was trained on these recordings nor decided by "
        "them. Turns are those in which words were told.",
        "",
        "## Excerpts of AMI, 30 s each, one microphone on the table",
        "",
        *table(
            ["excerpt", "speakers", "turns marked", "turns told", "DER", "of one person all along"],
            [*map(_row, found), _all(found)],
        ),
        "",
        "## A talk of two, 29 s; nobody marked its turns",
        "",
        *table(["", "who, by when they begin"], [[name, _who(turns)] for name, turns in talk.items()]),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _row(each: Scored) -> list[str]:
    counts = [str(count) for count in (each.speakers, each.said, each.told)]
    return [each.name, *counts, _errors(each.ours), _errors(each.one)]


def _all(found: Sequence[Scored]) -> list[str]:
    names = [each.name for each in found]
    turns = [str(sum(each.said for each in found)), str(sum(each.told for each in found))]
    rates = [
        percent(estimate(names, np.array([each.fraction for each in errors], float), ratio))
        for errors in ([each.ours for each in found], [each.one for each in found])
    ]
    return ["all", "", *turns, *rates]


def _errors(errors: DiarisationErrors) -> str:
    kinds = errors.missed, errors.false_alarm, errors.confusion
    shares = " + ".join(f"{100 * each / max(1, errors.scored):.0f}" for each in kinds)
    return f"{100 * errors.rate:.0f} ({shares})"


def _who(turns: Sequence[Event]) -> str:
    ordered = sorted((turn for turn in turns if turn.text), key=lambda turn: turn.start)
    return ", ".join(f"{turn.speaker or '?'} {turn.start:.1f}–{turn.end:.1f}" for turn in ordered)


if __name__ == "__main__":
    main()
