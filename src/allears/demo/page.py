"""One self-contained page on which a listener hears what a network took and what brought it back.

`render` is given speech and labels and knows nothing of codecs. Everything that the page claims is
computed here from the data: counts of frames and packets are added over clips, rates are derived.
"""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
import soundfile
from jaxtyping import Float32

from allears.demo import picture
from allears.pages import template

FRAME_S = 0.020
LOWER_IS_BETTER = {"WER", "CER"}


@dataclass(frozen=True, slots=True)
class Label:
    """How a frame came to be heard. Letter and texture say without colour what the colour says."""

    name: str
    outcome: Literal["received", "recovered", "concealed"]
    letter: str
    light: str  # colour on light paper
    dark: str  # and on dark
    texture: str  # SVG path on a 6 × 6 tile
    meaning: str


# Hues after Okabe and Ito; all but the quiet one stand 3:1 or more against the paper.
# fmt: off
LABELS = {
    "received": Label("received", "received", "", "#a7adb4", "#5f6870", "",
                      "its packet arrived in time"),
    "lbrr": Label("LBRR", "recovered", "L", "#0072b2", "#4da6e0", "M0 3H6",
                  "from the low-bitrate copy inside the next Opus packet"),
    "red": Label("RED", "recovered", "R", "#00875f", "#2cbf92", "M-1 7L7 -1M-1 1L1 -1M5 7L7 5",
                 "from a full copy in a later packet (RFC 2198)"),
    "dred": Label("DRED", "recovered", "D", "#a8508a", "#d98cbf", "M3 0V6",
                  "spoken anew from deep redundancy in a later packet"),
    "neural": Label("neural", "concealed", "N", "#b8860b", "#e6b93c", "M3 3H3.9M0 0H.9",
                    "nothing arrived: a network guessed"),
    "concealed": Label("concealed", "concealed", "C", "#d55e00", "#ef7d2d", "M-1 -1L7 7M-1 7L7 -1",
                       "nothing arrived: the decoder guessed"),
    "silence": Label("silence", "concealed", "S", "#7a6a58", "#b3a28e", "M0 0H6V6",
                     "nothing arrived and nothing was guessed"),
}
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One clip as it sounds under one condition, with one label for every 20 ms of it."""

    name: str
    summary: str
    samples: Float32[np.ndarray, " samples"]  # within ±1
    rate: int
    labels: tuple[str, ...]
    scores: dict[str, float | None]
    kbps: float  # on the wire, RTP payload with all redundancy
    delay_ms: float

    def __post_init__(self) -> None:
        if unknown := set(self.labels) - set(LABELS):
            raise ValueError(f"labels of {self.name!r}: {sorted(unknown)} not in {list(LABELS)}")
        frames = len(self.samples) / (self.rate * FRAME_S)
        if not frames or abs(len(self.labels) - frames) >= 1:
            raise ValueError(f"{self.name!r} has {len(self.labels)} labels for {frames:g} frames")

    @property
    def seconds(self) -> float:
        """How long the take is."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One recording: the original first, then the same under each condition."""

    title: str
    text: str
    source: str
    takes: tuple[Take, ...]
    lost: tuple[bool, ...]  # one per 20 ms packet that was sent

    @property
    def seconds(self) -> float:
        """The length of the time axis that all takes share."""
        return max(take.seconds for take in self.takes)


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Everything on the page that its data does not say by itself."""

    clips: tuple[Clip, ...]
    network: str
    version: str
    command: str
    date: str


@dataclass(frozen=True, slots=True)
class Row:
    """One condition over all clips that have it."""

    name: str
    takes: tuple[Take, ...]

    @property
    def labels(self) -> Counter[str]:
        """How many frames carry each label."""
        return Counter(label for take in self.takes for label in take.labels)

    @property
    def frames(self) -> Counter[str]:
        """How many frames were received, recovered and concealed."""
        return Counter(LABELS[label].outcome for label in self.labels.elements())

    @property
    def brought_back(self) -> float:
        """The recovered share of the frames that did not arrive by themselves."""
        return self.frames["recovered"] / max(1, self.frames.total() - self.frames["received"])

    @property
    def kbps(self) -> float:
        """Bits and seconds add."""
        return sum(t.kbps * t.seconds for t in self.takes) / sum(t.seconds for t in self.takes)

    @property
    def delay_ms(self) -> float:
        """Mean over clips."""
        return sum(take.delay_ms for take in self.takes) / len(self.takes)

    def score(self, name: str) -> float | None:
        """Mean over clips; None if one went unscored, as means over other clips do not compare."""
        known = [s for take in self.takes if (s := take.scores.get(name)) is not None]
        return sum(known) / len(known) if len(known) == len(self.takes) else None


def summary(page: Page) -> list[Row]:
    """One row per condition, in the order of the takes, the original first."""
    names = dict.fromkeys(take.name for clip in page.clips for take in clip.takes)
    takes = [take for clip in page.clips for take in clip.takes]
    return [Row(name, tuple(take for take in takes if take.name == name)) for name in names]


def score_names(page: Page) -> list[str]:
    """Every score that some take has, in the order of appearance."""
    takes = (take for clip in page.clips for take in clip.takes)
    return list(dict.fromkeys(name for take in takes for name in take.scores))


def best(rows: Sequence[Row], name: str) -> str | None:
    """The best value as printed, so that what reads alike is marked alike; None without a contest."""
    known = [value for row in rows if (value := row.score(name)) is not None]
    choose = min if name in LOWER_IS_BETTER else max
    return number(choose(known)) if len(known) > 1 else None


def headline(page: Page) -> str:
    """What the page shows, in one sentence."""
    packets = Counter(lost for clip in page.clips for lost in clip.lost)
    if not packets[True]:
        return "No packet was lost."
    bursts = sum(lost for clip in page.clips for lost, _ in groupby(clip.lost))
    # Independent losses come in runs of 1 / (1 - p) packets on average.
    clustered = packets[True] / bursts > 1.5 * packets.total() / max(1, packets[False])
    opening = f"At {percent(packets[True], packets.total())} loss" + " in bursts" * clustered
    rows = summary(page)[1:]
    most = max(rows, key=lambda row: row.brought_back, default=None)
    if most is None or not most.brought_back:
        return f"{opening}, nothing brings a lost frame back."
    least = min(rows, key=lambda row: row.brought_back)
    share = percent(most.frames["recovered"], most.frames.total() - most.frames["received"])
    claim = f"{opening}, {most.name} brings back {share} of the lost frames"
    for name in score_names(page):
        before, after = least.score(name), most.score(name)
        if least is not most and before is not None and after is not None:
            return f"{claim}; {name} {number(before)} ({least.name}) → {number(after)}."
    return claim + "."


def percent(part: int, whole: int) -> str:
    """A share in whole per cent that never rounds something to nothing nor nearly all to all."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.5 or 99.5 <= share < 100:
        return "<1\N{NO-BREAK SPACE}%" if share < 1 else ">99\N{NO-BREAK SPACE}%"
    return f"{share:.0f}\N{NO-BREAK SPACE}%"


