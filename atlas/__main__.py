"""`python -m atlas`: write the outlines anew, from us-atlas and world-atlas as npm has them."""

import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from allears.fairness.report.atlas import LICENSE, OUTLINES, packed
from allears.outputs import write_whole
from atlas.topology import Topology

US, WORLD = "us-atlas@3.0.1", "world-atlas@2.0.2"
US_TOLERANCE, WORLD_TOLERANCE = 0.02, 0.03
US_LEAST, WORLD_LEAST = 0.01, 0.05
SOUTHMOST = -60.0
"""Degrees, and square degrees: a pixel of a map about a thousand pixels wide."""


def main() -> None:
    """Fetch, make simpler, write."""
    with tempfile.TemporaryDirectory() as folder:
        states = fetched(US, Path(folder))
        world = fetched(WORLD, Path(folder))
    us = Topology(json.loads(states["package/counties-10m.json"]), US_TOLERANCE)
    countries = Topology(json.loads(world["package/countries-50m.json"]), WORLD_TOLERANCE)
    layers = {
        "land": [
            each for each in countries.rings("land", WORLD_LEAST) if each[:, 1].max() > SOUTHMOST
        ],
        "borders": countries.borders("countries"),
        "nation": us.rings("nation", US_LEAST),
        "states": us.borders("states"),
        "counties": us.within("counties", "states"),
    }
    write_whole(OUTLINES, packed(layers))
    if states["package/LICENSE"] != world["package/LICENSE"]:
        raise SystemExit("the two atlases have licences of their own now: ship both")
    origin = f"outlines.npz is made of {US} and {WORLD} (npm), under this licence:\n\n"
    write_whole(LICENSE, origin.encode() + states["package/LICENSE"])
    sizes = {name: sum(map(len, lines)) for name, lines in layers.items()}
    print(f"{OUTLINES}: {OUTLINES.stat().st_size} bytes, points: {sizes}")


def fetched(package: str, folder: Path) -> dict[str, bytes]:
    """The files of a package of npm, by name."""
    command = ["npm", "pack", "--json", package]
    told: Any = json.loads(
        subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    )
    content = (folder / told[0]["filename"]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        return {
            each.name: stream.read()
            for each in files
            if (stream := files.extractfile(each)) is not None
        }


if __name__ == "__main__":
    main()
