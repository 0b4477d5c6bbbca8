"""How much each weight of a model matters to what it already knows: the diagonal of its Fisher information.

Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS 2017; for transducers arXiv
2207.07850. It is the mean of squared gradients, one of each utterance: the square of their mean, which is what
squaring a batch's gradient gives, is next to nothing where a model has been trained well.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor, nn

from allears.asr import tail
from allears.asr.model import Transducer
from allears.asr.taught import rows
from allears.asr.tokens import Tokens
from allears.asr.transducer import transducer_loss
from allears.audio import mel
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.mitigation.refusal import MitigationError
from allears.outputs import write_whole

_KIND, _FORMAT = "fisher information", "1"


@dataclass(frozen=True, slots=True)
class Fisher:
    """Squared gradients by weight, in double precision, summed over `count` utterances: parts add."""

    sums: Mapping[str, Tensor]
    count: int

    def __add__(self, other: "Fisher") -> "Fisher":
        if self.sums.keys() != other.sums.keys():
            raise MitigationError("Fisher information of two models cannot be added; take one")
        sums = {name: value + other.sums[name] for name, value in self.sums.items()}
        return Fisher(sums, self.count + other.count)

    def diagonal(self, *, normalised: bool = True) -> dict[str, Tensor]:
        """The mean over utterances, float32, in nats² through the square of the weight's unit.

        Normalised its mean over all weights is 1, so that a penalty's strength means the same for any model.
        Raises MitigationError where there were no utterances, or where no weight matters.
        """
        total = math.fsum(float(each.sum()) for each in self.sums.values())
        if not self.count or not total > 0:
            raise MitigationError(
                f"the Fisher information of {self.count} utterances is {total}; measure it on some with texts"
            )
        weights = sum(each.numel() for each in self.sums.values())
        scale = weights / total if normalised else 1 / self.count
        return {name: (value * scale).float() for name, value in self.sums.items()}


def of_losses(model: nn.Module, losses: Iterable[Tensor]) -> Fisher:
    """Of `model` at its weights, by the loss in nats, shape (), of each utterance alone; one at a time in memory.

    Weights that are not learnt count, too, as far as they require gradients.
    """
    learnt = {name: each for name, each in model.named_parameters() if each.requires_grad}
    sums = {name: torch.zeros_like(each, dtype=torch.float64) for name, each in learnt.items()}
    count = 0
    for loss in losses:
        found = torch.autograd.grad(loss, list(learnt.values()), allow_unused=True)
        for total, gradient in zip(sums.values(), found, strict=True):
            if gradient is not None:
                total += gradient.double().square()
        count += 1
    return Fisher(sums, count)


def of_transducer(
    model: Transducer,
    tokens: Tokens,
    sound: Sound,
    *,
    most: int | None = None,
    seed: int = 0,
    show: Callable[[float], None] | None = None,
) -> Fisher:
    """Of −log P(text | sound), all paths, nothing pruned, over `most` utterances with texts, evenly chosen.

    `model` is put into evaluation: what dropout hides says nothing of the weights. `show` is told the share that
    is done. Raises MitigationError where no utterance has a text.
    """
    texts = [tokens.encode(normalise(each.text)) for each in sound.utterances]
    numbers = chosen([at for at, text in enumerate(texts) if text], most, seed)
    if not numbers:
        raise MitigationError("no utterance has a text; Fisher information wants what was said")
    model.eval()

    def losses() -> Iterable[Tensor]:
        for done, number in enumerate(numbers):
            yield _loss(model, sound.samples(number), texts[number])
            if show:
                show((done + 1) / len(numbers))

    # cuDNN knows no gradients of recurrences in evaluation.
    with torch.backends.cudnn.flags(enabled=False):
        return of_losses(model, losses())


def chosen(numbers: Sequence[int], most: int | None, seed: int) -> list[int]:
    """At most so many of them, at even distances from a place that the seed draws."""
    if most is None or most >= len(numbers):
        return list(numbers)
    begin = np.random.default_rng(seed).random()
    places = ((np.arange(most) + begin) * len(numbers) / max(1, most)).astype(int)
    return [numbers[each] for each in places]


def save(fisher: Fisher, path: Path) -> None:
    """Write it whole or not at all."""
    tensors = {name: value.cpu().contiguous() for name, value in fisher.sums.items()}
    about = {"kind": _KIND, "format": _FORMAT, "count": str(fisher.count)}
    write_whole(path, serialised(tensors, about))


def load(path: Path) -> Fisher:
    """What `save` wrote. Raises MitigationError naming the file and what is wrong."""
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            names = file.keys()
            sums = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        why = " ".join(str(error).split())
        raise MitigationError(f"{path}: cannot be read ({why}); measure it again") from None
    if about.get("kind") != _KIND or about.get("format") != _FORMAT:
        held = about.get("kind", "something else")
        raise MitigationError(f"{path}: holds {held}, not {_KIND}; measure it again")
    return Fisher(sums, int(about["count"]))


def _loss(
    model: Transducer, samples: Float32[np.ndarray, " samples"], text: Sequence[int]
) -> Tensor:
    """Nats of one utterance, the quiet after it heard, too."""
    device = model.mean.device
    mels = tail.ended(mel.whole(samples, model.config.bands), model.config.stack)
    targets = rows([text]).to(device)
    logits = model(torch.from_numpy(mels)[None].to(device), targets)
    lengths = torch.tensor([logits.shape[1]]), torch.tensor([len(text)])
    return transducer_loss(logits, targets, *lengths)[0]
