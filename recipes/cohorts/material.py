"""Results, voices and places for the comparison: heard, computed, or dealt out by chance, and said so."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from rich.progress import track

from allears.audio import files, mel, resample
from allears.corpus import recordings
from allears.corpus.recordings import Utterance
from allears.fairness.cohorts.census import Census
from allears.fairness.sums import UNKNOWN, Sums
from allears.outputs import write_whole
from allears.score.words import recognise

FIELDS = ("utterance", "speaker", "reference", "hypothesis")
BANDS = 40


def heard(folder: Path, runs: Path, each: int) -> Path:
    """What PocketSphinx hears of the first recordings of every speaker; kept as it goes on."""
    runs.mkdir(parents=True, exist_ok=True)
    path = runs / f"{folder.name}-{each}.csv"
    rows = [*csv.reader(path.open(newline=""))] if path.exists() else [list(FIELDS)]
    done = {row[0] for row in rows}
    for number, one in enumerate(track(chosen(recordings.read(folder), each), "hearing"), 1):
        name = str(one.path.relative_to(folder))
        if name not in done:
            rows.append([name, one.speaker, one.text, " ".join(recognise(samples(one)))])
        if number % 100 == 0:
            _keep(rows, path)
    _keep(rows, path)
    return path


def chosen(utterances: Sequence[Utterance], each: int) -> list[Utterance]:
    """The first `each` of every speaker of which the text is known."""
    found: dict[str, list[Utterance]] = {}
    for one in utterances:
        if one.text:
            found.setdefault(one.speaker, []).append(one)
    return [one for theirs in found.values() for one in theirs[:each]]


def samples(one: Utterance) -> np.ndarray:
    """A recording at 16 kHz in ±1."""
    recording = files.read(one.path)
    return resample.resample(recording.samples, recording.rate, mel.RATE)


def completed(
    sums: Sums, zip_column: str | None, census: Census, folder: Path, seed: int
) -> tuple[Sums, list[str]]:
    """With a label `zip` and voices for everybody, and what has to be said of how they came about."""
    notes = []
    if zip_column is None:
        sums = with_zips(sums, census, seed)
        notes.append(
            "Nothing is known of where these speakers live: zip codes were dealt to them at random, by "
            f"population (seed {seed}). Whatever is found by them is chance, which held-out figures show."
        )
    if sums.voices is None:
        sums = replace(sums, voices=voices(sums.speakers, folder))
        notes.append(
            f"Voices: means and deviations of {BANDS} log-mel bands of a speaker, each band centred and scaled "
            "over the speakers. They know the microphone as well as the voice; no embedder was trained."
        )
    return sums, notes


def with_zips(sums: Sums, census: Census, seed: int) -> Sums:
    """Zip codes dealt to speakers, as many people as live there as likely."""
    people = np.nan_to_num(census.amounts.get("population", np.ones(len(census.zips))))
    draw = np.random.default_rng(seed)
    home = draw.choice(len(census.zips), len(sums.speakers), p=people / people.sum())
    there, code = np.unique(home, return_inverse=True)
    labels = tuple(census.zips[each] for each in there)
    codes = np.concatenate((sums.codes, code[sums.speaker, None]), 1)
    return replace(sums, columns=(*sums.columns, "zip"), values=(*sums.values, labels), codes=codes)


def voices(
    speakers: Sequence[str], folder: Path, most: int = 6
) -> Float64[np.ndarray, "speakers size"]:
    """Unit vectors of speakers' spectra; NaN for those of whom there is no recording."""
    theirs: dict[str, list[np.ndarray]] = {}
    for one in track(chosen(recordings.read(folder), most), "voices"):
        theirs.setdefault(one.speaker, []).append(mel.whole(samples(one), BANDS))
    size = np.full(2 * BANDS, np.nan)
    return standard(
        np.array([spectrum(theirs[each]) if each in theirs else size for each in speakers])
    )


def spectrum(mels: Sequence[np.ndarray]) -> np.ndarray:
    """Means and deviations of bands over the louder half of the windows."""
    frames = np.concatenate(mels)
    loud = frames[frames.mean(1) >= np.median(frames.mean(1))]
    return np.concatenate((loud.mean(0), loud.std(0)))


def standard(vectors: np.ndarray) -> np.ndarray:
    """Each entry centred and scaled over those known, then every vector of length 1."""
    spread = np.nanstd(vectors, 0)
    scaled = (vectors - np.nanmean(vectors, 0)) / np.where(spread > 0, spread, 1)
    found: np.ndarray = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return found


def known(sums: Sums, column: str) -> int:
    """How many speakers have a label there."""
    codes = sums.codes[:, sums.columns.index(column)]
    return len(np.unique(sums.speaker[codes != UNKNOWN]))


def _keep(rows: Sequence[Sequence[str]], path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    write_whole(path, text.getvalue().encode())
