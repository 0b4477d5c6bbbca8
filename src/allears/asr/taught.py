"""A transducer while it is taught: the cheap joiner that says where to look, and the losses of what was said."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from allears.asr.lattice import Penalties
from allears.asr.model import Transducer
from allears.asr.pruned import gathered, simple_loss
from allears.asr.transducer import transducer_loss


class Taught(nn.Module):
    """A transducer, and the cheap joiner that only its training needs."""

    def __init__(self, transducer: Transducer) -> None:
        super().__init__()
        config = transducer.config
        self.transducer = transducer
        self.acoustic = nn.Linear(config.joint, config.vocabulary)
        self.language = nn.Linear(config.joint, config.vocabulary)

    def losses(
        self,
        heard: Float[Tensor, "batch frames joint"],
        targets: Int[Tensor, "batch symbols"],
        frames: Int[Tensor, " batch"],
        symbols: Int[Tensor, " batch"],
        *,
        window: int = 0,
        share: float = 1.0,
        ctc: float = 0.0,
        fastemit: float = 0.0,
        penalties: Penalties | None = None,
    ) -> Float[Tensor, " batch"]:
        """Nats of each row, of what was encoded and the symbols said in it, of which there may be none.

        With a `window` the joiner looks at so many positions of each frame (`pruned`), and counts for a `share`,
        the cheap one for a half, a CTC loss on what that hears for `ctc`. FastEmit and penalties as for
        `transducer.transducer_loss`.
        """
        model = self.transducer
        before = nn.functional.pad(targets, (1, 0))
        expected, _ = model.predict(before, model.predictor.initial_state(len(heard)))
        if not window:
            logits = model.joiner(heard[:, :, None], expected[:, None])
            return transducer_loss(
                logits, targets, frames, symbols, fastemit=fastemit, penalties=penalties
            )
        least = 2 + int((symbols / frames).max())
        width = min(max(window, least), targets.shape[1] + 1)
        acoustic = self.acoustic(heard)
        simple = simple_loss(
            acoustic, self.language(expected), targets, frames, symbols,
            width=width, fastemit=fastemit, penalties=penalties,
        )  # fmt: skip
        logits = model.joiner(heard[:, :, None], gathered(expected, simple.starts, width))
        losses = transducer_loss(
            logits, targets, frames, symbols,
            fastemit=fastemit, penalties=penalties, starts=simple.starts,
        )  # fmt: skip
        alone = nn.functional.ctc_loss(
            acoustic.log_softmax(2).transpose(0, 1), targets, frames, symbols,
            reduction="none", zero_infinity=True,
        )  # fmt: skip
        return 0.5 * simple.losses + share * losses + ctc * alone


def rows(targets: Sequence[Sequence[int]]) -> Int[Tensor, "batch symbols"]:
    """Side by side in one batch, as long as the longest."""
    each = [torch.tensor(row, dtype=torch.int64) for row in targets]
    return nn.utils.rnn.pad_sequence(each, batch_first=True)
