"""The real networks of a call, loaded once for all streams; `recovery` says what is asked of them."""

from functools import lru_cache

from allears.link.recovery import Neural
from allears.redundancy.decoder import RedundancyDecoder
from allears.redundancy.model import RedundancyModel
from allears.voice.concealer import Concealer
from allears.voice.model import VoiceModel
from allears.weights import store


@lru_cache(maxsize=2)
def redundancy_model(weights: str) -> RedundancyModel:
    """The codec of the redundancy among `weights`, a name or a folder; raises as the store does."""
    return RedundancyModel(_models(weights))


@lru_cache(maxsize=2)
def _voice_model(weights: str) -> VoiceModel:
    return VoiceModel(_models(weights))


@lru_cache(maxsize=2)
def _models(weights: str) -> store.Models:
    return store.models(weights)


def load(weights: str, *, guesses: bool = True) -> Neural:
    """The neural side of a receiver with `weights`, a name or a folder; raises as the store does.

    `guesses`: whether the network also guesses where nothing is known; else libopus does.
    """
    codec, voice = redundancy_model(weights), _voice_model(weights)
    parse = RedundancyDecoder(codec).parse
    return Neural(codec.format, parse, lambda: Concealer(voice), guesses)
