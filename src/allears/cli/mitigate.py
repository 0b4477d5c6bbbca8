"""`allears mitigate`: from an audit to a better model, and the same audit again."""

import enum
import importlib.util
import time
from pathlib import Path
from typing import Annotated

import typer

from allears.asr.opening import SHIPPED_FILE
from allears.cli.arguments import ArgumentError
from allears.cli.mitigate_outputs import Showing, aside, tell

TRAINED = Path("runs/asr/model.safetensors")
"""What `allears train asr` wrote, where nothing else was said."""
STEPS = 400


class Task(enum.StrEnum):
    """Whose errors."""

    ASR = "asr"
    VERIFY = "verify"


class Method(enum.StrEnum):
    """What is done about them."""

    EWC = "ewc"
    FINETUNE = "finetune"
    OVERSAMPLE = "oversample"
    EMBEDDING = "embedding"
    ARW = "arw"


_NEEDS = {
    "torch": "asr", "onnx": "asr", "duckdb": "audit", "kaldialign": "audit", "scipy": "audit",
    "whisper_normalizer": "audit",
}  # fmt: skip


def mitigate(
    audit: Annotated[
        Path,
        typer.Option(
            metavar="AUDIT.json",
            help="What `allears audit … AUDIT.json --json` wrote.",
            dir_okay=False,
        ),
    ],
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="RECORDINGS",
            help="Recordings with the columns that the audit names, as `allears train asr` takes; repeatable. "
            "Where a column split says train, dev and test, that is how speakers are divided.",
        ),
    ],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the model and both audits go.")],
    task: Annotated[
        Task, typer.Option(help="asr: a recogniser. verify: a network of voices.")
    ] = Task.ASR,
    method: Annotated[
        Method | None,
        typer.Option(
            help="ewc: fine-tuning, held where weights matter to the others. finetune: not held. oversample: the "
            "cohort is heard more often. embedding: the model is told who is in it. arw: taught against a rival "
            "(verify). Default: ewc, arw.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="The model to go on from, as training wrote it, or a recogniser's file. Default: "
            f"{TRAINED} if it is there, else the recogniser that ships; of voices none ships.",
        ),
    ] = None,
    cohort: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A group of the audit, or GROUPING: GROUP. Default: the worst that is served worse for sure.",
        ),
    ] = None,
    census: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The CSV of zip codes that the audit was made with."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each training.")] = STEPS,
    seconds: Annotated[
        float, typer.Option(min=1, help="Seconds of speech in a batch of a recogniser's.")
    ] = 80.0,
    rate: Annotated[
        float | None,
        typer.Option(
            help="The highest learning rate. Default: what suits the task.", show_default=False
        ),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many hours, to be resumed.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed divides speakers otherwise.")] = 0,
    min_speakers: Annotated[
        int, typer.Option(min=1, help="Groups of fewer test speakers are not shown.")
    ] = 2,
    replicates: Annotated[
        int, typer.Option(min=20, help="How often speakers are drawn anew.")
    ] = 1000,
    leave_out: Annotated[
        bool,
        typer.Option("--leave-out", help="Leave out texts with digits, signs or other alphabets."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Serve a group better that an audit found to be served worse, and audit again.

    Speakers are divided: some are learnt from, some say which of several trainings is best, and the rest are heard
    only by the model as it was and as it became. Where nothing serves the cohort better without harm to everybody,
    the old model is kept. The last line names each group whose error rose significantly.

    It can be stopped at any time: the same command goes on.

    Example: `allears mitigate --audit audit.json --data corpora/mine --model mine.safetensors --to runs/fair`
    """
    _installed()
    if rate is not None and not rate > 0:
        raise ArgumentError(f"--rate {rate:g}: give one above 0, such as 0.0001")
    # Imported here so that every other command starts without them.
    from allears.mitigation.remedy.mending import mitigate as mended
    from allears.mitigation.remedy.wish import METHODS, Wish

    chosen = Method(method or METHODS[task.value][0])
    wish = Wish(
        task.value, audit, tuple(data), chosen.value, _model(model, task), to, cohort, census, seed,
        steps, seconds, rate, min_speakers, replicates, leave_out, device,
    )  # fmt: skip
    until = time.monotonic() + 3600 * hours if hours is not None else float("inf")
    with Showing() as show, aside():
        found = mended(wish, show, until=until)
    if found is None:
        typer.echo(f"{to}: stopped; the same command goes on")
        return
    tell(found, to, as_json)


def _installed() -> None:
    for package, extra in _NEEDS.items():
        if importlib.util.find_spec(package) is None:
            raise ArgumentError(
                f"mitigation needs {package} ([{extra}]): pip install 'allears[asr,audit]'"
            )


def _model(model: Path | None, task: Task) -> Path:
    if model is None and task is Task.ASR:
        return TRAINED if TRAINED.is_file() else SHIPPED_FILE
    if model is None:
        raise ArgumentError(
            "--model: name the model to go on from, a checkpoint of a network of voices; none ships"
        )
    if not model.is_file():
        raise ArgumentError(f"--model {model}: is no file; name the model to go on from")
    return model
