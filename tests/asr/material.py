"""The shipped clips as a corpus: phrases, their texts, where they are spoken."""

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from allears.asr import training
from allears.asr.task import Lesson
from allears.asr.tokens import Characters
from allears.corpus import recordings, sound
from allears.train.schedule import Plan
from tests import once
from tests.real import CLIPS

PHRASES = (
    ("jfk", 0.2, 2.3, "And so, my fellow Americans:"),
    ("jfk", 3.2, 4.4, "ask not"),
    ("jfk", 5.3, 7.7, "what your country can do for you;"),
    ("jfk", 8.1, 10.6, "ask what you can do for your country."),
    (
        "lj",
        0.0,
        4.0,
        "The invention of movable metal letters in the middle of the fifteenth century",
    ),
    ("lj", 4.2, 5.8, "may justly be considered"),
    ("lj", 6.0, 8.1, "as the invention of the art of printing."),
)
FOUR = PHRASES[:4]


def table(folder, phrases=PHRASES, split="train", **changed):
    """A folder with utterances.csv; what is `changed` is a column's cell in the second row."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["path", "speaker", "split", "start_s", "duration_s", "text"]
    rows = [
        [CLIPS / f"{clip}.flac", clip, split, start, round(end - start, 2), text]
        for clip, start, end, text in phrases
    ]
    for column, cell in changed.items():
        rows[1][columns.index(column)] = cell
    with (folder / recordings.TABLE).open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return folder


def packed(folder: Path, phrases=PHRASES):
    """Their sound."""
    sound.build(recordings.read(table(folder / "table", phrases)), folder / "pack")
    return sound.load(folder / "pack")


@cache
def taught():
    """A checkpoint of a model that has learnt the first four phrases by heart, and their sound."""
    tokens, plan = Characters(), Plan(130, 5e-3, warmup=10, average=0.9)
    lesson = Lesson(simply=10, plainly=1000)
    course = training.course_of("lstm", 200_000, tokens.size, plan, lesson)
    course = replace(course, encoder=course.encoder | {"dropout": 0.0})

    def teach(folder):
        with torch.random.fork_rng():
            training.teach(course, packed(folder, FOUR), None, tokens, folder, distort=None)

    folder = once.made("phrases", teach)
    return folder / course.name / training.CHECKPOINT, sound.load(folder / "pack")
