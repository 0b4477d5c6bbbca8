"""Who is heard how often, counted in the batches, and what a recogniser writes where nothing is written."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.asr.search import greedy
from allears.asr.torch_networks import TorchNetworks
from allears.audio import mel
from allears.corpus.batches import Batches
from allears.mitigation.refusal import MitigationError
from allears.mitigation.sampling import of_speakers, oversampled, pseudo_labelled, replayed
from tests.mitigation.material import TOKENS, tones, transducer

COHORT = np.arange(40) < 10


def drawn(shares, epochs=5):
    """How often each utterance is in a batch, in so many epochs."""
    batches = Batches(np.linspace(1, 2, 40), 10.0, 0, shares=shares)
    counts, step = Counter(), 0
    while batches.place(step)[0] < epochs:
        counts.update(batches.at(step))
        step += 1
    return np.array([counts[each] for each in range(40)])


def test_the_cohort_is_drawn_as_often_as_asked():
    counts = drawn(oversampled(COHORT, 3.0), epochs=20)
    assert counts[COHORT].mean() / counts[~COHORT].mean() == pytest.approx(3, rel=0.05)
    assert set(drawn(oversampled(COHORT, 1.0))) == {5}
    assert not drawn(oversampled(COHORT, 0.0))[COHORT].any()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.8, 1.0])
def test_so_much_of_what_is_heard_is_old(share):
    counts = drawn(replayed(COHORT, share))
    assert counts[~COHORT].sum() / counts.sum() == pytest.approx(share, abs=0.03)


def test_what_cannot_be_is_refused():
    for factor in (-1.0, float("inf"), float("nan")):
        with pytest.raises(MitigationError, match="a factor of"):
            oversampled(COHORT, factor)
    with pytest.raises(MitigationError, match=r"a share of 1.5"):
        replayed(COHORT, 1.5)
    with pytest.raises(MitigationError, match="40 new utterances and 0 old ones"):
        replayed(np.ones(40, bool), 0.1)
    with pytest.raises(MitigationError, match=r"none of the 1 speakers .* other recordings"):
        of_speakers(tones(), ["nobody"])
    assert of_speakers(tones(), ["low"]).tolist() == [True, False] * 4


@pytest.fixture(scope="module")
def recogniser():
    """Networks that say something wherever they listen, and what they listen to."""
    return TorchNetworks(talkative(-1.0), TOKENS), tones()


def talkative(blank):
    """A model of such a bias of the blank."""
    model = transducer()
    with torch.no_grad():
        model.joiner.read.weight *= 5
        model.joiner.read.bias[0] = blank
    return model


def without(sound, numbers):
    return replace(
        sound,
        utterances=tuple(
            replace(each, text="") if at in numbers else each
            for at, each in enumerate(sound.utterances)
        ),
    )


def test_a_recogniser_writes_what_it_is_sure_of(recogniser):
    networks, sound = recogniser
    silent = without(sound, {1, 2})
    found = pseudo_labelled(networks, silent, 0.0)
    heard = greedy.texts(
        networks, [mel.whole(sound.samples(each), networks.bands) for each in (1, 2)]
    )
    assert [each.text for each in found.sound.utterances[1:3]] == heard and all(heard)
    assert (found.without, found.accepted) == (2, 2)
    assert [each.text for each in found.sound.utterances[3:]] == [
        each.text for each in sound.utterances[3:]
    ]
    sure = found.confidences
    assert np.isnan(sure[[0, *range(3, 8)]]).all() and ((sure[1:3] > 0) & (sure[1:3] <= 1)).all()
    between = (sure[1] + sure[2]) / 2
    some = pseudo_labelled(networks, silent, between)
    texts = [bool(each.text) for each in some.sound.utterances]
    assert texts == [True, sure[1] > between, sure[2] > between, *[True] * 5]
    assert (some.without, some.accepted) == (2, 1)


def test_only_those_that_are_asked_for_and_progress_is_told(recogniser):
    networks, sound = recogniser
    told = []
    only = np.arange(8) == 1
    found = pseudo_labelled(networks, without(sound, {1, 2}), 0.0, among=only, show=told.append)
    assert found.sound.utterances[1].text and not found.sound.utterances[2].text
    assert found.without == 1 and told == [1.0]


def test_where_nothing_is_heard_there_is_no_text():
    networks = TorchNetworks(talkative(100.0), TOKENS)
    found = pseudo_labelled(networks, without(tones(), {5}), 0.0)
    assert (found.without, found.accepted, found.confidences[5]) == (1, 0, 0.0)
    assert not found.sound.utterances[5].text
