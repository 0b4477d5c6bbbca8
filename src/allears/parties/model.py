"""The separator-transducer-segmenter whole: one sound in, a transducer's branch out for each who talks at once.

Sklyar, Piunova and Osendorfer, "Separator-transducer-segmenter: streaming recognition and segmentation of
multi-party speech" (Interspeech 2022). With one branch it is a recogniser of the same size that tells turns one
after another, as serialised output training has it.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from allears.asr import tail
from allears.asr.model import Transducer, TransducerConfig
from allears.audio import mel
from allears.parties.separator import Separator, SeparatorConfig

ENCODER = "separator"
"""The encoder's kind in a configuration; its fields are those of `SeparatorConfig`."""


class SeparatorTransducer(Transducer):
    """A transducer that tells of several talkers at once; branches stand side by side in what is heard."""

    encoder: Separator

    def __init__(self, config: TransducerConfig) -> None:
        super().__init__(config)
        self.branches = self.encoder.branches

    def _encoder(self) -> Separator:
        inputs = self.config.bands * self.config.stack
        return Separator(SeparatorConfig(**{"inputs": inputs, **self.config.encoder}))

    def encode(
        self, mels: Float[Tensor, "batch time bands"], state: Any
    ) -> tuple[Float[Tensor, "batch frames wide"], Any]:
        """What each branch hears, as the joiner wants it, `branches` times `joint` wide."""
        heard, state = self.hear(mels, state)
        return heard.transpose(1, 2).flatten(2), state

    def hear(
        self, mels: Float[Tensor, "batch time bands"], state: Any
    ) -> tuple[Float[Tensor, "batch branches frames joint"], Any]:
        """The same, branch by branch; `time` is a multiple of `stack`."""
        encoded, state = self.encoder(self._frames(mels), state)
        return self.joiner.heard(encoded), state

    def frames(
        self, mels: Float[Tensor, "batch time bands"]
    ) -> Float[Tensor, "batch frames inputs"]:
        """What is separated: normalised and stacked."""
        return self._frames(mels)

    def separate(
        self, mels: Float[Tensor, "batch time bands"]
    ) -> Float[Tensor, "batch branches frames inputs"]:
        """What each branch is to recognise of whole conversations; `recognise` goes on from there."""
        begin = self.encoder.initial_state(len(mels)).separating
        return self.encoder.separate(self._frames(mels), begin)[0]

    def recognise(
        self, branches: Float[Tensor, "batch branches frames inputs"]
    ) -> Float[Tensor, "batch branches frames joint"]:
        """What `hear` makes of whole conversations, out of what was separated."""
        begin = self.encoder.initial_state(len(branches)).recognising
        heard: Tensor = self.joiner.heard(self.encoder.recognise(branches, begin)[0])
        return heard


def before(
    recogniser: Transducer,
    vocabulary: int,
    *,
    branches: int,
    separating: int = 2,
    width: int = 384,
    dropout: float = 0.1,
) -> SeparatorTransducer:
    """A separator, taught nothing, before this recogniser of single talkers, whose symbols are its first.

    At first the first branch hears what the recogniser heard, others quiet.
    """
    whole = recogniser.config
    separator = {
        "encoder_kind": whole.encoder_kind,
        "encoder": dict(whole.encoder),
        "branches": branches,
        "separating": separating,
        "width": width,
        "dropout": dropout,
    }
    config = {**asdict(whole), "vocabulary": vocabulary, "encoder_kind": ENCODER}
    made = SeparatorTransducer(TransducerConfig(**{**config, "encoder": separator}))
    _take(made, recogniser)
    made.encoder.quiet.copy_(_quiet(made))
    return made


def _take(made: SeparatorTransducer, recogniser: Transducer) -> None:
    """The recogniser's weights, each at its new place; rows of new symbols stay as they are."""
    values = made.state_dict()
    for name, value in recogniser.state_dict().items():
        place = name.replace("encoder.", "encoder.recogniser.", 1)
        target = values[place if name.startswith("encoder.") else name]
        target[: len(value)].copy_(value) if value.dim() else target.copy_(value)


def _quiet(made: SeparatorTransducer) -> Float[Tensor, " inputs"]:
    """The mean frame of a second of the quiet that is put after recordings."""
    random = np.random.default_rng(0)
    samples = tail.AMPLITUDE * random.standard_normal(mel.RATE)
    mels = torch.from_numpy(mel.whole(samples.astype(np.float32), made.config.bands))
    stack = made.config.stack
    return made.frames(mels[None, : len(mels) // stack * stack])[0].mean(0)
