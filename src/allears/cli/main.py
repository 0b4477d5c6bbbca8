"""What `allears` runs: the command, and how its errors reach the user."""

import io
import os
import sys

from allears.errors import AllearsError


def main() -> None:
    """Run the command; bad input ends with one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or a sign that the terminal cannot show is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        # Imported here because it takes a while, in which Ctrl-C shall be as quiet as later.
        from allears.cli.app import app

        try:
            app(prog_name="allears")
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except AllearsError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; a second complaint at exit would be noise.
        _abandon_output()
        sys.exit(1)
    except OSError as error:
        _abandon_output()
        _fail(f"{error.filename or 'the output'}: {error.strerror}; choose another place")


def _fail(message: str) -> None:
    print("allears:", " ".join(message.splitlines()), file=sys.stderr)
    sys.exit(2)


def _abandon_output() -> None:
    """Let what is still buffered go nowhere, or Python would try to write it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
