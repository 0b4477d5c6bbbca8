"""Embeddings of recordings that were heard before: a .npz, so that a list is heard but once.

A recording is known by where it lies, how long its file is and when that was last changed; what is not the same
is heard anew.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from allears.speaker.recordings import Heard
from allears.speaker.refusal import SpeakerError

_BROKEN = OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile
_REMEDY = "delete it, or name another"


@dataclass(frozen=True, slots=True)
class Known:
    """What was heard of a file as it was then: its bytes and the nanosecond of its last change."""

    size: int
    changed: int
    heard: Heard


@dataclass(slots=True)
class Embedded:
    """What a network, known by its digest, heard in recordings, by their places."""

    network: str
    known: dict[str, Known] = field(default_factory=dict)

    def find(self, path: Path) -> Heard | None:
        """What was heard in a recording, if it is the same still. Raises OSError where it is not there."""
        found, about = self.known.get(str(path.resolve())), path.stat()
        if found is None or (found.size, found.changed) != (about.st_size, about.st_mtime_ns):
            return None
        return found.heard

    def learn(self, path: Path, heard: Heard) -> None:
        """Remember a recording as it is now."""
        about = path.stat()
        self.known[str(path.resolve())] = Known(about.st_size, about.st_mtime_ns, heard)


def serialise(embedded: Embedded) -> bytes:
    """The file, by `numpy.load`: recordings, embeddings (recordings size), seconds, and how each is known."""
    known: Mapping[str, Known] = embedded.known
    file = io.BytesIO()
    np.savez(
        file,
        network=np.array(embedded.network),
        recordings=np.array(list(known)),
        embeddings=np.stack([each.heard.embedding for each in known.values()]),
        seconds=np.array([each.heard.seconds for each in known.values()]),
        sizes=np.array([each.size for each in known.values()], np.int64),
        changed=np.array([each.changed for each in known.values()], np.int64),
    )
    return file.getvalue()


def read(path: Path, network: str, size: int) -> Embedded:
    """What a network heard, out of the file; embeddings have so many numbers.

    Raises SpeakerError, naming the file and the remedy, where it is no such file or of another network.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            made_by = str(file["network"])
            names = file["recordings"].tolist()
            columns = [file[each].tolist() for each in ("sizes", "changed", "seconds")]
            embeddings = np.asarray(file["embeddings"], np.float32)
        if made_by == network:
            if embeddings.shape != (len(names), size) or not np.isfinite(embeddings).all():
                raise ValueError(f"embeddings of {embeddings.shape}")
            known = {
                str(name): Known(int(length), int(changed), Heard(embedding, float(seconds)))
                for name, length, changed, seconds, embedding in zip(
                    names, *columns, embeddings, strict=True
                )
            }
    except (*_BROKEN, TypeError, AttributeError) as error:
        why = " ".join(str(error).split())
        raise SpeakerError(f"{path}: no whole file of embeddings ({why}); {_REMEDY}") from None
    if made_by != network:
        raise SpeakerError(f"{path}: embeddings of another network of voices; {_REMEDY}")
    return Embedded(network, known)
