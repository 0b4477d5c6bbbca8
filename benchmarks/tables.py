"""How a benchmark writes what it measured: a table with the program, machine and date beside it."""

import argparse
import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from allears import __version__
from allears.audio import libopus
from allears.outputs import write_whole

FOLDER = Path(__file__).parent


def arguments(description: str | None, **numbers: float) -> argparse.Namespace:
    """Options `--name` with the given numbers as defaults."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def machine() -> str:
    """What this ran on."""
    names = [
        line.split(":", 1)[1].strip()
        for line in _lines(Path("/proc/cpuinfo"))
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


class Run:
    """One benchmark's page, `name` in this folder."""

    def __init__(self, name: str, description: str | None) -> None:
        self._path = FOLDER / name
        program = self._path.with_suffix(".py").name
        today = datetime.datetime.now(tz=datetime.UTC).date()
        self._parts = [
            f"# {(description or '').strip()}\n",
            f"Written by `python benchmarks/{program}` on {today}, allears {__version__}, "
            f"{libopus.features().version}, {machine()}.\n",
        ]

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table, print it and write the page."""
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
        self._parts.append("\n".join(lines) + "\n")
        print(self._parts[-1])
        write_whole(self._path, "\n".join(self._parts).encode())
