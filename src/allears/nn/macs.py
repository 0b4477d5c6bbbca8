"""What a network costs: multiply-adds of products with weights and of attention, for one frame of one stream.

What is done value by value (norms, activations, gates, means) is not counted.
"""

from torch import nn

from allears.nn.attention import Attention
from allears.nn.conv import BandsConv, DepthwiseCausalConv


def macs_per_frame(module: nn.Module, context: int | None = None) -> int:
    """The multiply-adds of all layers in `module`, each of which is taken to run once a frame.

    Attention looks at `context` frames before its own, or at all its past where that is less or none is given.
    """
    return sum(_own(each, context) for each in module.modules())


def _own(module: nn.Module, context: int | None) -> int:
    match module:
        case nn.Linear():
            return module.in_features * module.out_features
        case nn.LSTM():
            weights = (value for name, value in module.named_parameters() if "weight" in name)
            return sum(value.numel() for value in weights)
        case DepthwiseCausalConv():
            return module.kernel * module.channels
        case BandsConv():
            return module.filter.weight.numel() * module.bands * module.steps
        case Attention():
            past = module.past if context is None else min(context, module.past)
            return 2 * (past + 1) * module.heads * module.size
        case _:
            return 0
