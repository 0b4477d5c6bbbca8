"""From a checkpoint to what hears conversations live: balanced, timed, judged, in 8 bits where it hears no worse.

Needs what scores conversations (`allears[parties]`), and `onnx`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from allears.asr.balance import balanced_by
from allears.asr.bundle import Bundle, serialise
from allears.asr.export import bundle
from allears.asr.networks import Networks
from allears.asr.quantise import judged
from allears.asr.search.words import Timing
from allears.asr.session import OnnxNetworks
from allears.asr.torch_networks import TorchNetworks
from allears.audio import mel
from allears.corpus.mixtures.turns import Session
from allears.parties import checkpoint
from allears.parties.judging import NOTHING, Judged, judge, marks
from allears.parties.turns import Manner


class Finished(NamedTuple):
    """What hears conversations, as it is and as a file; bytes of each form, and how well each hears.

    `lowered` is by how many nats the blank was made less likely (`asr.balance`).
    """

    bundle: Bundle
    data: bytes
    sizes: dict[str, int]
    judged: dict[str, Judged]
    lowered: float


def finish(
    path: Path, development: Sequence[Session], *, smaller: Sequence[str] = (), text: str = ""
) -> Finished:
    """What becomes of a checkpoint, by conversations it has not learnt from; without any it stays as it is.

    Raises RecogniserError where it is no checkpoint of a separator-transducer, or cannot be exported.
    """
    model, tokens = checkpoint.load(path)
    marks(tokens)

    def total(networks: Networks, start: float = 0.0, end: float = 0.0) -> Judged:
        step = networks.stack * mel.HOP / mel.RATE
        manner = Manner(marks(tokens), Timing(step), start, end)
        return sum(judge(networks, development, manner), NOTHING)

    lowered = 0.0
    if development:
        lowered = balanced_by(model, lambda: total(TorchNetworks(model, tokens)).words.errors)
    plain = bundle(model, tokens, text=text)
    sizes = {plain.about.form: len(serialise(plain))}
    if not development:
        return Finished(plain, serialise(plain), sizes, {}, lowered)
    plain = _timed(plain, total(OnnxNetworks.of(plain)))
    found: dict[str, Judged] = {}

    def measure(networks: OnnxNetworks) -> float:
        about = networks.about
        each = total(networks, about.turn_start_delay_s, about.turn_end_delay_s)
        found[about.form] = each
        return each.words.rate

    kept = judged(plain, measure, sizes, smaller)
    return Finished(kept, serialise(kept), sizes, found, lowered)


def _timed(plain: Bundle, judged: Judged) -> Bundle:
    """With the medians of by how much marks come after turns begin and end."""
    delays = judged.latency.start, judged.latency.end
    start, end = (each.percentile(50) if each.count else 0.0 for each in delays)
    # A mark is emitted when its frame ends, and a turn is said to begin by when that frame did.
    start -= plain.about.stack * mel.HOP / mel.RATE
    about = replace(plain.about, turn_start_delay_s=start, turn_end_delay_s=end)
    return replace(plain, about=about)
