"""Many voices spoken in one batch: each asks for what networks compute, and those that ask alike are joined.

Streams come and go, begin and end at any moment: a batch is whoever asks now.
"""

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np

from allears.nn.batch import Share, alone, gather, scatter
from allears.nn.network import State
from allears.voice.model import VoiceModel


class Ask(NamedTuple):
    """What one stream wants computed: by which network, of what, from which state. All batches of one."""

    network: str
    inputs: tuple[np.ndarray, ...]
    state: Share[State] | None = None


Answer = tuple[tuple[np.ndarray, ...], Share[State]]
"""Outputs, batches of one, and the state after."""

_Computed = tuple[tuple[np.ndarray, ...], State]

Asking = Generator[Ask, Answer, np.ndarray]
"""Something that asks now and then, and has an array in the end."""


def run(model: VoiceModel, streams: Sequence[Asking]) -> list[np.ndarray]:
    """What all `streams` have in the end."""
    results: dict[int, np.ndarray] = {}
    answers: dict[int, Answer | None] = dict.fromkeys(range(len(streams)))
    while answers:
        asked: dict[tuple[object, ...], dict[int, Ask]] = {}
        for index, answer in answers.items():
            try:
                ask = streams[index].send(answer) if answer else next(streams[index])
                asked.setdefault(_alike(ask), {})[index] = ask
            except StopIteration as done:
                results[index] = done.value
        answers = {}
        for group in asked.values():
            answered = _compute(model, list(group.values()))
            answers.update(zip(group, answered, strict=True))
    return [results[index] for index in range(len(streams))]


def _alike(ask: Ask) -> tuple[object, ...]:
    """What all in a batch have in common."""
    return ask.network, ask.state is None, *(each.shape[1:] for each in ask.inputs)


def _compute(model: VoiceModel, asks: Sequence[Ask]) -> list[Answer]:
    """One call for all, who either all have a state or none."""
    shares = [ask.state for ask in asks if ask.state is not None]
    state = gather(shares) if shares else ()
    inputs = tuple(np.concatenate(each) for each in zip(*(ask.inputs for ask in asks), strict=True))
    outputs, after = _NETWORKS[asks[0].network](model, inputs, state)
    states = scatter(after, len(asks))
    return [(alone(outputs, index), states[index]) for index in range(len(asks))]


def _extract(model: VoiceModel, inputs: tuple[np.ndarray, ...], _: State) -> _Computed:
    features, _after = model.extractor(inputs[0], model.extractor.initial_state(len(inputs[0])))
    return (features,), ()


def _predict(model: VoiceModel, inputs: tuple[np.ndarray, ...], state: State) -> _Computed:
    guesses, after = model.predictor(inputs, state)
    return (guesses,), after


def _begin(model: VoiceModel, inputs: tuple[np.ndarray, ...], state: State) -> _Computed:
    past, features = inputs
    return (), model.vocoder.begin(past, features, state or None)


def _vocode(model: VoiceModel, inputs: tuple[np.ndarray, ...], state: State) -> _Computed:
    samples, after = model.vocoder.step(inputs[0], state)
    return (samples,), after


_NETWORKS: dict[str, Callable[[VoiceModel, tuple[np.ndarray, ...], State], _Computed]] = {
    "extract": _extract,
    "predict": _predict,
    "begin": _begin,
    "vocode": _vocode,
}
