"""The demonstration itself: two real voices, one bursty network, one budget, every redundancy."""

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soundfile
from jaxtyping import Float32

from allears import __version__
from allears.audio.libopus import features
from allears.demo import CLIPS
from allears.demo.page import Clip, Page, Take
from allears.link import neural
from allears.link.frame import FRAME_SECONDS
from allears.link.network import RandomNetwork
from allears.link.sender import Redundancy, SenderConfig
from allears.link.simulate import Call, simulate
from allears.score.quality import RATE, SCORES, Quality, quality
from allears.wire.loss import parse_loss

LOSS, LOSS_IN_WORDS = (
    "burst:20%:160ms",
    "Bursts of 160 ms on average that take a fifth of the packets in the long run",
)
"""The network of the demonstration, for a program and for a reader."""

SHOWN = ("plcmos", "pesq_wb", "stoi")
"""The scores on the page; DNSMOS judges noise more than loss, and is left to `allears call`."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A shipped recording and what to say of it."""

    file: str
    title: str
    text: str
    source: str


VOICES = (
    Voice(
        "lj.flac",
        "A reader",
        "The invention of movable metal letters in the middle of the fifteenth century may justly "
        "be considered as the invention of the art of printing.",
        "LJ Speech LJ001-0005, read by Linda Johnson for LibriVox; public domain",
    ),
    Voice(
        "jfk.flac",
        "Kennedy, 1961",
        "And so, my fellow Americans: ask not what your country can do for you; ask what you can "
        "do for your country.",
        "John F. Kennedy, inaugural address, 20 January 1961; US government work, public domain",
    ),
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A redundancy, and the Opus bitrate in bit/s that keeps all conditions at one total.

    `conceal`: who guesses what does not come back, `opus` or `neural`.
    """

    name: str
    redundancy: Redundancy
    bitrate: int
    summary: str
    conceal: str = "opus"


CONDITIONS = (
    Condition("Plain Opus", Redundancy(), 48_000, "All bits go to the speech itself."),
    Condition(
        "Neural concealment", Redundancy(), 48_000, "The same, and a network guesses what is lost.",
        conceal="neural",
    ),
    Condition(
        "LBRR", Redundancy(lbrr=True), 48_000, "Each packet has a coarse copy of the one before."
    ),
    Condition("RED:1", Redundancy(red=1), 24_000, "Each packet repeats the one before it whole."),
    Condition("RED:2", Redundancy(red=2), 16_000, "Each packet repeats the two before it whole."),
    Condition(
        "DRED", Redundancy(dred=1040), 28_000, "Each packet describes the second before it.",
        conceal="neural",
    ),
    Condition(
        "DRED + LBRR", Redundancy(lbrr=True, dred=1040), 28_000,
        "Both: the frame before as a copy, the second before as a description.",
        conceal="neural",
    ),
)  # fmt: skip


def show(
    seed: int, command: str, progress: Callable[[float], None]
) -> tuple[Page, tuple[str, ...]]:
    """Call every voice under every condition; the page, and why scores are missing if any are."""
    steps = len(VOICES) * (len(CONDITIONS) + 1)
    done = 0
    clips = []
    missing: dict[str, None] = {}
    for voice in VOICES:
        said, rate = soundfile.read(CLIPS / voice.file, dtype="float32")
        takes = [_original(said, rate)]
        lost: tuple[bool, ...] = ()
        progress((done := done + 1) / steps)
        for condition in CONDITIONS:
            call = _call(said, rate, condition, seed)
            rated = quality(call.heard, said, delay=0, dnsmos_too=False)
            missing.update(dict.fromkeys(rated.missing))
            takes.append(_take(condition, call, rated))
            lost = tuple(sent.lost for sent in call.sent)
            progress((done := done + 1) / steps)
        clips.append(Clip(voice.title, voice.text, voice.source, tuple(takes), lost))
    page = Page(
        tuple(clips),
        LOSS_IN_WORDS,
        f"allears {__version__}, {features().version}",
        command,
        datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    )
    return page, tuple(missing)


def _call(
    said: Float32[np.ndarray, " samples"], rate: int, condition: Condition, seed: int
) -> Call:
    config = SenderConfig(rate=rate, bitrate=condition.bitrate, redundancy=condition.redundancy)
    network = RandomNetwork(parse_loss(LOSS, seed), random.Random(seed))
    listening = neural.load("allears") if condition.conceal == "neural" else None
    return simulate(said, config, network, seed=seed, neural=listening)


def _original(said: Float32[np.ndarray, " samples"], rate: int) -> Take:
    assert rate == RATE
    labels = ("received",) * -(-len(said) // int(rate * FRAME_SECONDS))
    kbps = 16 * rate / 1000
    scores = _shown(quality(said, said, delay=0, dnsmos_too=False))
    return Take("Original", "As recorded, 16 bits a sample.", said, rate, labels, scores, kbps, 0.0)


def _take(condition: Condition, call: Call, rated: Quality) -> Take:
    frames = -(-len(call.heard) // int(call.rate * FRAME_SECONDS))
    labels = tuple(frame.label.value for frame in call.frames[:frames])
    return Take(
        condition.name,
        condition.summary,
        call.heard,
        call.rate,
        labels,
        _shown(rated),
        call.payload_kbps,
        1000 * call.delay,
    )


def _shown(rated: Quality) -> dict[str, float | None]:
    return {SCORES[name]: rated.scores[name] for name in SHOWN}
