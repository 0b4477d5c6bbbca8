"""The command, in a process of its own or, where many are needed, in this one."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from allears.cli.main import main

# Signals are as at a terminal, also where the tests were started in the background and ignore some.
BEGINNING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
from allears.cli.main import main
main()
"""
COMMAND = (sys.executable, "-c", BEGINNING)
ENVIRONMENT = os.environ | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": ""}


def start(*arguments: object, cwd: Path, **where: Any) -> subprocess.Popen[str]:
    """The real command, running."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | where
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(words, cwd=cwd, env=ENVIRONMENT, encoding="utf-8", **pipes)


def finish(process: subprocess.Popen[str], expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Its output, once it has ended as expected; a success says nothing on stderr."""
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == expect, f"{out[-500:]}\n{err}"
    assert expect or not err
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run(*arguments: object, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """The real command, from beginning to end."""
    return finish(start(*arguments, cwd=cwd), expect)


def within(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, which is many times as fast."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["allears", *map(str, arguments)]),
        mock.patch.dict(os.environ, {"COLUMNS": "80"}),
    ):
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def call(*arguments: object, cwd: Path) -> dict[str, Any]:
    """What the real `allears call … --no-scores --json` says."""
    ended = run("call", *arguments, "--no-scores", "--json", cwd=cwd)
    return _object(ended.stdout)


def call_within(*arguments: object, cwd: Path) -> dict[str, Any]:
    """The same in this process."""
    ended = within("call", *arguments, "--no-scores", "--json", cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, "")
    return _object(ended.stdout)


def inspect_within(*arguments: object, cwd: Path) -> list[dict[str, Any]]:
    """What `allears inspect … --json` says of every packet."""
    ended = within("inspect", *arguments, "--json", cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, "")
    return [_object(line) for line in ended.stdout.splitlines()]


def _object(line: str) -> dict[str, Any]:
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def refused(*arguments: object, cwd: Path) -> str:
    """The one line on stderr with which bad input ends; nothing may be left behind."""
    before = {path: path.stat().st_mtime_ns for path in cwd.rglob("*")}
    ended = within(*arguments, cwd=cwd)
    assert {path: path.stat().st_mtime_ns for path in cwd.rglob("*")} == before
    assert ended.returncode == 2 and ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("allears: ")
    return line.removeprefix("allears: ")
