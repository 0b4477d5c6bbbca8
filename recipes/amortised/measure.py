"""What a model costs: multiply-adds by its own gates on real speech, and seconds of one core, taken honestly.

Process time, the shortest of several rounds in which models take turns; the machine may be shared. One stream;
either whole utterances at once, or eight frames (320 ms) at a time as they arrive.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from allears.asr import checkpoint
from allears.asr.arbitration import open_shares
from allears.asr.encoders.amortised import Amortised
from allears.asr.encoders.skipping import Skipping
from allears.asr.model import Transducer
from allears.asr.torch_networks import TorchNetworks
from allears.audio import mel
from allears.corpus.sound import Sound
from allears.nn.macs import macs_per_frame
from recipes.recognition import judge
from recipes.recognition.judge import Heard

Mels = Sequence[Float32[np.ndarray, "time bands"]]

CHUNK = 8
"""Frames at a time of what streams."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of one core for a second of audio: whole utterances, and chunks."""

    whole: float
    chunks: float


def spread(sets: Mapping[str, Sound], bands: int, count: int) -> Mels:
    """Log-mel frames of `count` utterances of each set, evenly chosen."""
    found = []
    for sound in sets.values():
        for index in np.linspace(0, len(sound) - 1, min(count, len(sound))).astype(int):
            found.append(mel.whole(sound.samples(int(index)), bands))
    return found


def heard(path: Path, sets: Mapping[str, Sound], threshold: float) -> dict[str, list[Heard]]:
    """What a model hears in each set; kept beside it."""
    found = {}
    model, tokens = checkpoint.load(path)
    if isinstance(model.encoder, Amortised):
        model.encoder.threshold = threshold
    for name, sound in sets.items():
        kept = path.with_name(f"heard-{name}{f'@{threshold:g}' if threshold else ''}.jsonl")
        if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
            judge.keep(judge.hear(TorchNetworks(model, tokens), sound), kept)
        found[name] = judge.kept(kept)
    return found


def macs(model: Transducer, mels: Mels) -> float:
    """Multiply-adds of the encoder for a frame, as its gates are on these recordings."""
    whole = macs_per_frame(model.encoder)
    if not isinstance(model.encoder, Amortised):
        return float(whole)
    share, _ = open_shares(model, [torch.from_numpy(each) for each in mels])
    return share * whole


def clocks(models: Mapping[str, Transducer], mels: Mels, rounds: int = 5) -> dict[str, Clock]:
    """Each model's encoder, skipping what it can; "ungated, torch" is that of the first as torch runs it."""
    torch.set_num_threads(1)
    runners = {name: _skipping(model, mels) for name, model in models.items()}
    first = next(iter(models))
    runners = {f"{first}, torch": _torch(models[first], mels), **runners}
    best = {name: [np.inf, np.inf] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            for kind in range(2):
                best[name][kind] = min(best[name][kind], _seconds(run[kind]))
    audio = sum(len(each) for each in mels) * mel.HOP / mel.RATE
    return {name: Clock(whole / audio, chunks / audio) for name, (whole, chunks) in best.items()}


Runs = tuple[Callable[[], None], Callable[[], None]]


def _skipping(model: Transducer, mels: Mels) -> Runs:
    encoder, inputs = Skipping(model.encoder), _frames(model, mels)

    def whole() -> None:
        for each in inputs:
            encoder(each, encoder.initial_state(1))

    def chunks() -> None:
        for each in inputs:
            state = encoder.initial_state(1)
            for start in range(0, each.shape[1], CHUNK):
                _, state = encoder(each[:, start : start + CHUNK], state)

    return whole, chunks


def _torch(model: Transducer, mels: Mels) -> Runs:
    encoder = model.encoder
    inputs = [torch.from_numpy(each) for each in _frames(model, mels)]

    @torch.inference_mode()
    def whole() -> None:
        for each in inputs:
            encoder(each, encoder.initial_state(1))

    @torch.inference_mode()
    def chunks() -> None:
        for each in inputs:
            state = encoder.initial_state(1)
            for part in each.split(CHUNK, 1):
                _, state = encoder(part, state)

    return whole, chunks


def _frames(model: Transducer, mels: Mels) -> list[Float32[np.ndarray, "1 time inputs"]]:
    """As they enter the encoder."""
    stack, bands = model.config.stack, model.config.bands
    mean, scale = model.mean.numpy(), model.scale.numpy()
    cut = [(each[: len(each) // stack * stack] - mean) * scale for each in mels]
    return [each.reshape(1, -1, stack * bands).astype(np.float32) for each in cut]


def _seconds(work: Callable[[], None]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
