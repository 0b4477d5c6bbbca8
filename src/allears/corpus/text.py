"""Texts as a recogniser learns and is judged by them: a to z, the apostrophe, single spaces.

Nothing is spoken out: "48" is "forty eight" to one speaker and "four eight" to another, and only who
transcribes can say. `lost` tells what `normalise` could not keep, so that a corpus may do without
utterances whose text would be wrong.
"""

import re
import unicodedata

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ＇`´", "'"))
_BETWEEN_WORDS = re.compile(r"[\s_/\\|~…‐‑‒–—―-]+|\.{2,}")
_OUTSIDE = re.compile(r"[^a-z' ]")
_LONE = re.compile(r"(?<![a-z])'+(?![a-z])")
_REPEATED = re.compile(r"'{2,}")


def normalise(text: str) -> str:
    """`text` in lower case with nothing but a–z, apostrophes beside letters, and single spaces.

    Marks are taken off letters (é is e), hyphens, dashes and slashes part words, punctuation goes. What
    is spoken but has no such spelling (digits, other alphabets, %, &) is dropped: see `lost`.
    """
    letters = _OUTSIDE.sub("", _parted(text))
    return " ".join(_LONE.sub("", _REPEATED.sub("'", letters)).split())


def lost(text: str) -> str:
    """The characters of `text` that are spoken and that `normalise` drops, each once, in order.

    Letters of other alphabets, digits, and symbols such as %, & or $; never punctuation.
    """
    dropped = _OUTSIDE.findall(_parted(text))
    return "".join(dict.fromkeys(each for each in dropped if _spoken(each)))


def _parted(text: str) -> str:
    """Lower case, without marks on letters, words parted by spaces."""
    plain = text.translate(_APOSTROPHES).replace("…", " ")
    decomposed = unicodedata.normalize("NFKD", plain).lower()
    marked = (each for each in decomposed if unicodedata.category(each) not in ("Mn", "Cf"))
    return _BETWEEN_WORDS.sub(" ", "".join(marked))


def _spoken(character: str) -> bool:
    """Whether a character is a letter, a number, a symbol of money or mathematics, or stands for a word."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category in ("Sc", "Sm") or character in "%&@#*°"
