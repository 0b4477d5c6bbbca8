"""Recordings packed for training: all samples end to end in one array, all their features in another.

Both are memory-mapped, so that many hours need no memory, and written once. The pitch is that of the
offline tracker, which sees the whole recording; the network that follows it live learns from it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16

from allears.audio import bark, files, pitch, tracker
from allears.corpus import sound
from allears.corpus.recordings import CorpusError, Utterance
from allears.outputs import write_whole

FEATURES = 20
HEARD = pitch.TURNS + pitch.LAGS


@dataclass(frozen=True, slots=True)
class Pack:
    """`samples` at 16 kHz; `features` (18 cepstra, pitch, correlation) of every 160 of them; `heard`
    what a pitch network is given; `bounds` the first frame of each recording, and the end."""

    samples: Int16[np.ndarray, " samples"]
    features: Float32[np.ndarray, "frames 20"]
    heard: np.ndarray
    bounds: tuple[int, ...]
    speakers: tuple[str, ...]


def build(
    utterances: Sequence[Utterance], folder: Path, progress: Callable[[float], None] | None = None
) -> None:
    """Pack `utterances` into `folder`, unless it is there already."""
    if (folder / "index.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    bounds, frames = [0], 0
    with (
        (folder / "samples.i16").open("wb") as samples_file,
        (folder / "features.f32").open("wb") as features_file,
        (folder / "heard.f16").open("wb") as heard_file,
    ):
        for number, utterance in enumerate(utterances):
            samples = _hops(utterance)
            features, heard = analyse(samples)
            samples_file.write(files.to_int16(samples).tobytes())
            features_file.write(features.tobytes())
            heard_file.write(heard.astype(np.float16).tobytes())
            frames += len(features)
            bounds.append(frames)
            if progress:
                progress((number + 1) / len(utterances))
    about = {"bounds": bounds, "speakers": [each.speaker for each in utterances]}
    write_whole(folder / "index.json", json.dumps(about).encode())


def load(folder: Path) -> Pack:
    """A pack that `build` wrote. Raises CorpusError where there is none."""
    try:
        about = json.loads((folder / "index.json").read_text())
        frames = about["bounds"][-1]
        samples = np.memmap(folder / "samples.i16", np.int16, "r", shape=(frames * bark.HOP,))
        features = np.memmap(folder / "features.f32", np.float32, "r", shape=(frames, FEATURES))
        heard = np.memmap(folder / "heard.f16", np.float16, "r", shape=(frames, HEARD))
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(
            f"{folder}: no pack of recordings ({error}); delete it to pack again"
        ) from None
    return Pack(samples, features, heard, tuple(about["bounds"]), tuple(about["speakers"]))


def analyse(
    samples: Float32[np.ndarray, " samples"],
) -> tuple[Float32[np.ndarray, "frames 20"], Float32[np.ndarray, "frames heard"]]:
    """Features of a recording (whole hops), its pitch tracked, and what a network hears of it."""
    analysis, _ = pitch.analyse(samples[None], pitch.initial_state(1))
    tracked = tracker.track(analysis.lags[0])
    periodic = pitch.correlation(analysis, tracked[None])[0]
    features = np.concatenate((analysis.cepstra[0], tracked[:, None], periodic[:, None]), 1)
    return features, np.concatenate((analysis.turns[0], analysis.lags[0]), 1)


def _hops(utterance: Utterance) -> Float32[np.ndarray, " samples"]:
    samples = sound.read(utterance)
    return samples[: len(samples) // bark.HOP * bark.HOP]