def number(value: float | None) -> str:
    """A score as printed."""
    return "–" if value is None else f"{value:.2f}"


def spans(labels: Sequence[Any]) -> list[tuple[Any, int, int]]:
    """Runs of one label: label, first frame, number of frames."""
    frames = groupby(enumerate(labels), key=lambda frame: frame[1])
    runs = [(label, [index for index, _ in run]) for label, run in frames]
    return [(label, indices[0], len(indices)) for label, indices in runs]


def flac(take: Take) -> str:
    """The take as 16-bit FLAC: lossless, so that what is heard is what was scored."""
    file = io.BytesIO()
    soundfile.write(file, take.samples, take.rate, format="FLAC", subtype="PCM_16")
    return _base64(file.getvalue())


def drawing(clip: Clip) -> dict[str, Any]:
    """What the page needs to draw a clip."""
    pictures = picture.pictures([(take.samples, take.rate) for take in clip.takes])
    takes = [
        {"spans": spans(take.labels), "envelope": _base64(wave), "levels": _base64(levels)}
        for take, (wave, levels) in zip(clip.takes, pictures, strict=True)
    ]
    return {"seconds": clip.seconds, "takes": takes}


def render(page: Page) -> str:
    """The page as HTML that needs no network, no other file and, to be read, no script."""
    rows, names = summary(page), score_names(page)
    shown = {label for row in rows for label in row.labels}
    rates = [row.kbps for row in rows[1:]]
    data = {
        "column": picture.COLUMN_S,
        "hop": picture.HOP_S,
        "frame": FRAME_S,
        "edges": picture.band_edges().round(1).tolist(),
        "labels": {key: asdict(label) for key, label in LABELS.items()},
        "clips": [drawing(clip) for clip in page.clips],
    }
    return template("allears.demo", "page.html.j2").render(
        {used.__name__: used for used in (percent, number, spans, flac, Row)},
        page=page,
        rows=rows,
        score_names=names,
        best={name: best(rows[1:], name) for name in names},
        headline=headline(page),
        labels=LABELS,
        legend={key: label for key, label in LABELS.items() if key in shown},
        rate_range=(min(rates), max(rates)) if rates else None,
        frame_s=FRAME_S,
        data=data,
    )


def _base64(content: bytes | np.ndarray) -> str:
    return base64.b64encode(bytes(content)).decode()
