"""`allears enrol`: voices by name, for `allears verify --gallery`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from allears.cli import voices
from allears.cli.arguments import ArgumentError, check_output
from allears.outputs import write_whole

if TYPE_CHECKING:
    from allears.speaker.recordings import Heard


def enrol(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who speaks.")],
    clips: Annotated[
        list[Path], typer.Argument(metavar="CLIP", help="Recordings of them alone, of any kind.")
    ],
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE.safetensors", help="The gallery; it is made, or added to, as it is there."
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.safetensors", help="A network of voices; else the one that ships."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was enrolled, as JSON.")] = False,
) -> None:
    """Put a voice into a gallery under a name; a name that is there is enrolled anew.

    Several clips count alike. A gallery is of the network that made it, and is refused with any other.

    Examples:

    `allears enrol Ann ann-1.wav ann-2.wav --to team.safetensors`

    `allears verify unknown.wav --gallery team.safetensors`
    """
    name = _name(name)
    if to.suffix != ".safetensors":
        raise ArgumentError(f"--to {to}: a gallery's name ends in .safetensors")
    check_output(to, [*clips, model])
    network = voices.opened(model)
    # Imported here so that every other command starts without networks.
    from allears.speaker import gallery

    size = network.verifier.embedder.size
    there = (
        gallery.read(to, network.digest, size)
        if to.exists()
        else gallery.Gallery(network.digest, {})
    )
    found, against = _heard(network, clips)
    again = name in there.voices
    made = there.enrolled(name, gallery.averaged(found))
    write_whole(to, gallery.serialise(made))
    seconds = sum(each.seconds for each in found)
    voices.warn(against)
    if as_json:
        print(json.dumps({
            "name": name, "clips": len(clips), "seconds": round(seconds, 2), "replaced": again,
            "gallery": str(to), "names": sorted(made.voices), "warnings": against,
        }, ensure_ascii=False))  # fmt: skip
        return
    how = "enrolled anew" if again else "enrolled"
    clip = "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
    print(f"{name}: {how} by {seconds:.1f} s of voice in {clip}")
    print(f"{to}: {len(made.voices)} enrolled")


def _name(given: str) -> str:
    name = given.strip()
    if not name or not name.isprintable():
        raise ArgumentError(f"NAME {given!r}: give the name of who speaks, such as Ann")
    return name


def _heard(network: voices.Network, clips: Sequence[Path]) -> "tuple[list[Heard], list[str]]":
    """Every clip's voice, and what is to be said against each, or against their being of one speaker."""
    from allears.speaker import gallery
    from allears.speaker.recordings import DOUBT

    found, against = [], []
    for clip in clips:
        voice, said = voices.heard(network, clip)
        found.append(voice)
        against += said
    for number, clip in enumerate(clips):
        others = found[:number] + found[number + 1 :]
        if not others:
            break
        verdict = network.verifier.compare(found[number].embedding, gallery.averaged(others))
        if verdict.ratio < -DOUBT:
            against.append(f"{clip}: does not sound like the other clips; is it the same speaker?")
    return found, against
