"""A recogniser by its name: the one that ships, a file of ours, or somebody else's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allears.asr.endpoint import RULES, Rule
from allears.asr.live import Transcriber
from allears.asr.recogniser import Recogniser, RecogniserError
from allears.asr.search.words import Timing
from allears.asr.session import OnnxNetworks
from allears.asr.sherpa import Sherpa
from allears.asr.sphinx import Sphinx
from allears.audio import mel

SHIPPED = "allears"
"""The recogniser that nobody has to name."""

SHIPPED_FILE = Path(__file__).parents[1] / "weights/allears/recogniser.safetensors"
SPHINX, SHERPA, SUFFIX = "pocketsphinx", "sherpa-onnx:", ".safetensors"
NAMES = f"{SHIPPED}, FILE{SUFFIX}, {SPHINX} or {SHERPA}DIR"

_WIDTH = 4
"""Readings kept where others than the best are to be told."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of a recogniser; `None` leaves it to the recogniser.

    `phrases` are so many nats likelier, `alternatives` readings go with finals, `beam` are kept, `chunk_s` seconds
    are heard at once.
    """

    phrases: Mapping[str, float] = field(default_factory=dict)
    alternatives: int = 0
    beam: int | None = None
    rules: Sequence[Rule] = RULES
    chunk_s: float | None = None

    def __post_init__(self) -> None:
        if self.alternatives < 0 or (self.beam is not None and self.beam < 1):
            raise RecogniserError(
                f"{self.alternatives} alternatives, beam {self.beam}: give 0 or more, and 1 or more"
            )
        if self.chunk_s is not None and not 0 < self.chunk_s <= 10:
            raise RecogniserError(f"chunks of {self.chunk_s:g} s: give between 0 and 10 s")

    @property
    def width(self) -> int:
        """Readings to keep."""
        if self.beam is None:
            return max(_WIDTH, self.alternatives) if self.alternatives > 1 else 1
        return self.beam


def open_recogniser(name: str = SHIPPED, settings: Settings | None = None) -> Recogniser:
    """The recogniser of that name: `allears`, a path that ends in .safetensors, `pocketsphinx`, `sherpa-onnx:DIR`.

    Raises RecogniserError, which says the remedy, where there is none or it cannot do what is asked; TokenError
    for phrases that it cannot write.
    """
    settings = settings or Settings()
    if name == SHIPPED:
        if not SHIPPED_FILE.is_file():
            raise RecogniserError(
                f"{SHIPPED_FILE}: no recogniser ships with this install; name another: "
                f"a FILE{SUFFIX} made by allears export, {SPHINX} or {SHERPA}DIR"
            )
        return _ours(SHIPPED_FILE, settings)
    if name == SPHINX:
        if settings.phrases or settings.beam is not None:
            raise RecogniserError(
                f"{SPHINX} knows no phrases and no beam; leave them out, or name another recogniser"
            )
        return Sphinx(rules=settings.rules, alternatives=settings.alternatives)
    if name.startswith(SHERPA):
        if settings.alternatives:
            raise RecogniserError(
                f"{SHERPA}DIR tells one reading; ask for no alternatives, or name another recogniser"
            )
        folder = Path(name.removeprefix(SHERPA))
        return Sherpa(folder, rules=settings.rules, beam=settings.width, phrases=settings.phrases)
    if name.endswith(SUFFIX):
        return _ours(Path(name), settings)
    raise RecogniserError(f"{name!r}: no recogniser of this name; give {NAMES}")


def ending(pause_s: float | None = None, longest_s: float | None = None) -> tuple[Rule, ...]:
    """`endpoint.RULES`, but phrases end after `pause_s` of silence, and are no longer than `longest_s`.

    Raises RecogniserError where these are no sensible numbers.
    """
    if pause_s is not None and not 0.05 <= pause_s <= 60:
        raise RecogniserError(f"a pause of {pause_s:g} s: give between 0.05 and 60 s")
    if longest_s is not None and not 1 <= longest_s <= 600:
        raise RecogniserError(f"phrases of {longest_s:g} s at most: give between 1 and 600 s")
    rules = {rule.name: rule for rule in RULES}
    if pause_s is not None:
        nothing = max(pause_s, rules["nothing heard"].silence_s)
        rules |= {
            "ended": Rule("ended", pause_s, doubt=rules["ended"].doubt),
            "pause": Rule("pause", pause_s),
            "nothing heard": Rule("nothing heard", nothing, after_words=False),
        }
    if longest_s is not None:
        long = rules["long"]
        rules |= {
            "long": Rule("long", long.silence_s, at_least_s=0.75 * longest_s),
            "longest": Rule("longest", 0.0, after_words=False, at_least_s=longest_s),
        }
    return tuple(rules.values())


def _ours(path: Path, settings: Settings) -> Transcriber:
    networks = OnnxNetworks(path)
    if networks.branches > 1:
        raise RecogniserError(
            f"{path}: tells of {networks.branches} talkers at once; hear it with allears converse"
        )
    step, about = networks.stack * mel.HOP / mel.RATE, networks.about
    chunk = None if settings.chunk_s is None else max(1, round(settings.chunk_s / step))
    return Transcriber(
        networks,
        timing=Timing(step, about.start_delay_s, about.end_delay_s),
        chunk=chunk,
        rules=settings.rules,
        beam=settings.width,
        alternatives=settings.alternatives,
        phrases=settings.phrases or None,
    )
