"""Recordings of people whose voices are tones, a recogniser that has to learn them, and an audit of it."""

import atexit
import csv
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch

from allears.asr import checkpoint
from allears.corpus import recordings
from tests.mitigation.material import TOKENS, transducer

RATE = 16_000
PITCHES = {"north": 300.0, "south": 1300.0}
WORDS = {"south": "a", "north": "b"}
COLUMNS = ("path", "speaker", "text", "accent", "latitude", "longitude", "age")


def tone(accent, random):
    """A word is a pitch, a third of a second long."""
    pitch = PITCHES[accent] * random.uniform(0.97, 1.03)
    time = np.arange(int(0.35 * RATE)) / RATE
    whole = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.003 * random.standard_normal(len(time))
    return whole.astype(np.float32)


def table(folder, people=6, each=2, **columns):
    """A folder with utterances.csv: so many speakers of each accent, in the north and the south of a map."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    rows = []
    for accent in PITCHES:
        for person in range(people):
            name = f"{accent}{person}"
            place = 40.0 if accent == "north" else 30.0, -90.0 + person
            for number in range(each):
                path = f"{name}-{number}.wav"
                soundfile.write(folder / path, tone(accent, random), RATE)
                age = ("young", "old")[person % 2]
                row = dict(
                    zip(COLUMNS, (path, name, WORDS[accent], accent, *place, age), strict=True)
                )
                rows.append(row | {key: value(row) for key, value in columns.items()})
    write(folder, rows)
    return folder


def write(folder, rows):
    with (folder / recordings.TABLE).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read(folder):
    with (folder / recordings.TABLE).open(newline="") as file:
        return list(csv.DictReader(file))


def group(name, rule, **changed):
    """A row of an audit's JSON."""
    row = {"grouping": "accent", "kind": "named", "group": name, "wer": 0.5, "ratio": 2.0, "shrunk": 0.4,
           "p": 0.001, "significant": True, "rule": rule}  # fmt: skip
    return row | changed


GROUPS = (
    group("south", {"labels": {"accent": "south"}}),
    group("north", {"labels": {"accent": "north"}}, wer=0.1, ratio=0.5, shrunk=0.1),
)


def audit(path, groups=GROUPS, **rest):
    path.write_text(
        json.dumps({"source": "results.csv", "groups": list(groups), "settings": {}} | rest)
    )
    return path


@cache
def base():
    """A checkpoint of a recogniser that hears nothing yet: every word is an error."""
    folder = Path(tempfile.mkdtemp(prefix="allears-tones-"))
    atexit.register(shutil.rmtree, folder)
    with torch.random.fork_rng():
        checkpoint.save(transducer(dropout=0.0), TOKENS, folder / "model.safetensors")
    return folder / "model.safetensors"
