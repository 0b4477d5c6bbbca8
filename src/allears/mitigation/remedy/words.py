"""A recogniser that is to serve a cohort better: ways to teach it further, and what each makes of speakers."""

import copy
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from allears.asr import restoring
from allears.asr.model import Transducer
from allears.asr.networks import Networks
from allears.asr.search import greedy
from allears.asr.task import Lesson
from allears.asr.tokens import TokenError, Tokens
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import harder
from allears.audio import mel
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.mitigation import cohort_embedding, fisher, sampling
from allears.mitigation.choosing import Candidate, Count
from allears.mitigation.cohort_embedding import Known, Telling
from allears.mitigation.ewc import ElasticWeights, anchor
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy.wish import Method, Show, Wish
from allears.mitigation.tuning import PREFIX, tune
from allears.outputs import write_whole
from allears.score.words import word_errors
from allears.train.schedule import Plan

RATE = 1e-4
SURE = 0.6
"""Confidence from which what the model itself has written down is learnt from."""
MEASURED = 400
"""Utterances that say how much each weight matters."""
OTHERS = "others"
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to go on: how strongly weights are held, or how often the cohort is heard for once of the others."""

    name: str
    label: str
    strength: float = 0.0
    factor: float = 0.0
    told: bool = False


ARMS: Mapping[Method, tuple[Arm, ...]] = {
    "ewc": tuple(
        Arm(f"ewc-{each:g}", f"elastic weights, strength {each:g}", strength=each)
        for each in (0.1, 1.0, 10.0, 100.0)
    ),
    "finetune": (Arm("finetune", "fine-tuning"),),
    "oversample": tuple(
        Arm(f"oversample-{each:g}", f"the cohort heard {each:g} times as often", factor=each)
        for each in (2.0, 4.0)
    ),
    "embedding": (Arm("embedding", "cohort embedding", told=True),),
}


class Recogniser:
    """A model, those of whom it learns, and those set `aside`; `inside` are the cohort's, which has a `name`.

    Raises RecogniserError for no model that learns on, MitigationError where nothing can be learnt of the cohort.
    """

    def __init__(
        self, wish: Wish, train: Sound, aside: Sound, inside: Collection[str], name: str
    ) -> None:
        self._wish, self._train, self._aside = wish, train, aside
        self._inside, self._name = inside, name
        self._own = sampling.of_speakers(train, sorted(inside))
        self._base = restoring.load(wish.model)

    def taught(self, arm: Arm, show: Show, until: float) -> Path | None:
        """The checkpoint of an arm, or None where the clock said stop; what was stopped goes on."""
        wish = self._wish
        model, tokens = copy.deepcopy(self._base)
        sound = self._train
        plan = Plan(
            wish.steps, wish.rate or RATE, warmup=max(1, wish.steps // 8), decay=0.0, average=0.95, seed=wish.seed
        )  # fmt: skip
        options: dict[str, Any] = {
            "lesson": Lesson(seconds=wish.seconds), "distort": harder(None, network=False),
            "development": self._aside, "until": until, "device": wish.device,
        }  # fmt: skip
        folder = wish.work / arm.name
        if not arm.factor:
            _with_texts(sound, self._own, self._name)
        if arm.told:
            cohorts = [self._name, OTHERS]
            labels = [self._label(each.speaker) for each in sound.utterances]
            telling = Telling(cohort_embedding.numbers(cohorts, labels))
            return tune(
                cohort_embedding.told(model, cohorts).train(), tokens, sound, plan, folder,
                kind=cohort_embedding.KIND, opening=telling, **options,
            )  # fmt: skip
        if arm.factor:
            written = self._written(model, tokens, show)
            shares: Float64[np.ndarray, " utterances"] = sampling.oversampled(self._own, arm.factor)
            return tune(model.train(), tokens, written, plan, folder, shares=shares, **options)
        penalty = None
        if arm.strength:
            importance = self._fisher(model, tokens, show).diagonal()
            penalty = ElasticWeights(anchor(model), importance, arm.strength, prefix=PREFIX)
        own = self._own.astype(float)
        return tune(
            model.train(), tokens, sound, plan, folder, shares=own, penalty=penalty, **options
        )

    def heard(self, path: Path, arm: Arm | None, sound: Sound, show: Show, doing: str) -> list[str]:
        """What the model in a file hears in every utterance; without an arm it is the model as it was."""
        if arm is None or not arm.told:
            given = self._base if path == self._wish.model else restoring.load(path)
            return _heard(TorchNetworks(*given), sound, range(len(sound)), show, doing)
        networks = TorchNetworks(*cohort_embedding.load(path))
        labels = [self._label(each.speaker) for each in sound.utterances]
        known = cohort_embedding.numbers([self._name, OTHERS], labels)
        texts = [""] * len(sound)
        for number in np.unique(known).tolist():
            which = np.flatnonzero(known == number).tolist()
            found = _heard(Known(networks, number), sound, which, show, doing)
            for at, text in zip(which, found, strict=True):
                texts[at] = text
        return texts

    def _label(self, speaker: str) -> str:
        return self._name if speaker in self._inside else OTHERS

    def _fisher(self, model: Transducer, tokens: Tokens, show: Show) -> fisher.Fisher:
        """Of the population's training speakers; measured once."""
        path = self._wish.work / "fisher.safetensors"
        if not path.exists():
            doing = "measuring how much each weight matters"
            found = fisher.of_transducer(
                model, tokens, self._train, most=MEASURED, seed=self._wish.seed,
                show=lambda share: show(doing, share),
            )  # fmt: skip
            fisher.save(found, path)
        return fisher.load(path)

    def _written(self, model: Transducer, tokens: Tokens, show: Show) -> Sound:
        """With texts by the model itself where the cohort has none; written once."""
        path = self._wish.work / "written.json"
        if not path.exists():
            found = sampling.pseudo_labelled(
                TorchNetworks(model, tokens), self._train, SURE, among=self._own,
                show=lambda share: show("writing down what has no text", share),
            )  # fmt: skip
            texts = [each.text for each in found.sound.utterances]
            write_whole(path, json.dumps(texts).encode())
        texts = json.loads(path.read_text())
        rows = zip(self._train.utterances, texts, strict=True)
        sound = replace(
            self._train, utterances=tuple(replace(one, text=text) for one, text in rows)
        )
        _with_texts(sound, self._own, self._name)
        return sound


