"""The recogniser that ships: its file, and what it hears in real recordings that it has not learned from."""

import numpy as np
import pytest

from allears.asr import restoring
from allears.asr.live import Transcriber
from allears.asr.opening import SHIPPED_FILE, open_recogniser
from allears.asr.torch_networks import TorchNetworks
from allears.audio import mel
from allears.corpus import recordings, sound
from allears.score.words import word_errors
from tests.real import REPOSITORY, speech

DATA = REPOSITORY.parent / "shared/data/an4"
RATE = 16_000

needs_an4 = pytest.mark.skipif(not DATA.is_dir(), reason="AN4 is not beside this checkout")


@pytest.fixture(scope="module")
def recogniser() -> Transcriber:
    found = open_recogniser()
    assert isinstance(found, Transcriber)
    return found


def heard(recogniser: Transcriber, samples: np.ndarray, piece: int) -> str:
    stream = recogniser.stream()
    results = [
        result
        for at in range(0, len(samples), piece)
        for result in stream.accept(samples[at : at + piece])
    ]
    return " ".join(each.text for each in [*results, *stream.finish()] if each.final)


def test_it_is_small() -> None:
    assert SHIPPED_FILE.stat().st_size <= 12_000_000


def test_it_can_learn_on(recogniser: Transcriber) -> None:
    model, tokens = restoring.load(SHIPPED_FILE)
    assert tokens.size == recogniser.networks.tokens.size
    own, again = recogniser.networks, TorchNetworks(model, tokens)
    mels = mel.whole(speech("jfk"), own.bands)[None, : 100 * own.stack]
    shipped, _ = own.encode(mels, own.encoder_state(1))
    restored, _ = again.encode(mels, again.encoder_state(1))
    # What goes into products of 8 bits is rounded, too; a weight at the wrong place makes this 1.
    assert np.abs(restored - shipped).mean() < 0.1 * np.abs(shipped).mean()


def test_it_says_what_it_is_good_for(recogniser: Transcriber) -> None:
    assert "letters" in recogniser.networks.about.text
    assert "not free sentences" in recogniser.networks.about.text


@needs_an4
def test_most_words_of_speakers_it_never_heard_come_through(recogniser: Transcriber) -> None:
    """A look, not the table's figure: the first four utterances of each of the ten test speakers."""
    by_speaker: dict[str, list[recordings.Utterance]] = {}
    for each in recordings.chosen([DATA], "test"):
        by_speaker.setdefault(each.speaker, []).append(each)
    some = [each for theirs in by_speaker.values() for each in theirs[:4]]
    errors = words = 0
    for each in some:
        said, told = each.text.split(), heard(recogniser, sound.read(each), 2560).split()
        errors, words = errors + word_errors(said, told), words + len(said)
    assert len(by_speaker) == 10 and words > 100
    assert errors / words < 0.2


def noise(seconds: int, amplitude: float) -> np.ndarray:
    return (amplitude * np.random.default_rng(0).standard_normal(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize(
    "quiet",
    [np.zeros(3 * RATE, np.float32), np.full(3 * RATE, 1e-4, np.float32), noise(3, 1e-4)],
    ids=["zeros", "a constant", "faint noise"],
)
def test_it_hears_nothing_in_nothing(recogniser: Transcriber, quiet: np.ndarray) -> None:
    assert heard(recogniser, quiet, 1600) == ""


def test_loud_noise_is_at_most_a_word_a_second(recogniser: Transcriber) -> None:
    assert len(heard(recogniser, noise(10, 0.1), 1600).split()) <= 10


def test_other_pieces_give_the_same_words(recogniser: Transcriber) -> None:
    samples = speech(seconds=4)
    one, other = heard(recogniser, samples, 1600), heard(recogniser, samples, 48_000)
    assert one and one == other


@needs_an4
def test_phrases_of_one_call_are_heard_as_each_alone(recogniser: Transcriber) -> None:
    """After a pause nothing is remembered of what was before it."""
    one, other = (sound.read(each) for each in recordings.chosen([DATA], "test")[:2])
    pause = np.zeros(2 * RATE, np.float32)
    whole = heard(recogniser, np.concatenate((one, pause, other)), 2560)
    # Chunks of the second phrase begin elsewhere than if it were alone: in 8 bits a word may differ.
    apart = f"{heard(recogniser, one, 2560)} {heard(recogniser, other, 2560)}"
    assert word_errors(apart.split(), whole.split()) <= 1
