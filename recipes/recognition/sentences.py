"""What synthesisers are given to say: letters, digits, numbers, dates, names, addresses, commands; all drawn."""

# ruff: noqa: SIM905

from collections.abc import Callable, Sequence

import numpy as np

ONES = "one two three four five six seven eight nine".split()
DIGITS = ["zero", "oh", *ONES]
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
MONTHS = (
    "january february march april may june july august september october november december"
).split()
COMMANDS = "enter rubout erase repeat yes no stop help start go".split()
STREETS = "street road avenue drive lane boulevard court place way".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COMMON = np.array([8, 2, 3, 4, 12, 2, 2, 6, 7, 1, 1, 4, 3, 7, 8, 2, 1, 6, 6, 9, 3, 1, 2, 1, 2, 1])

Draw = np.random.Generator


def _one(draw: Draw, words: Sequence[str]) -> str:
    return words[int(draw.integers(len(words)))]


def number(draw: Draw) -> str:
    """1 … 999, as said."""
    value = int(draw.integers(1, 100 if draw.random() < 0.8 else 1000))
    hundreds, rest = divmod(value, 100)
    words = [ONES[hundreds - 1], "hundred"] if hundreds else []
    if 10 <= rest < 20:
        words.append(TEENS[rest - 10])
    elif rest:
        tens, ones = divmod(rest, 10)
        words += [TENS[tens - 2]] * (tens > 1) + [ONES[ones - 1]] * (ones > 0)
    return " ".join(words)


def digits(draw: Draw) -> str:
    """3 … 11 digits, one after another."""
    return " ".join(_one(draw, DIGITS) for _ in range(int(draw.integers(3, 12))))


def spelling(draw: Draw) -> str:
    """2 … 12 letters, common ones more often."""
    even = draw.random() < 0.5
    share = np.ones(26) / 26 if even else _COMMON / _COMMON.sum()
    return " ".join(draw.choice(list(LETTERS), int(draw.integers(2, 13)), p=share))


def code(draw: Draw) -> str:
    """Letters and a number, as census takers and clerks say them."""
    letters = " ".join(draw.choice(list(LETTERS), int(draw.integers(1, 6))))
    first = [_one(draw, COMMANDS)] if draw.random() < 0.4 else []
    return " ".join([*first, letters, number(draw)])


def date(draw: Draw) -> str:
    """A month, a day, perhaps a year."""
    day = _one(draw, ORDINALS)
    if draw.random() < 0.3:
        day = f"{_one(draw, ['twenty', 'thirty'])} {_one(draw, ORDINALS[:9])}"
    year = f" nineteen {_one(draw, TENS)} {_one(draw, ONES)}" if draw.random() < 0.6 else ""
    return f"{_one(draw, MONTHS)} {day}{year}"


def command(draw: Draw) -> str:
    """One command, or two."""
    return " ".join(_one(draw, COMMANDS) for _ in range(int(draw.integers(1, 3))))


def figures(draw: Draw) -> str:
    """Two or three numbers."""
    return " ".join(number(draw) for _ in range(int(draw.integers(1, 4))))


KINDS: tuple[tuple[float, Callable[[Draw], str]], ...] = (
    (0.3, spelling), (0.2, digits), (0.25, code), (0.08, date), (0.05, command), (0.12, figures),
)  # fmt: skip


def drawn(draw: Draw) -> str:
    """One utterance's words."""
    kinds = [kind for _, kind in KINDS]
    return kinds[int(draw.choice(len(kinds), p=[share for share, _ in KINDS]))](draw)
