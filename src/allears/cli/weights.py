"""`allears weights`: which trained networks are here, and how those of Opus get here."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from allears.weights import folder, opus, store
from allears.weights.errors import WeightsError

app = typer.Typer(
    help="Which trained networks are here, and how those of Opus get here.\n\n"
    "Example: `allears weights import opus-1.6.1.tar.gz`",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_NAMES = ("allears", "opus")


@app.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="opus-1.6.1.tar.gz, or a weights_blob.bin.")
    ],
    tables: Annotated[
        Path | None,
        typer.Option(
            help="A .npz of entropy tables, for a blob. Default: dred_stats_q8.npz beside it."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The folder to write. Default: where --weights opus looks.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was written, as JSON.")] = False,
) -> None:
    """Make the released weights of Opus 1.6.1 usable, so that DRED is understood that libopus sends.

    The release is read as data: nothing of it is compiled or run.

    Example: `allears weights import opus-1.6.1.tar.gz`
    """
    place = to or store.folder_of("opus")
    models = opus.read(path, tables)
    folder.put(models, place)
    if as_json:
        print(json.dumps(_about(models) | {"folder": str(place)}))
    else:
        print(f"{place}: {models.rdovae.origin}; use it by --weights {to or 'opus'}")


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One object a line per name.")] = False,
) -> None:
    """Show which weights there are by name, what they are of, and where they lie.

    Example: `allears weights list --json | jq .origin`
    """
    for name in _NAMES:
        found = _found(name)
        if as_json:
            print(json.dumps(found))
            continue
        about = (
            found["trouble"] or f"{found['origin']}, vocoder {found['vocoder']}, {found['hash']}"
        )
        print(f"{name:<8} {about if found['here'] else 'not here'}  {found['folder']}")


def _found(name: str) -> dict[str, Any]:
    """Every key for every name; null where nothing is known."""
    place = store.folder_of(name)
    found: dict[str, Any] = dict.fromkeys(("origin", "vocoder", "hash", "trouble"))
    found |= {"name": name, "folder": str(place), "here": place.is_dir()}
    if place.is_dir():
        try:
            found |= _about(store.models(name))
        except WeightsError as error:
            found["trouble"] = str(error)
    return found


def _about(models: store.Models) -> dict[str, Any]:
    return {
        "origin": models.rdovae.origin,
        "vocoder": models.vocoder.kind,
        "hash": models.model_hash.hex(),
    }
