"""One step of each network, as a graph runs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from allears.audio.pitch import LAGS, TURNS
from allears.audio.pitchnet import PitchNet, PitchNetState
from allears.nn.export import export
from allears.redundancy.rdovae import (
    FEATURES,
    LATENTS,
    STAGES,
    STATES,
    Decoder,
    DecoderState,
    Encoder,
    EncoderState,
)
from allears.voice.fargan import CONTEXT, PAST, Fargan, FarganState
from allears.voice.harmonic import Filters, HarmonicNet, HarmonicState
from allears.voice.predictor import GIVEN, Predictor, PredictorState


@dataclass(frozen=True)
class Step:
    """`call(module, *inputs, *states)` gives the `outputs` and the states after."""

    module: nn.Module
    call: Callable[..., Sequence[Tensor]]
    inputs: dict[str, Tensor]
    states: Sequence[Tensor] = ()
    outputs: Sequence[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Its graph."""
        export(self.module, self.call, self.inputs, self.states, self.outputs, path)


def all_steps() -> dict[str, Step]:
    """Every graph by its name."""
    return {
        "pitch": _pitch(1),
        "pitch_long": _pitch(15),
        "rdovae_encoder": _encoder(),
        "rdovae_begin": _begin(),
        "rdovae_decoder": _decoder(1),
        "rdovae_decoder_long": _decoder(13),
        "fargan": _fargan(),
        "fargan_begin": _fargan_begin(),
        "harmonic": _harmonic(),
        "harmonic_begin": _harmonic_begin(),
        "predictor": _predictor(1),
        "predictor_long": _predictor(10),
    }


def _pitch(frames: int) -> Step:
    def call(net: PitchNet, turns: Tensor, lags: Tensor, *state: Tensor) -> list[Tensor]:
        logits, after = net(turns, lags, PitchNetState(*state))
        return [logits, *after]

    net = PitchNet()
    inputs = {"turns": torch.zeros(1, frames, TURNS), "lags": torch.zeros(1, frames, LAGS)}
    return Step(net, call, inputs, net.initial_state(1), ["logits"])


def _encoder() -> Step:
    def call(net: Encoder, features: Tensor, *state: Tensor) -> list[Tensor]:
        before = EncoderState(state[:STAGES], state[STAGES:])
        latents, states, after = net(features[:, None], before)
        return [latents[:, 0], states[:, 0], *after.gru, *after.conv]

    net = Encoder()
    gru, conv = net.initial_state(1)
    inputs = {"features": torch.zeros(1, 2 * FEATURES)}
    return Step(net, call, inputs, [*gru, *conv], ["latents", "states"])


def _begin() -> Step:
    def call(net: Decoder, states: Tensor) -> list[Tensor]:
        gru, conv = net.begin(states)
        return [*gru, *conv]

    return Step(Decoder(), call, {"states": torch.zeros(1, STATES)})


def _decoder(steps: int) -> Step:
    def call(net: Decoder, latents: Tensor, *state: Tensor) -> list[Tensor]:
        features, after = net(latents, DecoderState(state[:STAGES], state[STAGES:]))
        return [features, *after.gru, *after.conv]

    net = Decoder()
    gru, conv = net.begin(torch.zeros(1, STATES))
    inputs = {"latents": torch.zeros(1, steps, LATENTS + 1)}
    return Step(net, call, inputs, [*gru, *conv], ["features"])


def _fargan() -> Step:
    def call(net: Fargan, features: Tensor, period: Tensor, *state: Tensor) -> list[Tensor]:
        samples, after = net.step(features, period, _fargan_state(state))
        return [samples, *_parts(after)]

    net = Fargan()
    inputs = {
        "features": torch.zeros(1, FEATURES),
        "period": torch.zeros(1, 1, dtype=torch.int64),
    }
    return Step(net, call, inputs, _parts(net.initial_state(1)), ["samples"])


def _fargan_begin() -> Step:
    def call(
        net: Fargan, past: Tensor, features: Tensor, periods: Tensor, *state: Tensor
    ) -> list[Tensor]:
        return _parts(net.begin(past, features, periods, _fargan_state(state)))

    net = Fargan()
    inputs = {
        "past": torch.zeros(1, PAST),
        "features": torch.zeros(1, CONTEXT, FEATURES),
        "periods": torch.zeros(1, CONTEXT, dtype=torch.int64),
    }
    return Step(net, call, inputs, _parts(net.initial_state(1)))


def _parts(state: FarganState) -> list[Tensor]:
    return [*state[:-1], *state.grus]


def _fargan_state(parts: Sequence[Tensor]) -> FarganState:
    period, samples, last, condition, conv, *grus = parts
    return FarganState(period, samples, last, condition, conv, tuple(grus))


def _harmonic() -> Step:
    def call(net: HarmonicNet, features: Tensor, *state: Tensor) -> list[Tensor]:
        filters, after = net(features[:, None], HarmonicState(*state))
        return [*filters, *after]

    net = HarmonicNet()
    inputs = {"features": torch.zeros(1, FEATURES)}
    return Step(net, call, inputs, net.initial_state(1), Filters._fields)


def _harmonic_begin() -> Step:
    """The filters of the two frames before the last of five."""

    def call(net: HarmonicNet, features: Tensor) -> list[Tensor]:
        filters, after = net(features, net.initial_state(len(features)))
        return [*(each[:, -4:] for each in filters), *after]

    return Step(
        HarmonicNet(), call, {"features": torch.zeros(1, CONTEXT, FEATURES)}, (), Filters._fields
    )


def _predictor(frames: int) -> Step:
    def call(net: Predictor, given: Tensor, *state: Tensor) -> list[Tensor]:
        guess, after = net(given, PredictorState(*state))
        return [guess, *after]

    net = Predictor()
    inputs = {"given": torch.zeros(1, frames, GIVEN)}
    return Step(net, call, inputs, net.initial_state(1), ["features"])
