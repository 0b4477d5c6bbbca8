"""Coverage-guided fuzzing of every parser: `python -m fuzz --runs 10000000`.

Each target runs in a process of its own, two at a time. A crash, a warning, a wrong exception, or an input
that takes longer than its size allows is written to runs/fuzz/ and ends with exit code 1.
"""

import argparse
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path("runs/fuzz")
LONGEST = 4096
"""Bytes of the longest input tried."""


def main() -> int:
    """Fuzz, or as a child process fuzz one target."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000_000, help="inputs over all targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", help="only this one, in this process")
    options = parser.parse_args()
    if options.target:
        fuzz(options.target, options.runs, options.seed)
        return 0
    from fuzz.targets import SHARES, TARGETS

    others = (1 - sum(SHARES.values())) / (len(TARGETS) - len(SHARES))
    counts = {name: int(options.runs * SHARES.get(name, others)) for name in TARGETS}
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda name: child(name, counts[name], options.seed), TARGETS)
        failed = sum(results)
    print(f"{sum(counts.values()):,} inputs, {len(TARGETS) - failed} passed, {failed} failed")
    return int(failed > 0)


def child(name: str, runs: int, seed: int) -> bool:
    """Fuzz one target in its own process; True where something was found."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "fuzz", "--target", name, "--runs", str(runs)]
    done = subprocess.run(
        [*command, "--seed", str(seed)], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begin
    print(
        f"{name:<11} {runs:>9,} inputs {seconds:>6.0f} s  {'ok' if not done.returncode else 'FAILED'}"
    )
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:])
    return done.returncode != 0


def fuzz(name: str, runs: int, seed: int) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    # Only our own code guides the search; it must be instrumented as it is imported. What is compiled
    # could not be with probes in it.
    compiled = ["allears.wire.range_coder"]
    with atheris.instrument_imports(include=["allears"], exclude=compiled):
        from fuzz.targets import TARGETS, seeds

    warnings.simplefilter("error")
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(data)
        TARGETS[name](data)  # what compiles at its first use does so before inputs are timed
    arguments = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={LONGEST}",
        "-timeout=5",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={corpus}-",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
