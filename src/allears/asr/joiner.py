"""The joiner of a transducer: of what is heard and what is expected, which symbol comes next (Graves 2012)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Joiner(nn.Module):
    """Both are brought to `width`, added, and read through tanh and one linear layer.

    What they are brought by stands apart (`heard`, `expected`), to be done once a frame and once a symbol.
    """

    def __init__(self, encoder: int, predictor: int, width: int, vocabulary: int) -> None:
        super().__init__()
        self.width = width
        self.heard = nn.Linear(encoder, width)
        self.expected = nn.Linear(predictor, width, bias=False)
        self.read = nn.Linear(width, vocabulary)

    def forward(
        self, heard: Float[Tensor, "*shape width"], expected: Float[Tensor, "*shape width"]
    ) -> Float[Tensor, "*shape vocabulary"]:
        """Logits, from what both were brought to."""
        logits: Tensor = self.read(torch.tanh(heard + expected))
        return logits
