"""A room with a small untrained network of voices, clips, and lists of trials of them."""

import csv
from dataclasses import replace

import numpy as np
import soundfile

from allears.speaker.bundle import serialise
from tests.real import speech
from tests.speaker.material import voices
from tests.speaker.small import exported

RATE = 16_000
OURS = ("--model", "small.safetensors")
LIST = ("first", "second", "same", "first_speaker", "second_speaker", "sex_1", "sex_2", "kind")


def furnish(room):
    """Networks and clips."""
    made = exported()
    (room / "small.safetensors").write_bytes(serialise(made))
    # Parts of a clip of two are known to be below this line, those of clips of one above.
    steep = replace(made, about=replace(made.about, top=0, slope=400.0, offset=-360.0))
    (room / "steep.safetensors").write_bytes(serialise(steep))
    other = dict(made.weights)
    name = next(iter(other))
    other[name] = other[name] * np.asarray(1.001, other[name].dtype)
    (room / "other.safetensors").write_bytes(serialise(replace(made, weights=other)))
    clips = {
        "a": speech("lj", 3), "b": speech("jfk", 3), "brief": speech("lj", 1.2),
        "two": np.concatenate((speech("lj", 4), speech("jfk", 4))), "long": speech("jfk"),
        "tenth": speech("lj", 0.1), "quiet": np.zeros(RATE, np.float32), "none": np.zeros(0),
    }  # fmt: skip
    for each, samples in clips.items():
        soundfile.write(room / f"{each}.wav", samples, RATE)
    broken = speech("lj", 2).copy()
    broken[-1] = np.nan
    soundfile.write(room / "nan.wav", broken, RATE, subtype="FLOAT")
    (room / "text.wav").write_text("no sound\n" * 99)
    (room / "folder.wav").mkdir()


def pairs(room):
    """Every pair of utterances of six speakers, three of whom are women: rows as a list has them."""
    sound = voices()
    (room / "clips").mkdir()
    for number in range(len(sound.utterances)):
        soundfile.write(room / f"clips/{number}.flac", sound.samples(number), RATE)
    speakers = [each.speaker for each in sound.utterances]
    return [
        [f"clips/{one}.flac", f"clips/{other}.flac", int(speakers[one] == speakers[other]),
         speakers[one], speakers[other], _sex(speakers[one]), _sex(speakers[other]),
         ("near", "far")[(one + other) % 2]]
        for one in range(len(speakers)) for other in range(one + 1, len(speakers))
    ]  # fmt: skip


def write(path, rows, head=LIST):
    """A list of trials."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def _sex(speaker):
    return "female" if speaker.startswith("lj") else "male"
