"""What a conversation costs on one core, heard live, beside recognisers of single talkers in the same rounds.

The clips that ship, over which the same are laid half a length later: two talk at once nearly all the time. In
pieces of 160 ms, as they would come live. Who speaks is told where a network of voices ships. Times are the
shortest of all rounds, which take turns. The memory is what a process holds at most beyond what it held after a
minute, when it hears `--hours` of the same conversation.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import time

import numpy as np
from rich.progress import track

from allears.asr.opening import open_recogniser
from allears.parties.opening import open_converser
from recogniser import RATE, alone, growth, speech
from tables import Run, arguments


def conversation() -> np.ndarray:
    """Two at once."""
    one = speech()
    return np.asarray(np.clip(one + np.roll(one, len(one) // 2), -1, 1), np.float32)


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, rounds=5, hours=1.0)
    samples = conversation()
    seconds = len(samples) / RATE
    ours = open_converser()
    works = {
        "a conversation of two": alone(ours, samples),
        "one talker, ours": alone(open_recogniser("allears"), speech()),
        "one talker, pocketsphinx": alone(open_recogniser("pocketsphinx"), speech()),
    }
    least = dict.fromkeys(works, np.inf)
    for _ in track(range(options.rounds)):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            least[name] = min(least[name], time.perf_counter() - begin)
    cost = least["one talker, pocketsphinx"]
    page = Run("converse.md", __doc__)
    page.table(
        ["what is heard", "real-time factor", "times cheaper than pocketsphinx"],
        [[name, f"{least[name] / seconds:.4f}", f"{cost / least[name]:.1f}"] for name in works],
    )
    page.table(
        ["one conversation of", "MiB more than for a minute"],
        [[f"{options.hours:g} h", f"{growth(ours, samples, options.hours):.1f}"]],
    )


if __name__ == "__main__":
    main()
