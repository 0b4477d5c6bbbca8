"""What deep redundancy and neural concealment cost, on one core: one stream, and 64 in a batch.

The same real speech in the same process. Beside them, in the same rounds, libopus encoding that speech: the
work that all of this comes on top of. Times are the shortest of all rounds, since whatever else a machine does
only adds; rounds of everything take turns. A stream's share of a core is the time that its audio takes over how
long the audio lasts.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import soundfile
from rich.progress import track

from allears.audio.libopus import Encoder
from allears.demo import CLIPS
from allears.nn import batch
from allears.redundancy.decoder import Recovery, RedundancyDecoder
from allears.redundancy.encoder import RedundancyEncoder, advance
from allears.redundancy.model import RedundancyModel
from allears.redundancy.quality import RedundancyQuality
from allears.voice.concealer import Concealer, Features
from allears.voice.model import VoiceModel
from allears.voice.together import run as together
from allears.weights import store
from tables import Run, arguments

RATE, SIZE, STREAMS = 16_000, 320, 64
DEEP, FIRST = "encode 1.04 s of redundancy", "first 20 ms after a burst of 1 s"
BURST = 50
"""Packets of 20 ms in the burst after which the first frame is awaited: a second."""


def speech() -> np.ndarray:
    """A shipped clip in frames of 20 ms."""
    samples, _ = soundfile.read(CLIPS / "lj.flac", dtype="float32")
    return np.asarray(samples[: len(samples) // SIZE * SIZE].reshape(-1, SIZE))


def told(model: VoiceModel, frames: np.ndarray) -> Callable[[int], Features]:
    """What redundancy would tell of the frames from a number on."""
    extracted, _ = model.extractor(frames.reshape(1, -1), model.extractor.initial_state(1))
    features = extracted[0]

    def around(number: int) -> Features:
        return lambda ahead: features[min(2 * number + ahead, len(features) - 1)]

    return around


def shortest(rounds: int, work: Callable[[], None]) -> float:
    """Seconds that `work` takes."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def encode_opus(frames: np.ndarray, rounds: int) -> float:
    """Seconds that libopus takes for a frame at 24 kb/s."""
    encoder = Encoder(RATE, bitrate=24_000)

    def work() -> None:
        for frame in frames:
            encoder.encode(frame)

    return shortest(rounds, work) / len(frames)


def speak(model: VoiceModel, frames: np.ndarray, streams: int, rounds: int) -> float:
    """Seconds that a frame takes for all `streams` together, everything lost and told of."""
    tell = told(model, frames)
    concealers = [Concealer(model) for _ in range(streams)]
    for each in concealers:
        each.hear(frames[:20].ravel())
    count = 25

    def work() -> None:
        for number in range(20, 20 + count):
            together(model, [each.speaking(SIZE, tell(number)) for each in concealers])

    return shortest(rounds, work) / count


def vocode(model: VoiceModel, frames: np.ndarray, streams: int, rounds: int) -> float:
    """Seconds that the vocoder alone takes for 20 ms of all `streams`, without a pause."""
    extracted, _ = model.extractor(frames.reshape(1, -1), model.extractor.initial_state(1))
    features = extracted[0]
    state = model.vocoder.begin(frames[:1], features[None, :5])
    states = batch.joined([state] * streams)
    count = 50

    def work() -> None:
        state = states
        for number in range(100, 100 + count):
            given = np.repeat(features[None, number], streams, 0)
            _, state = model.vocoder.step(given, state)

    return shortest(rounds, work) / count * 2


def encode(model: RedundancyModel, frames: np.ndarray, streams: int, rounds: int) -> float:
    """Seconds that a frame takes for all `streams`: features, codec, and a payload of 1.04 s each."""
    encoders = [RedundancyEncoder(model, RATE) for _ in range(streams)]
    quality = RedundancyQuality()
    feed(encoders, frames[:60])
    count = 10

    def work() -> None:
        for frame in frames[60 : 60 + count]:
            feed(encoders, frame[None])
            for each in encoders:
                each.payload(quality, 0.02)

    return shortest(rounds, work) / count


def feed(encoders: list[RedundancyEncoder], frames: np.ndarray) -> None:
    """Push the same frames to all."""
    for frame in frames:
        for each in encoders:
            each.keep(frame)
        advance(encoders)


def first_frame(
    codec: RedundancyModel, voice: VoiceModel, frames: np.ndarray, rounds: int
) -> float:
    """Seconds from the packet after a burst of a second until its first 20 ms are there."""
    encoder = RedundancyEncoder(codec, RATE)
    for frame in frames[: BURST + 30]:
        encoder.push(frame)
    payload = encoder.payload(RedundancyQuality(), 0.02)
    assert payload is not None
    seconds = []
    for _ in range(rounds):
        concealer = Concealer(voice)
        concealer.hear(frames[:29].ravel())
        begin = time.perf_counter()
        recovery = RedundancyDecoder(codec).parse(payload)
        concealer.speak(SIZE, partial(_since, recovery))
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def _since(recovery: Recovery, ahead: int) -> np.ndarray | None:
    """Features counted from where the burst began."""
    return recovery.features(10.0 * ahead - 20.0 * BURST)


def measured(frames: np.ndarray, rounds: int) -> dict[tuple[str, str, int], float]:
    """Seconds by weights, work and streams."""
    found = {("libopus", "encode 24 kb/s", 1): encode_opus(frames, rounds)}
    for name in [each for each in ("allears", "opus") if store.folder_of(each).is_dir()]:
        models = store.models(name)
        codec, voice = RedundancyModel(models), VoiceModel(models)
        vocoder = f"vocoder alone ({models.vocoder.kind})"
        for streams in (1, STREAMS):
            found |= {
                (name, DEEP, streams): encode(codec, frames, streams, rounds),
                (name, vocoder, streams): vocode(voice, frames, streams, rounds),
                (name, "speak, everything lost", streams): speak(voice, frames, streams, rounds),
            }
        found[name, FIRST, 1] = first_frame(codec, voice, frames, rounds)
    return found


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, rounds=5, turns=6)
    frames = speech()
    turns = [measured(frames, options.rounds) for _ in track(range(options.turns))]
    least = {key: min(turn[key] for turn in turns) for key in turns[0]}
    (opus, *_) = least.values()
    rows = []
    for (name, what, streams), seconds in least.items():
        first = what == FIRST
        share = (
            ["–", "–", "–"]
            if first
            else [*shares(seconds, streams), f"{seconds / streams / opus:.2f}"]
        )
        rows.append([name, what, streams, f"{seconds * 1e3:.2f}", *share])
    head = [
        "weights",
        "work",
        "streams",
        "ms for 20 ms",
        "real-time factor",
        "streams a core",
        "× libopus",
    ]
    Run("dred.md", __doc__).table(head, rows)


def shares(seconds: float, streams: int) -> list[str]:
    """The share of a core that each stream takes, and how many fill a core."""
    share = seconds / 0.02 / streams
    return [f"{share:.4f}", f"{1 / share:.0f}"]


if __name__ == "__main__":
    main()
