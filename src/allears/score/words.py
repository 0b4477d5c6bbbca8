"""Words that come through: a small recogniser hears a clip, and its errors are counted.

The recogniser is PocketSphinx (Huggins-Daines et al., ICASSP 2006) with the American English model that
its wheel carries: no network, the same words each time. It is weak, so its errors mean something only
beside those that it makes on the clean recording.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float32

from allears.score.quality import RATE, ScoreError

BUSIEST = 3000
"""States looked into per 10 ms; more take twice the time for a tenth fewer errors."""

_WORD = re.compile(r"[a-z']*[a-z][a-z']*")


def words(text: str) -> tuple[str, ...]:
    """The words of an English text in lower case, without punctuation but for apostrophes."""
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


def recognise(samples: Float32[np.ndarray, " samples"]) -> tuple[str, ...]:
    """The words heard in a clip at 16 kHz in ±1. May raise `ScoreError`."""
    if not len(samples):
        return ()
    if not np.isfinite(samples).all():
        raise ScoreError("the clip has NaN or infinite samples")
    decoder = _decoder()
    decoder.reinit_feat()  # forgets the noise of the clip before
    decoder.start_utt()
    decoder.process_raw((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    best = decoder.hyp()
    return words(best.hypstr) if best else ()


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest words replaced, left out and put in that turn one into the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for word in said:
        above, row[0] = row[0], row[0] + 1
        for at, other in enumerate(heard, 1):
            above, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, above + (word != other))
    return row[-1]


@cache
def _decoder() -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise ScoreError("install allears[recipes]") from None
    # One pass over the whole clip; the other passes take long and change little.
    return Decoder(samprate=RATE, cmn="batch", fwdflat=False, maxhmmpf=BUSIEST, loglevel="FATAL")
