"""`allears train asr`: a recogniser of your own."""

import enum
import importlib.util
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Self

import typer

from allears.cli.arguments import ArgumentError, check_output
from allears.cli.terminal import waiting
from allears.outputs import write_whole

STEPS = 3600
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kM]?)")
_TIMES = {"": 1, "k": 1_000, "M": 1_000_000}


class Precision(enum.StrEnum):
    """Those of `train.schedule`."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def asr(
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="MANIFEST",
            help="A folder with utterances.csv, such a table, lhotse's cuts, LibriSpeech or Common Voice; "
            "repeatable. Splits that begin with 'train' are used.",
        ),
    ],
    development: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MANIFEST", help="What the result is judged by: of it splits dev…, else all."
        ),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="convrnn, lstm, vgglstm, conformer, contextnet, transformer or amortised."
        ),
    ] = "convrnn",
    parameters: Annotated[
        str, typer.Option(metavar="SIZE", help="How large: 400k, 1.5M, 30M.")
    ] = "1.5M",
    symbols: Annotated[
        str,
        typer.Option(help="characters, pieces:N, or a FILE.model that sentencepiece made."),
    ] = "pieces:160",
    noise: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="With noise.csv or rir.csv: sounds and rooms to mix in."
        ),
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="Some speech comes out of lossy calls.")
    ] = False,
    leave_out: Annotated[
        bool,
        typer.Option("--leave-out", help="Leave out texts with digits, signs or other alphabets."),
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = STEPS,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of speech in a batch.")] = 80.0,
    longest: Annotated[
        float, typer.Option(min=1, help="Longer utterances, in seconds, are left out.")
    ] = 17.0,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches in a step.")] = 1,
    rate: Annotated[float, typer.Option(help="The highest learning rate.")] = 1.5e-3,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many hours, to be resumed.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another run.")] = 0,
    folder: Annotated[
        Path, typer.Option(help="Where checkpoints go; a run goes on from there.")
    ] = Path("runs/asr"),
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the finished model goes. Default: model.safetensors in there.",
        ),
    ] = None,
    packs: Annotated[
        Path, typer.Option(help="Where recordings are packed, once for all trainings.")
    ] = Path("runs/pack"),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[Precision, typer.Option(help="Of losses.")] = Precision.FLOAT32,
) -> None:
    """Train a streaming recogniser on your own recordings and their texts.

    It can be stopped at any time: the same command goes on. `allears export` makes of the result what
    `allears transcribe --recogniser` takes.

    Example: `allears train asr --data corpora/mine --parameters 1.5M --hours 8`
    """
    if importlib.util.find_spec("torch") is None:
        raise ArgumentError("training needs PyTorch: pip install 'allears[asr]'")
    if not rate > 0:
        raise ArgumentError(f"--rate {rate:g}: give one above 0, such as 0.0015")
    wanted = _parameters(parameters)
    if to:
        check_output(to)
    until = time.monotonic() + 3600 * hours if hours is not None else float("inf")
    # Imported here so that every other command starts without torch.
    from allears.asr.own import Wish, train
    from allears.asr.task import Lesson
    from allears.train.schedule import Plan

    plan = Plan(
        steps, rate, warmup=max(1, min(300, steps // 10)), decay=0.01, average=0.998,
        accumulate=accumulate, precision=precision.value, seed=seed,
    )  # fmt: skip
    lesson = Lesson(
        plainly=min(800, steps // 4), shortly=min(400, steps // 10), simply=min(200, steps // 10),
        seconds=seconds, longest_s=longest,
    )  # fmt: skip
    wish = Wish(
        data, encoder, wanted, plan, lesson, development or (), symbols, noise, network, leave_out,
        device,
    )  # fmt: skip
    with Packing() as packing:
        outcome = train(wish, folder, packs, until=until, packing=packing)
    if outcome.left_out:
        typer.echo(f"left out: {outcome.left_out} utterances whose text cannot be written")
    if outcome.too_long:
        typer.echo(f"left out: {outcome.too_long} utterances of more than {longest:g} s")
    if outcome.path is None:
        typer.echo(f"{folder}: stopped; the same command goes on")
        return
    if outcome.errors:
        typer.echo(f"development: {outcome.errors}")
    if to:
        write_whole(to, outcome.path.read_bytes())
    typer.echo(f"{to or outcome.path}: written, {outcome.parameters:,} parameters")


class Packing:
    """A bar while recordings are packed, gone before that of the training comes."""

    def __init__(self) -> None:
        self._bar = ExitStack()
        self._show: Callable[[float], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, share: float) -> None:
        """So much is packed."""
        if self._show is None:
            self._show = self._bar.enter_context(waiting("packing"))
        self._show(share)
        if share >= 1:
            self._bar.close()
            self._show = None


def _parameters(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found or not (count := round(float(found[1]) * _TIMES[found[2]])):
        raise ArgumentError(f"--parameters {text!r}: give a number such as 400k or 1.5M")
    return count
