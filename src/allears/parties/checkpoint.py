"""A trained separator-transducer as one file."""

from pathlib import Path

from allears.asr import checkpoint
from allears.asr.tokens import Tokens
from allears.parties.model import SeparatorTransducer

KIND = "separator-transducer"


def save(model: SeparatorTransducer, tokens: Tokens, path: Path) -> None:
    """Write it whole or not at all."""
    checkpoint.save(model, tokens, path, KIND)


def load(path: Path) -> tuple[SeparatorTransducer, Tokens]:
    """The model, ready to be used, and its symbols. Raises RecogniserError naming the file and what is wrong."""
    return checkpoint.read(path, KIND, SeparatorTransducer, "allears.parties.training.teach")
