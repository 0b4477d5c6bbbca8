"""The network of voices that ships: its file, and two real speakers."""

import pytest

from allears.speaker.embedder import SHIPPED_FILE, Embedder
from allears.speaker.verifier import Verifier
from tests.real import speech


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier(Embedder())


def test_it_is_small() -> None:
    assert SHIPPED_FILE.stat().st_size <= 6_000_000


@pytest.mark.parametrize("name", ["lj", "jfk"])
def test_a_speaker_is_who_they_were_three_seconds_ago(verifier: Verifier, name: str) -> None:
    said = speech(name)
    first, second = (verifier.embedder.embed(said[at : at + 48_000]) for at in (0, 56_000))
    assert verifier.compare(first, second).ratio > 0


def test_two_speakers_are_two(verifier: Verifier) -> None:
    lj, jfk = (verifier.embedder.embed(speech(name)) for name in ("lj", "jfk"))
    assert verifier.compare(lj, jfk).ratio < 0
