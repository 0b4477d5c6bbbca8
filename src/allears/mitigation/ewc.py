"""Elastic weights: a model learns from new speech and pays for leaving what it was, weight by weight.

Kirkpatrick et al., PNAS 2017; for a transducer and regions that it serves badly arXiv 2207.07850:
(λ/2)·Σ F_i·(θ_i − θ*_i)² is added to the loss, F the diagonal Fisher information (`fisher`) at the weights θ* that
training begins with. With F = 1 it is L2-SP (Li, Grandvalet and Davoine 2018).
"""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from allears.asr.model import Transducer
from allears.mitigation.refusal import MitigationError

Part = Literal["all", "encoder", "predictor", "joiner"]
"""What is adapted of a transducer; the rest stays as it is."""


def anchor(model: nn.Module) -> dict[str, Tensor]:
    """The weights as they are now, by name: what `ElasticWeights` holds a model to."""
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def adapt(model: Transducer, part: Part) -> None:
    """Let only the weights of one part be learnt. Raises MitigationError where there is no such part.

    The others get no gradient: the optimiser does not touch them, nor does its weight decay.
    """
    parts: dict[str, nn.Module] = {
        "all": model,
        "encoder": model.encoder,
        "predictor": model.predictor,
        "joiner": model.joiner,
    }
    if part not in parts:
        raise MitigationError(f"no part {part!r} of a transducer; choose {', '.join(parts)}")
    model.requires_grad_(False)
    parts[part].requires_grad_(True)


class ElasticWeights:
    """A penalty for `train.loop.run`: (strength/2)·Σ F·(θ − θ*)² over the weights that are learnt.

    `reference` are weights by name, `fisher` their information, all 1 where it is None (L2-SP); the model that is
    trained has them under `prefix` ("transducer." in `asr.taught.Taught`). What else it has is free, and so is a
    weight that `fisher` says nothing of.

    With strength 0 nothing is added, not even a gradient of 0, so that training is what it is without. A finite
    strength pulls: under Adam, whose steps are as long however steep the slope, weights still swing by about the
    rate around θ*. With `math.inf` they are held: what is penalised gets no gradient, and stays to the last bit.

    Raises MitigationError where strengths, weights and information do not fit.
    """

    def __init__(
        self,
        reference: Mapping[str, Tensor],
        fisher: Mapping[str, Tensor] | None,
        strength: float,
        *,
        prefix: str = "",
    ) -> None:
        if not strength >= 0:
            raise MitigationError(f"a strength of {strength}; the least is 0")
        self._strength = strength
        self._held: dict[str, tuple[Tensor, Tensor]] = {}
        for name, value in reference.items():
            importance = torch.ones_like(value) if fisher is None else fisher.get(name)
            if importance is None:
                continue
            if importance.shape != value.shape:
                raise MitigationError(
                    f"{name}: weights {tuple(value.shape)}, information {tuple(importance.shape)}; "
                    "measure it of this model"
                )
            self._held[prefix + name] = value, importance
        if not self._held:
            raise MitigationError("the information is of none of these weights; measure it again")

    def __call__(self, model: nn.Module) -> Tensor:
        """What the weights of `model` cost now, in nats, shape ()."""
        learnt = [
            (weight, *self._held[name])
            for name, weight in self._found(model)
            if weight.requires_grad
        ]
        if not learnt or self._strength in (0, math.inf):
            if self._strength:
                _hold([weight for weight, _, _ in learnt])
            return torch.zeros((), requires_grad=True)
        total = sum(
            (importance.to(weight.device) * (weight - value.to(weight.device)).square()).sum()
            for weight, value, importance in learnt
        )
        return self._strength / 2 * torch.as_tensor(total)

    def _found(self, model: nn.Module) -> list[tuple[str, nn.Parameter]]:
        there = dict(model.named_parameters())
        for name, (value, _) in self._held.items():
            if name not in there or there[name].shape != value.shape:
                raise MitigationError(
                    f"{name} of shape {tuple(value.shape)} is no weight of the model; "
                    "begin with the model that was measured"
                )
        return [(name, there[name]) for name in self._held]


def _hold(weights: list[nn.Parameter]) -> None:
    """A weight without a gradient is passed over by the optimiser."""
    for each in weights:
        each.grad = None
