"""How likely a model is to say nothing, set right on speech it has not learnt from.

Where a transducer is unsure what was said, the symbols that it may have been share what one blank has alone, so
greedy search passes on and words are lost. Lowering the blank a little (k2's decoders have such a penalty) makes
fewer errors. It goes into the joiner's bias, so nothing else knows of it.
"""

from collections.abc import Callable, Sequence

import torch

from allears.asr.judging import judge
from allears.asr.model import Transducer
from allears.asr.networks import BLANK
from allears.asr.tokens import Tokens
from allears.asr.torch_networks import TorchNetworks
from allears.corpus.sound import Sound

NATS = 0.0, 0.5, 1.0, 1.5, 2.0
"""By how much the blank may be lowered."""


def balanced(
    model: Transducer, tokens: Tokens, development: Sound, nats: Sequence[float] = NATS
) -> float:
    """Lower the blank in `model` by that of `nats` with the fewest word errors on `development`; say which.

    `nats` rise; of equals the first, and none after one that makes more errors than the best so far.
    """
    return balanced_by(model, lambda: judge(TorchNetworks(model, tokens), development).errors, nats)


def balanced_by(
    model: Transducer, errors: Callable[[], int], nats: Sequence[float] = NATS
) -> float:
    """The same by what `errors` says of the model as it is."""
    before = float(model.joiner.read.bias.detach()[BLANK])
    best, fewest = 0.0, -1
    for each in nats:
        _set(model, before - each)
        found = errors()
        if fewest >= 0 and found > fewest:
            break
        if fewest < 0 or found < fewest:
            best, fewest = each, found
    _set(model, before - best)
    return best


def _set(model: Transducer, bias: float) -> None:
    with torch.no_grad():
        model.joiner.read.bias[BLANK] = bias