def candidate(
    strength: float, sound: Sound, texts: Sequence[str], inside: Collection[str], name: str
) -> Candidate:
    """Word errors of everybody and of the cohort, for `mitigation.choosing`."""
    said = [normalise(each.text).split() for each in sound.utterances]
    errors = [word_errors(one, other.split()) for one, other in zip(said, texts, strict=True)]
    own = [each.speaker in inside for each in sound.utterances]
    mine = Count(*(sum(each for each, met in zip(counts, own, strict=True) if met)
                   for counts in (errors, [len(each) for each in said])))  # fmt: skip
    return Candidate(strength, Count(sum(errors), sum(map(len, said))), {name: mine})


def writable(path: Path, sound_of: Sequence[tuple[str, str]]) -> None:
    """Raises TokenError naming the utterance whose text the model's symbols cannot write; (name, text) each."""
    _, tokens = restoring.load(path)
    for name, text in sound_of:
        try:
            tokens.encode(normalise(text))
        except TokenError as error:
            raise TokenError(f"{name}: {error}") from None


def _with_texts(sound: Sound, own: Bool[np.ndarray, " utterances"], name: str) -> None:
    """Raises MitigationError where there is nothing to learn the cohort by."""
    longest = Lesson().longest_s
    rows = zip(sound.utterances, own, sound.durations, strict=True)
    if not any(met and each.text.strip() and long <= longest for each, met, long in rows):
        raise MitigationError(
            f"text: no training recording of {name} of up to {longest:g} s has one to learn from; write some "
            "down, or try --method oversample, which writes down what it is sure of"
        )


def _heard(
    networks: Networks, sound: Sound, which: Sequence[int], show: Show, doing: str
) -> list[str]:
    texts: list[str] = []
    for begin in range(0, len(which), _AT_ONCE):
        part = which[begin : begin + _AT_ONCE]
        mels = [mel.whole(sound.samples(each), networks.bands) for each in part]
        texts += greedy.texts(networks, mels)
        show(doing, len(texts) / len(which))
    return texts
