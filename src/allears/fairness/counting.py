"""Errors in words: both texts are brought into one form of writing, then aligned (Levenshtein).

The forms are those of Whisper (Radford et al., 2022, appendix C), as the package whisper-normalizer has them,
so that figures compare with published ones.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache

from allears.fairness.refusal import AuditError

Normaliser = Callable[[str], str]

DEFAULT = "whisper-english"
LONGEST = 100_000
"""Characters of a text; beyond, it is no utterance, and normalising could take for ever."""
MOST_CELLS = 10**8
"""Words said times words heard that are aligned: about 10,000 by 10,000."""
MOST_STEPS = 10**7
"""Opening brackets times characters: Whisper's form looks for the end of each through all that follows."""

NO_WORDS, NOT_NORMAL, TOO_LONG = -1, -2, -3
"""Instead of a count: nothing to divide by; the form cannot be had; more than can be aligned."""
WORD_BITS = 20

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LONG_SPACE = re.compile(r"\s{10,}")


def lower(text: str) -> str:
    """Lower case without punctuation, apostrophes within a word kept."""
    return " ".join(_WORD.findall(text.lower())).replace("’", "'")


def _as_it_is(text: str) -> str:
    return text


def _whisper_english() -> Normaliser:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()  # type: ignore[no-any-return]


def _whisper_basic() -> Normaliser:
    from whisper_normalizer.basic import BasicTextNormalizer

    return BasicTextNormalizer()  # type: ignore[no-any-return]


NORMALISERS: dict[str, Callable[[], Normaliser]] = {
    DEFAULT: _whisper_english,
    "whisper-basic": _whisper_basic,
    "lower": lambda: lower,
    "none": lambda: _as_it_is,
}
"""Forms of writing by name: English as Whisper writes it, any language, the simplest, and none."""


@cache
def normaliser(name: str) -> Normaliser:
    """The form of that name. Raises AuditError for an unknown one, or where its package is missing."""
    if name not in NORMALISERS:
        raise AuditError(f"no normaliser {name!r}; there are {', '.join(NORMALISERS)}")
    try:
        return lru_cache(1 << 16)(NORMALISERS[name]())
    except ImportError:
        raise AuditError(f"the normaliser {name} needs a package: install allears[audit]") from None


def word_errors(reference: str, hypothesis: str, form: Normaliser) -> tuple[int, int]:
    """Words replaced, left out and put in, and words said.

    In place of errors `NO_WORDS`, `NOT_NORMAL` or `TOO_LONG`, where there is no such count.
    """
    from kaldialign import edit_distance

    texts = [_LONG_SPACE.sub(" ", each) for each in (reference, hypothesis)]
    if max(map(len, texts)) > LONGEST:
        return TOO_LONG, 0
    if any(_steps(each) > MOST_STEPS for each in texts):
        return NOT_NORMAL, 0
    try:
        said, heard = (form(each).split() for each in texts)
    except Exception:  # strange numbers: a digit without a value, more digits than Python converts
        return NOT_NORMAL, 0
    if not said:
        return NO_WORDS, 0
    if len(said) * len(heard) > MOST_CELLS or len(said) >= 1 << WORD_BITS:
        return TOO_LONG, 0
    return int(edit_distance(said, heard)["total"]), len(said)


def packed(form: Normaliser) -> Callable[[str, str], int]:
    """The same as one whole number, errors above words, for use within SQL; negative as `word_errors` has it."""

    def count(reference: str, hypothesis: str) -> int:
        errors, words = word_errors(reference, hypothesis, form)
        return errors if errors < 0 else errors << WORD_BITS | words

    return count


def _steps(text: str) -> int:
    return len(text) * sum(text.count(each) for each in "<[(")
