"""`allears export`: from a trained recogniser to one file that runs anywhere."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from allears.cli.arguments import ArgumentError, check_output
from allears.cli.train_asr import Packing
from allears.outputs import write_whole

if TYPE_CHECKING:
    from allears.asr.timing import Delays

_MEGA = 1e6


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="model.safetensors that `allears train asr` or `mitigate` wrote.",
        ),
    ],
    to: Annotated[Path, typer.Option(metavar="FILE", help="The file to write; *.safetensors.")],
    int8: Annotated[
        bool,
        typer.Option("--int8", help="In 8 bits, if word errors rise by no more than a fiftieth."),
    ] = False,
    float16: Annotated[
        bool,
        typer.Option(
            "--float16",
            help="Weights in 16 bits, on the same terms; after --int8 the second choice.",
        ),
    ] = False,
    development: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MANIFEST",
            help="What it is judged by and its word times are set by: of it splits dev…, else all.",
        ),
    ] = None,
    text: Annotated[str, typer.Option(help="What it is good for, for whoever gets it.")] = "",
    leave_out: Annotated[
        bool,
        typer.Option("--leave-out", help="Leave out texts with digits, signs or other alphabets."),
    ] = False,
    packs: Annotated[
        Path, typer.Option(help="Where recordings are packed, once for all trainings.")
    ] = Path("runs/pack"),
) -> None:
    """Make of a trained recogniser what `allears transcribe --recogniser` takes: no torch is needed then.

    Example: `allears export runs/asr/model.safetensors --to mine.safetensors --int8 --development corpora/mine`
    """
    for package in ("torch", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise ArgumentError(f"export needs {package}: pip install 'allears[asr]'")
    if to.suffix != ".safetensors":
        raise ArgumentError(f"--to {to}: a recogniser's name ends in .safetensors")
    smaller = [form for form, wanted in (("int8", int8), ("float16", float16)) if wanted]
    if smaller and not development:
        raise ArgumentError(
            f"--{smaller[0]} is kept only where it hears as well: give --development too"
        )
    check_output(to, [checkpoint])
    # Imported here so that every other command starts without torch.
    from allears.asr import checkpoint as checkpoints
    from allears.asr import material
    from allears.asr.finish import finish
    from allears.mitigation import cohort_embedding

    told = checkpoints.kind_of(checkpoint) == cohort_embedding.KIND
    load = cohort_embedding.load if told else checkpoints.load
    load(checkpoint)
    sound = None
    if development:
        chosen = material.development(development, leave_out=leave_out)
        with Packing() as packing:
            sound = material.packed(chosen.utterances, packs, packing)
    finished = finish(checkpoint, sound, smaller=smaller, text=text, load=load)
    write_whole(to, finished.data)
    for form, size in finished.sizes.items():
        judged = f", {finished.errors[form]}" if form in finished.errors else ""
        typer.echo(f"{form}: {size / _MEGA:.2f} MB{judged}")
    if sound is not None:
        typer.echo(_delays(finished.delays))
    typer.echo(f"{to}: written, {finished.bundle.about.form}")


def _delays(found: "Delays | None") -> str:
    if found is None:
        return "word times: not measured (that needs pocketsphinx, and words that are recognised)"
    return (
        f"word times: {1000 * found.start:.0f} ms after words begin, {1000 * found.end:.0f} ms after they "
        f"end, over {found.words} words"
    )
