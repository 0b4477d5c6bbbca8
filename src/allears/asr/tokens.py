"""Between text and symbols: characters, or pieces by sentencepiece. Symbol 0 is the transducer's blank.

A symbol that begins a word begins with ▁ (U+2581), in both, so that words are known without knowing which.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from allears.errors import AllearsError

WORD = "▁"
_MARKS = "tokens.marks"


class TokenError(AllearsError):
    """Text that cannot be written with these symbols, or symbols that are none."""


class Tokens(Protocol):
    """A closed set of symbols; `size` counts the blank."""

    @property
    def size(self) -> int:
        """How many there are, blank among them."""

    def encode(self, text: str) -> list[int]:
        """The symbols of a text. Raises TokenError naming what cannot be written."""

    def piece(self, symbol: int) -> str:
        """What a symbol stands for, ▁ where it begins a word. Raises TokenError."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that is needed to make it again, by `restored`."""


def decode(tokens: Tokens, symbols: Iterable[int]) -> str:
    """The text of symbols, blanks among them or not."""
    pieces = (tokens.piece(symbol) for symbol in symbols if symbol)
    return " ".join("".join(pieces).replace(WORD, " ").split())


class Characters:
    """A symbol for each character of `alphabet`, and one more where it begins a word.

    So "a b" is two symbols, and no space is one.
    """

    def __init__(self, alphabet: str = "abcdefghijklmnopqrstuvwxyz'") -> None:
        self.alphabet = alphabet
        self._pieces = ["", *(WORD + each for each in alphabet), *alphabet]
        self._symbols = {piece: symbol for symbol, piece in enumerate(self._pieces) if symbol}

    @property
    def size(self) -> int:
        """Twice the alphabet and the blank."""
        return len(self._pieces)

    def encode(self, text: str) -> list[int]:
        """The symbols of a text. Raises TokenError naming the first that is none."""
        found = []
        for word in text.split():
            for piece in (WORD + word[0], *word[1:]):
                if piece not in self._symbols:
                    raise TokenError(
                        f"{word!r} has {piece[-1]!r}, which is none of {self.alphabet}"
                    )
                found.append(self._symbols[piece])
        return found

    def piece(self, symbol: int) -> str:
        """What a symbol stands for. Raises TokenError."""
        return _piece(self._pieces, symbol)

    def arrays(self) -> dict[str, np.ndarray]:
        """The alphabet."""
        return {"tokens.characters": np.frombuffer(self.alphabet.encode(), np.uint8)}


class Pieces:
    """Pieces of words by sentencepiece (Kudo & Richardson 2018); `model` is what its trainer wrote.

    Raises TokenError where that is none.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._processor = _processor(model)
        # Its own unknown (0) gives way to the blank.
        self._pieces = ["", *(self._processor.id_to_piece(i) for i in range(1, len(self)))]

    def __len__(self) -> int:
        return int(self._processor.get_piece_size())

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "Pieces":
        """`size` symbols, blank among them, that write these texts shortly."""
        sentencepiece = _library()
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts), model_writer=model, vocab_size=size,
                model_type="unigram", character_coverage=1.0, unk_id=0, bos_id=-1, eos_id=-1,
                pad_id=-1, normalization_rule_name="identity", minloglevel=2, num_threads=1,
                hard_vocab_limit=False, max_sentence_length=100_000,
            )  # fmt: skip
        except RuntimeError as error:
            raise TokenError(f"no {size} pieces can be made of these texts: {error}") from None
        return cls(model.getvalue())

    @property
    def size(self) -> int:
        """Pieces, and the blank."""
        return len(self)

    def encode(self, text: str) -> list[int]:
        """The symbols of a text. Raises TokenError naming the first word with a character that is none."""
        found: list[int] = self._processor.encode(" ".join(text.split()))
        if 0 in found:
            word = next(each for each in text.split() if 0 in self._processor.encode(each))
            raise TokenError(f"{word!r} cannot be written with these {len(self)} pieces")
        return found

    def piece(self, symbol: int) -> str:
        """What a symbol stands for. Raises TokenError."""
        return _piece(self._pieces, symbol)

    def arrays(self) -> dict[str, np.ndarray]:
        """The library's own file."""
        return {"tokens.pieces": np.frombuffer(self._model, np.uint8)}


class Marked:
    """Other symbols and, after them, marks: symbols that stand for no text, such as that a turn begins."""

    def __init__(self, tokens: Tokens, marks: int) -> None:
        self.tokens, self.marks = tokens, marks

    @property
    def size(self) -> int:
        """The others and the marks."""
        return self.tokens.size + self.marks

    def mark(self, index: int) -> int:
        """The symbol of a mark. Raises TokenError."""
        if not 0 <= index < self.marks:
            raise TokenError(f"{index} is no mark; there are {self.marks}")
        return self.tokens.size + index

    def encode(self, text: str) -> list[int]:
        """The symbols of a text, marks not among them."""
        return self.tokens.encode(text)

    def piece(self, symbol: int) -> str:
        """What a symbol stands for: nothing, where it is a mark. Raises TokenError."""
        return "" if self.tokens.size <= symbol < self.size else self.tokens.piece(symbol)

    def arrays(self) -> dict[str, np.ndarray]:
        """Those of the others, and how many marks there are."""
        return {**self.tokens.arrays(), _MARKS: np.array([self.marks], np.uint8)}


def restored(arrays: Mapping[str, np.ndarray]) -> Tokens:
    """Symbols out of their arrays, among others. Raises TokenError where there are none."""
    if _MARKS in arrays:
        others = {name: each for name, each in arrays.items() if name != _MARKS}
        return Marked(restored(others), int(arrays[_MARKS].reshape(-1)[0]))
    if "tokens.characters" in arrays:
        return Characters(arrays["tokens.characters"].tobytes().decode())
    if "tokens.pieces" in arrays:
        return Pieces(arrays["tokens.pieces"].tobytes())
    raise TokenError("there are no symbols: tokens.characters or tokens.pieces is missing")


def _piece(pieces: Sequence[str], symbol: int) -> str:
    if not 0 <= symbol < len(pieces):
        raise TokenError(f"{symbol} is no symbol; there are 0 … {len(pieces) - 1}")
    return pieces[symbol]


def _processor(model: bytes) -> Any:
    processor = _library().SentencePieceProcessor()
    try:
        processor.load_from_serialized_proto(model)
    except RuntimeError as error:
        raise TokenError(f"no model of sentencepiece: {error}") from None
    return processor


def _library() -> Any:
    try:
        import sentencepiece
    except ImportError:
        raise TokenError("pieces of words need sentencepiece: pip install sentencepiece") from None
    return sentencepiece
