"""The recogniser that ships: its file, and what it hears in real recordings that it has not learned from."""

import numpy as np
import pytest

from allears.asr.opening import SHIPPED_FILE, open_recogniser
from allears.corpus import recordings, sound
from allears.score.words import word_errors
from tests.real import REPOSITORY, speech

DATA = REPOSITORY.parent / "shared/data/an4"

pytestmark = pytest.mark.skipif(not SHIPPED_FILE.exists(), reason="no recogniser ships yet")
needs_an4 = pytest.mark.skipif(not DATA.is_dir(), reason="AN4 is not beside this checkout")


def _heard(samples: np.ndarray, piece: int) -> str:
    stream = open_recogniser().stream()
    results = [
        result
        for at in range(0, len(samples), piece)
        for result in stream.accept(samples[at : at + piece])
    ]
    return " ".join(each.text for each in [*results, *stream.finish()] if each.final)


def test_it_is_small() -> None:
    assert SHIPPED_FILE.stat().st_size <= 12_000_000


def test_it_says_what_it_is_good_for() -> None:
    assert "letters" in open_recogniser().networks.about.text  # type: ignore[attr-defined]


@needs_an4
def test_most_words_of_speakers_it_never_heard_come_through() -> None:
    """A look, not the table's figure: the first four utterances of each of the ten test speakers."""
    by_speaker: dict[str, list[recordings.Utterance]] = {}
    for each in recordings.chosen([DATA], "test"):
        by_speaker.setdefault(each.speaker, []).append(each)
    some = [each for theirs in by_speaker.values() for each in theirs[:4]]
    errors = words = 0
    for each in some:
        said, heard = each.text.split(), _heard(sound.read(each), 2560).split()
        errors, words = errors + word_errors(said, heard), words + len(said)
    assert len(by_speaker) == 10 and words > 100
    assert errors / words < 0.3


@pytest.mark.parametrize("quiet", [np.zeros(48_000), 1e-4 * np.ones(48_000)])
def test_it_hears_nothing_in_nothing(quiet: np.ndarray) -> None:
    assert _heard(quiet.astype(np.float32), 1600) == ""


def test_other_pieces_give_the_same_words() -> None:
    samples = speech(seconds=4)
    one, other = _heard(samples, 1600), _heard(samples, 48_000)
    # Eight bits are scaled for each piece alone, so a word may differ.
    assert word_errors(one.split(), other.split()) <= 1
