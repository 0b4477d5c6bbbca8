"""Guesses that are worked out late are those of a network that runs at every frame."""

import numpy as np
import pytest

from allears.voice.expectation import Expectation
from allears.voice.model import VoiceModel
from allears.voice.together import run
from allears.weights import store

AHEAD = 2
RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def model():
    return VoiceModel(store.models("allears"))


class Eager:
    """Runs at every frame, and keeps all states."""

    def __init__(self, model):
        self._network = model.predictor
        self._states = [model.predictor.initial_state(1)]
        self._guess = None

    def tell(self, given):
        found, state = self._network([given[None, None]], self._states[-1])
        self._guess = found[0, -1]
        self._states.append(state)

    def take_back(self):
        del self._states[-AHEAD:]

    def guess(self):
        return self._guess


def frames(count):
    return RANDOM.normal(size=(count, 57)).astype(np.float32)


STORIES = {
    "a guess at once": "h2 g",
    "told, then a guess": "h10 t2 t30 g g g",
    "taken back unread": "h10 t2 t5 back h4 t2 g",
    "taken back after guesses": "h10 g g g back h10 t2 back h3 g",
    "guesses and what is told by turns": "t1 g t1 g t3 g t2 back t1 g",
    "told for long": "h10 t90 back h10 t90 g back h1 t1 g",
    "just told and gone back": "t2 back h1 g t2 back h25 g",
}


@pytest.mark.parametrize("story", STORIES)
def test_late_guesses_are_those_of_every_frame(model, story):
    eager, late = Eager(model), Expectation(model, AHEAD)
    guesses = 0
    for word in STORIES[story].split():
        if word == "back":
            eager.take_back()
            late.take_back()
            continue
        for given in frames(int(word[1:] or 1)):
            eager.tell(given)
            late.tell(given)
            if word[0] == "t":
                run(model, [late.catch_up()])
        if word[0] == "g":
            guesses += 1
            (found,) = run(model, [late.guess()])
            assert np.abs(eager.guess()).max() > 0.1
            assert np.abs(found - eager.guess()).max() < 1e-5
    assert guesses


def test_nothing_is_worked_out_that_nobody_asks_for(model):
    late, asked = Expectation(model, AHEAD), []
    for given in frames(15):
        late.tell(given)
        asked += list(late.catch_up())
    assert not asked
    for given in frames(15):
        late.tell(given)
    assert next(late.catch_up()).inputs[0].shape == (1, model.predictor.size, 57)


def test_what_waits_is_bounded(model):
    late = Expectation(model, AHEAD)
    for given in frames(300):
        late.tell(given)
        run(model, [late.catch_up()])
    assert len(late._given) < 30


def test_streams_that_wait_differently_go_in_batches(model):
    together = [Expectation(model, AHEAD) for _ in range(3)]
    alone = [Expectation(model, AHEAD) for _ in range(3)]
    for one, other, count in zip(together, alone, (1, 13, 13), strict=True):
        for given in frames(count):
            one.tell(given)
            other.tell(given)
    found = run(model, [each.guess() for each in together])
    for one, each in zip(found, alone, strict=True):
        (wanted,) = run(model, [each.guess()])
        assert np.abs(one - wanted).max() < 1e-5
