"""What an audit is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything but the results themselves.

    `names` are columns by their role, where they are not found by themselves: speaker, utterance, reference,
    hypothesis, errors, words, latitude, longitude, zip, embedding. `vectors` are .npy files of embeddings in place
    of a column, one for each table of results. `by` are groupings named beforehand, a column or several
    joined by `*`. `census` is a table of zip codes, `other` the results of a second system on the same speech.
    `texts`: whether utterances may be shown. Groups of fewer than `min_speakers` are not. `replicates` are how
    often speakers are drawn anew. `ray` is the address of a cluster.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    vectors: tuple[Path, ...] = ()
    by: tuple[str, ...] = ()
    census: Path | None = None
    other: Path | None = None
    normaliser: str = "whisper-english"
    texts: bool = False
    min_speakers: int = 5
    replicates: int = 1000
    seed: int = 0
    ray: str | None = None
