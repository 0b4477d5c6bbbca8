"""Files that hold all of a network that runs live: arrays, what is known of it, and a digest of both.

They are safetensors, so that any tool which reads those reads them, of one content always the same bytes, and a
damaged one is known at once.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

DAMAGED = (
    OSError, SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError,
    MemoryError,
)  # fmt: skip
"""What is said of files that are none: by the libraries, and for types they do not know."""


def sealed(kind: str, form: str, config: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The file of a `kind` of network in this version of its format; `config` says what is known of it."""
    plain = {name: np.asarray(each, order="C") for name, each in arrays.items()}
    about = {"kind": kind, "format": form, "config": config, "digest": _digest(config, plain)}
    return _ordered(save(plain, about))


def opened(path: Path, kind: str, form: str) -> tuple[str, dict[str, np.ndarray]]:
    """What is known of the network, and its arrays. Raises one of `DAMAGED` for anything else."""
    with safe_open(path, "np") as file:
        about = file.metadata() or {}
        if about.get("kind") != kind or about.get("format") != form:
            raise ValueError(f"holds {about.get('kind', 'something else')}, not format {form}")
        names = file.keys()
        arrays = {name: file.get_tensor(name) for name in names}
    if about.get("digest") != _digest(about.get("config", ""), arrays):
        raise ValueError("it was changed since it was written")
    return about["config"], arrays


def _digest(config: str, arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of everything, whatever the order in the file."""
    found = hashlib.sha256(config.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _ordered(data: bytes) -> bytes:
    """The same file with its header in order: the library writes metadata in any."""
    size = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + size]), sort_keys=True, separators=(",", ":"))
    padded = header + " " * (-len(header) % 8)
    return len(padded).to_bytes(8, "little") + padded.encode() + data[8 + size :]
