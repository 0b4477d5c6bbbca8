"""From a checkpoint to the recogniser that is given away: timed, judged, in fewer bits where it hears as well."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from allears.asr import checkpoint, timing
from allears.asr.balance import balanced
from allears.asr.bundle import Bundle, serialise
from allears.asr.export import bundle
from allears.asr.judging import Errors, judge
from allears.asr.model import Transducer
from allears.asr.quantise import judged
from allears.asr.session import OnnxNetworks
from allears.asr.timing import Delays
from allears.asr.tokens import Tokens
from allears.corpus.sound import Sound


class Finished(NamedTuple):
    """The recogniser, as it is and as a file; bytes and word errors of each form that was made, by its name.

    `lowered` is by how many nats the blank was made less likely (`balance`).
    """

    bundle: Bundle
    data: bytes
    sizes: dict[str, int]
    errors: dict[str, Errors]
    delays: Delays | None
    lowered: float


def finish(
    path: Path,
    development: Sound | None,
    *,
    smaller: Sequence[str] = (),
    text: str = "",
    more: Sound | None = None,
    load: Callable[[Path], tuple[Transducer, Tokens]] = checkpoint.load,
) -> Finished:
    """What becomes of a checkpoint; without `development` it is not judged, balanced, timed, or made smaller.

    `smaller` are forms to be tried, by name, as `quantise.judged` does, on `more` speech where that is given: two
    words of five hundred are chance, and a fiftieth of a low error rate. `load` reads a kind of checkpoint.
    Raises RecogniserError where it is none of that kind, or cannot be exported.
    """
    model, tokens = load(path)
    lowered = balanced(model, tokens, development) if development else 0.0
    plain = bundle(model, tokens, text=text)
    sizes = {plain.about.form: len(serialise(plain))}
    if development is None:
        return Finished(plain, serialise(plain), sizes, {}, None, lowered)
    delays = timing.measure(OnnxNetworks.of(plain), development)
    if delays:
        about = replace(plain.about, start_delay_s=delays.start, end_delay_s=delays.end)
        plain = replace(plain, about=about)
    errors: dict[str, Errors] = {}

    def measure(networks: OnnxNetworks) -> float:
        errors[networks.about.form] = found = judge(networks, more or development)
        return found.rate

    kept = judged(plain, measure, sizes, smaller)
    return Finished(kept, serialise(kept), sizes, errors, delays, lowered)
