"""What the transducer loss costs on one core, beside the same lattice differentiated by torch, and pruned.

Random logits of 8 utterances, 200 frames and 41 positions in single precision, nothing padded. A time is that of
loss and gradient together, the shortest of all rounds; rounds take turns. Memory is the resident peak of a fresh
process beyond what it held before its logits were made, so logits and their gradient alone are 2 × logits. That of
the pruned loss has both joiners' scores, the windows, the logits within them and all their gradients in it; it is
set against the logits that there are without pruning.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from rich.progress import track
from torch import Tensor

from allears.asr.pruned import gathered, simple_loss
from allears.asr.transducer import transducer_loss
from tables import Run, arguments

BATCH, FRAMES, SYMBOLS, WIDTH = 8, 200, 40, 5
SMALL, LARGE = 128, 5000
MIB = 2**20

Work = Callable[[], None]


def drawn(*shape: int) -> Tensor:
    """Numbers that a gradient is wanted of."""
    return torch.randn(*shape).requires_grad_()


def texts(vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    """Targets, and lengths without padding."""
    targets = torch.randint(1, vocabulary, (BATCH, SYMBOLS))
    return targets, torch.full((BATCH,), FRAMES), torch.full((BATCH,), SYMBOLS)


def analytic(vocabulary: int) -> Work:
    """The loss of the product."""
    logits, text = drawn(BATCH, FRAMES, SYMBOLS + 1, vocabulary), texts(vocabulary)
    return lambda: backward(transducer_loss(logits, *text), logits)


def by_torch(loss: Callable[[Tensor, Tensor], Tensor], vocabulary: int) -> Work:
    """The same through a lattice of torch's operations."""
    logits, (targets, _, _) = drawn(BATCH, FRAMES, SYMBOLS + 1, vocabulary), texts(vocabulary)
    return lambda: backward(loss(logits, targets), logits)


def node_by_node(logits: Tensor, targets: Tensor) -> Tensor:
    """The losses, as the recursion is written down."""
    log_probabilities = logits.log_softmax(3)
    index = targets[:, None, :, None].expand(-1, FRAMES, -1, -1)
    label = log_probabilities[:, :, :-1].gather(3, index)[..., 0].unbind(1)
    blank = log_probabilities[..., 0].unbind(1)
    row = [torch.zeros(BATCH)]
    for value in label[0].unbind(1):
        row.append(row[-1] + value)
    for frame in range(1, FRAMES):
        stay = (torch.stack(row, 1) + blank[frame - 1]).unbind(1)
        row = [stay[0]]
        for value, emit in zip(stay[1:], label[frame].unbind(1), strict=True):
            row.append(torch.logaddexp(value, row[-1] + emit))
    return -(row[-1] + blank[-1][:, -1])


def diagonals(logits: Tensor, targets: Tensor) -> Tensor:
    """The losses, all nodes of a diagonal at once."""
    log_probabilities = logits.log_softmax(3)
    index = targets[:, None, :, None].expand(-1, FRAMES, -1, -1)
    label = log_probabilities[:, :, :-1].gather(3, index)[..., 0]
    blank, label = skewed(log_probabilities[..., 0]), skewed(label)
    row = blank.new_full((BATCH, SYMBOLS + 1), -1e30)
    row[:, 0] = 0
    for diagonal in range(1, FRAMES + SYMBOLS):
        stay = row + blank[:, diagonal - 1]
        emit = row[:, :-1] + label[:, diagonal - 1]
        both = torch.logaddexp(stay[:, 1:], emit)
        row = torch.cat((stay[:, :1], both), 1)
    return -(row[:, -1] + blank[:, -1, -1])


def skewed(arcs: Tensor) -> Tensor:
    """(batch, frames, symbols) to (batch, diagonals, symbols), −10³⁰ where there is no node."""
    batch, frames, symbols = arcs.shape
    padded = torch.nn.functional.pad(arcs, (0, 0, 0, SYMBOLS + 1), value=-1e30)
    turned = padded.transpose(1, 2).reshape(batch, -1)[:, : symbols * (frames + SYMBOLS)]
    return turned.reshape(batch, symbols, frames + SYMBOLS).transpose(1, 2)


def pruned(vocabulary: int) -> Work:
    """Both losses of a pruned transducer, the joiner's cost left out as it is for the others."""
    acoustic, language = drawn(BATCH, FRAMES, vocabulary), drawn(BATCH, SYMBOLS + 1, vocabulary)
    text = texts(vocabulary)

    def work() -> None:
        simple = simple_loss(acoustic, language, *text, width=WIDTH)
        within = gathered(language.detach(), simple.starts, WIDTH).requires_grad_()
        losses = simple.losses + transducer_loss(within, *text, starts=simple.starts)
        backward(losses, acoustic, language, within)

    return work


def backward(losses: Tensor, *inputs: Tensor) -> None:
    """The gradients, looked at once."""
    gradients = torch.autograd.grad(losses.sum(), inputs)
    assert all(torch.isfinite(each.sum()) for each in gradients)


WORKS: dict[str, tuple[Callable[[int], Work], int]] = {
    "torch, node by node": (partial(by_torch, node_by_node), SMALL),
    "torch, a diagonal at once": (partial(by_torch, diagonals), SMALL),
    "analytic": (analytic, SMALL),
    "analytic, large": (analytic, LARGE),
    f"pruned, {WIDTH} positions": (pruned, LARGE),
}


def resident(which: str) -> int:
    """Bytes in memory: now (VmRSS), or at most since the peak was forgotten (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith(which))
    return int(found) * 1024


def measure(name: str, rounds: int, answer: Connection) -> None:
    """Send the seconds and the bytes of one work, in a process that has done nothing else."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    make, vocabulary = WORKS[name]
    warm()
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    work = make(vocabulary)
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    answer.send((min(seconds), resident("VmHWM") - before))


def warm() -> None:
    """Load what is compiled and start what starts once, on next to nothing."""
    acoustic, language = drawn(1, 2, 3), drawn(1, 2, 3)
    text = torch.ones(1, 1, dtype=torch.int64), torch.tensor([2]), torch.tensor([1])
    simple = simple_loss(acoustic, language, *text, width=2)
    logits = drawn(1, 2, 2, 3)
    losses = transducer_loss(logits, *text, starts=simple.starts) + simple.losses
    backward(losses, acoustic, language, logits)


def measured(name: str, rounds: int) -> tuple[float, int]:
    """Seconds and bytes of one work, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(name, rounds, theirs))
    process.start()
    theirs.close()
    found: tuple[float, int] = ours.recv()
    process.join()
    return found


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, rounds=3, turns=3)
    turns = [
        {name: measured(name, options.rounds) for name in WORKS}
        for _ in track(range(options.turns))
    ]
    rows = []
    for name, (_, vocabulary) in WORKS.items():
        seconds = min(turn[name][0] for turn in turns)
        needed = max(turn[name][1] for turn in turns)
        logits = BATCH * FRAMES * (SYMBOLS + 1) * vocabulary * 4
        rows.append(
            [
                name.split(", large")[0],
                vocabulary,
                f"{seconds * 1e3:.0f}",
                f"{logits / MIB:.0f}",
                f"{needed / MIB:.0f}",
                f"{needed / logits:.2f}",
            ]
        )
    head = [
        "loss and gradient",
        "vocabulary",
        "ms",
        "logits, MiB",
        "memory, MiB",
        "× logits",
    ]
    Run("transducer_loss.md", __doc__).table(head, rows)


if __name__ == "__main__":
    main()
