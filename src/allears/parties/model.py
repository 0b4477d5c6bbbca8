"""The separator-transducer-segmenter whole: one sound in, a transducer's branch out for each who talks at once.

Sklyar, Piunova and Osendorfer, "Separator-transducer-segmenter: streaming recognition and segmentation of
multi-party speech" (Interspeech 2022). With one branch it is a recogniser of the same size that tells turns one
after another, as serialised output training has it.
"""

from dataclasses import asdict
from typing import Any

from jaxtyping import Float
from torch import Tensor

from allears.asr.model import Transducer, TransducerConfig
from allears.nn.lstm import LstmLayers
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

    def separate(
        self, mels: Float[Tensor, "batch time bands"]
    ) -> Float[Tensor, "batch branches frames width"]:
        """What each branch is to recognise of whole conversations; `recognise` goes on from there."""
        begin = self.encoder.initial_state(len(mels))
        parted: Tensor = self.encoder.separate(self._frames(mels), begin)[0]
        return parted

    def recognise(
        self, branches: Float[Tensor, "batch branches frames width"]
    ) -> Float[Tensor, "batch branches frames joint"]:
        """What `hear` makes of whole conversations, out of what was separated."""
        begin = self.encoder.initial_state(len(branches)).recognising
        heard: Tensor = self.joiner.heard(self.encoder.recognise(branches, begin)[0])
        return heard

    def mixture(
        self, mels: Float[Tensor, "batch time bands"]
    ) -> Float[Tensor, "batch frames width"]:
        """What the mixture encoder hears of whole sounds."""
        begin = self.encoder.mixture.initial_state(len(mels))
        heard: Tensor = self.encoder.mixture(self._frames(mels), begin)[0]
        return heard


def cut(
    recogniser: Transducer, vocabulary: int, *, branches: int, mixing: int = 1, separating: int = 1
) -> SeparatorTransducer:
    """A conversation's model that begins as this recogniser of single talkers, whose symbols are its first.

    The recogniser's first `mixing` layers of LSTM, and what stands before them, become the mixture encoder; the
    rest the encoder of every branch. Raises ValueError where its encoder has no such layers.
    """
    whole, encoder = recogniser.config, recogniser.encoder
    layers = getattr(encoder, "layers", None)
    fields = dict(whole.encoder)
    count = len(layers.norms) if isinstance(layers, LstmLayers) else 0
    if not 1 <= mixing < count:
        raise ValueError(
            f"an encoder {whole.encoder_kind} of {count} layers of LSTM cannot be cut after {mixing}"
        )
    separator = {
        "mixture_kind": whole.encoder_kind,
        "mixture": {**fields, "layers": mixing},
        "branches": branches,
        "separating": separating,
        "recognising": count - mixing,
        "dropout": fields.get("dropout", 0.1),
    }
    config = {**asdict(whole), "vocabulary": vocabulary, "encoder_kind": ENCODER}
    made = SeparatorTransducer(TransducerConfig(**{**config, "encoder": separator}))
    _take(made, recogniser, mixing)
    return made


def _take(made: SeparatorTransducer, recogniser: Transducer, mixing: int) -> None:
    """The recogniser's weights, each at its new place; rows of new symbols stay as they are."""
    values = made.state_dict()
    for name, value in recogniser.state_dict().items():
        target = values[_place(name, mixing)]
        target[: len(value)].copy_(value) if value.dim() else target.copy_(value)


def _place(name: str, mixing: int) -> str:
    """A weight's name in the cut model."""
    first, _, rest = name.partition(".")
    if first != "encoder":
        return name
    parts = rest.split(".")
    if parts[0] == "layers" and int(parts[2]) >= mixing:
        return ".".join(("encoder.recognising", parts[1], str(int(parts[2]) - mixing), *parts[3:]))
    return f"encoder.mixture.{rest}"
