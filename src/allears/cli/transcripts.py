"""Where transcripts go: on stdout as they come, or into a file that is whole or not there."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from allears.cli.arguments import ArgumentError
from allears.outputs import aside

_KEPT = 1 << 20
"""Characters that wait in memory; more do on disk."""


class Output:
    """Takes text; `out` gets its name when the `with` block ends well, unless nothing was `done`.

    Raises ArgumentError where it cannot be written.
    """

    def __init__(self, out: Path | None = None) -> None:
        self._out, self._done, self._mark = out, False, 0
        self._file: IO[str] | None = None
        # A progress bar puts itself in the place of stdout, and would write to stderr.
        self._stdout = None if sys.stdout.isatty() else sys.stdout

    def __enter__(self) -> "Output":
        if self._out:
            self._part = aside(self._out)
            with self._reported():
                self._file = self._part.open("w", encoding="utf-8", newline="\n")
        return self

    def write(self, text: str) -> None:
        """Text, which is read at once where it goes to stdout."""
        if not text:
            return
        if self._file is None:
            print(text, end="", flush=True, file=self._stdout)
            return
        with self._reported():
            self._file.write(text)

    def done(self) -> None:
        """What was written is to be kept."""
        self._done = True
        if self._file:
            with self._reported():
                self._mark = self._file.tell()

    def take_back(self) -> None:
        """What was written since is not to be kept, where that is possible."""
        if self._file:
            with self._reported():
                self._file.seek(self._mark)
                self._file.truncate()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not (self._out and self._file):
            return
        try:
            with self._reported() if kind is None else contextlib.suppress(OSError):
                self._file.close()
                if kind is None and self._done:
                    os.replace(self._part, self._out)  # noqa: PTH105  the name says that it replaces
        finally:
            self._part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = f"cannot be written ({error.strerror}); choose another place"
            raise ArgumentError(f"{self._out}: {why}") from None


class InOrder:
    """Recordings that are heard at once are written one after another; the first as it comes."""

    def __init__(self, output: Output) -> None:
        self._output, self._turn = output, 0
        self._waiting: dict[int, IO[str]] = {}
        self._over: dict[int, bool] = {}

    def write(self, number: int, text: str) -> None:
        """More of the recording of that number."""
        if not text:
            return
        if number == self._turn:
            self._output.write(text)
            return
        if number not in self._waiting:
            self._waiting[number] = tempfile.SpooledTemporaryFile(  # noqa: SIM115  closed below
                _KEPT, "w+", encoding="utf-8", newline="\n"
            )
        self._waiting[number].write(text)

    def end(self, number: int, whole: bool) -> None:
        """No more of it; what is not `whole` is left out, where that is possible."""
        self._over[number] = whole
        while self._turn in self._over:
            if self._over.pop(self._turn):
                self._output.done()
            else:
                self._output.take_back()
            self._turn += 1
            self._catch_up()

    def _catch_up(self) -> None:
        file = self._waiting.pop(self._turn, None)
        if file is None:
            return
        with file:
            if self._over.get(self._turn, True):
                file.seek(0)
                while text := file.read(_KEPT):
                    self._output.write(text)
