"""A recogniser of conversations out of its file, and who may be met in them out of clips."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.asr.recogniser import RecogniserError
from allears.asr.search.words import Timing
from allears.asr.session import OnnxNetworks
from allears.asr.tokens import Marked
from allears.audio import mel
from allears.audio.blocks import Blocks
from allears.errors import AllearsError
from allears.parties.live import Converser
from allears.parties.targets import Form
from allears.parties.turns import Manner
from allears.parties.who import Embedder, Speakers, Voice
from allears.speaker import embedder as network
from allears.speaker.verifier import Verifier

SHIPPED_FILE = Path(__file__).parents[1] / "weights/allears/conversation.safetensors"
"""What hears conversations where nothing else is named."""
EMBEDDER_FILE = network.SHIPPED_FILE
"""What knows voices where nothing else is named."""

SHORTEST_S, LONGEST_S = 1.0, 60.0
"""A clip by which somebody is enrolled is no shorter; what is beyond is not heard."""


def open_converser(
    path: Path | None = None,
    *,
    embedder: Path | None = None,
    enrolled: Mapping[str, Path] | None = None,
    chunk_s: float | None = None,
) -> Converser:
    """What hears conversations: out of the file `path`, else the one that ships; `chunk_s` seconds at once.

    Voices are told apart by `embedder`, else the one that ships; where none does, nobody is (`Converser.meet` is
    None). `enrolled` are clips by the names of who speaks in them. Raises RecogniserError, SpeakerError or
    AudioFileError naming what is wrong and the remedy.
    """
    networks, manner = _opened(_chosen(path))
    chunk = None if chunk_s is None else max(1, round(chunk_s / manner.step))
    knowing = _knowing(embedder, bool(enrolled))
    if knowing is None:
        return Converser(networks, manner, chunk=chunk)
    voices = {name: enrol(knowing, name, clip) for name, clip in (enrolled or {}).items()}
    return Converser(networks, manner, chunk=chunk, meet=lambda: Speakers(knowing, voices))


def enrol(embedder: Embedder, name: str, clip: Path) -> Voice:
    """The voice of who speaks in a clip, of which the first minute is heard.

    Raises RecogniserError where it is short, or nobody speaks in it, AudioFileError where it is no audio.
    """
    samples = _beginning(clip)
    if len(samples) < SHORTEST_S * mel.RATE:
        raise RecogniserError(
            f"{clip}: {len(samples) / mel.RATE:.2g} s are too short to know {name} by; "
            f"enrol a clip of {SHORTEST_S:g} s or more"
        )
    try:
        return embedder.embed(samples)
    except AllearsError as error:
        raise RecogniserError(f"{clip}: {name} cannot be known by it: {error}") from None


def _beginning(clip: Path) -> Float32[np.ndarray, " samples"]:
    """A recording's, `LONGEST_S` at most."""
    found = np.zeros(0, np.float32)
    for block in Blocks(clip, mel.RATE):
        found = np.concatenate((found, block))
        if len(found) >= LONGEST_S * mel.RATE:
            break
    return found[: int(LONGEST_S * mel.RATE)]


def _chosen(path: Path | None) -> Path:
    if path is None and not SHIPPED_FILE.is_file():
        raise RecogniserError(
            "no recogniser of conversations ships yet; name one by --model FILE.safetensors, "
            "made by recipes.sts.ship"
        )
    return path or SHIPPED_FILE


def _opened(path: Path) -> tuple[OnnxNetworks, Manner]:
    """Networks that tell of turns, and when they do."""
    networks = OnnxNetworks(path)
    tokens, about = networks.tokens, networks.about
    if not isinstance(tokens, Marked):
        many = networks.branches > 1
        why = "tells words, but no turns" if many else "hears one talker at a time"
        remedy = "name a recogniser of conversations" if many else "hear it with allears transcribe"
        raise RecogniserError(f"{path}: {why}; {remedy}")
    if tokens.marks != Form.TURNS.marks:
        raise RecogniserError(
            f"{path}: has {tokens.marks} marks where turns have {Form.TURNS.marks}, that they begin "
            "and that they end; name a recogniser that was taught turns"
        )
    step = networks.stack * mel.HOP / mel.RATE
    words = Timing(step, about.start_delay_s, about.end_delay_s)
    manner = Manner(tokens, words, start=about.turn_start_delay_s, end=about.turn_end_delay_s)
    return networks, manner


def _knowing(path: Path | None, needed: bool) -> Embedder | None:
    """What knows voices; None where none ships and nobody is to be known."""
    if path is None and not EMBEDDER_FILE.is_file():
        if needed:
            raise RecogniserError(
                "this install has no network of voices, so nobody can be enrolled; "
                "name one by --embedder FILE, or leave --enrol out"
            )
        return None
    return Verifier(network.Embedder(path or EMBEDDER_FILE))
