"""The `allears` command and its subcommands."""

from typing import Annotated

import typer

from allears import __version__
from allears.cli import (
    audit,
    call,
    converse,
    demo,
    enrol,
    export,
    inspect,
    mitigate,
    train,
    transcribe,
    verify,
    weights,
)

app = typer.Typer(
    name="allears",
    help="Speech that gets through, to everyone.\n\n"
    "Hear and see what packet loss does to real speech, and what redundancy buys.\n\n"
    "Begin with: `allears demo`",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("call")(call.call)
app.command("inspect")(inspect.inspect)
app.command("transcribe")(transcribe.transcribe)
app.command("converse")(converse.converse)
app.command("verify")(verify.verify)
app.command("enrol")(enrol.enrol)
app.command("audit")(audit.audit)
app.command("mitigate")(mitigate.mitigate)
app.command("demo")(demo.demo)
app.add_typer(train.app, name="train")
app.command("export")(export.export)
app.add_typer(weights.app, name="weights")


def _version(wanted: bool) -> bool:
    if not wanted:
        return False
    # Imported here so that every other command starts without libopus.
    from allears.audio import libopus

    found = libopus.features()
    deep = "with" if found.dred else "without"
    typer.echo(f"allears {__version__}\n{found.version} ({deep} DRED of its own) at {found.path}")
    raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Say which allears and libopus."
        ),
    ] = False,
) -> None:
    """Options of the command itself."""
