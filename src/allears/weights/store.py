"""Files of weights (safetensors, never pickle), and the folders of four that make a whole model.

A file says what kind of network it is for, where it comes from, and the version of this format. What it must
hold for its kind stands in `graphs/shapes.json`, made with the graphs from the networks themselves.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from allears.outputs import write_whole
from allears.weights.errors import WeightsError

_FORMAT = "1"
_ROOM = Path(__file__).parent
_TABLE = "table."
_TYPES = {"F32": np.float32, "U8": np.uint8}

SHAPES = _ROOM / "graphs/shapes.json"
OPUS = "opus 1.6.1"
"""The origin of the released weights of Opus, which speak the standard's DRED."""

KINDS = {
    "pitch": ("pitch",),
    "rdovae": ("rdovae",),
    "vocoder": ("fargan", "harmonic"),
    "concealment": ("concealment",),
}
"""The kinds of network that may stand in each place of a folder."""


def graph(name: str) -> Path:
    """The graph of a network, for `nn.network.Network`."""
    return _ROOM / "graphs" / f"{name}.onnx"


@dataclass(frozen=True, slots=True)
class Weights:
    """Arrays by name for a network of a `kind`; `origin` says where they come from.

    Tables (`table.*`) are of uint8, all others of float32. Raises WeightsError where an array is missing,
    is of another shape, or holds what is no number.
    """

    kind: str
    origin: str
    arrays: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        found = {name: (each.shape, each.dtype.type) for name, each in self.arrays.items()}
        _check(self.kind, found)
        for name, each in self.arrays.items():
            if not np.isfinite(each).all():
                raise WeightsError(f"{name} holds what is no number")

    @classmethod
    def load(cls, path: Path) -> "Weights":
        """From a file. Raises WeightsError naming it and what is wrong."""
        remedy = "make or import it again"
        try:
            with safe_open(path, "numpy") as file:
                about = file.metadata() or {}
                if about.get("format") != _FORMAT:
                    raise WeightsError(f"is not of version {_FORMAT} of our format")
                names = file.keys()
                found = {name: _found(file.get_slice(name)) for name in names}
                _check(about.get("kind", ""), found)
                arrays = {name: file.get_tensor(name) for name in names}
            return cls(about["kind"], about.get("origin", "unknown"), arrays)
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}; {remedy}") from None
        except SafetensorError as error:
            why = " ".join(str(error).split())
            raise WeightsError(f"{path}: no file of weights ({why}); {remedy}") from None
        except OSError as error:
            raise WeightsError(
                f"{path}: cannot be read ({error.strerror or 'no ordinary file'}); {remedy}"
            ) from None

    def save(self, path: Path) -> None:
        """Write it whole or not at all; equal weights make equal files."""
        about = {"kind": self.kind, "origin": self.origin, "format": _FORMAT}
        whole = {name: np.ascontiguousarray(each) for name, each in self.arrays.items()}
        write_whole(path, _ordered(save(whole, about)))


@dataclass(frozen=True)
class Models:
    """All that one folder holds."""

    pitch: Weights
    rdovae: Weights
    vocoder: Weights
    concealment: Weights

    @property
    def is_opus(self) -> bool:
        """Whether what it sends is the standard's DRED."""
        return self.rdovae.origin == OPUS

    @cached_property
    def model_hash(self) -> bytes:
        """Four bytes that tell this autoencoder from others."""
        digest = hashlib.sha256(self.rdovae.kind.encode())
        for name, array in sorted(self.rdovae.arrays.items()):
            digest.update(name.encode())
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.digest()[:4]

    def save(self, folder: Path) -> None:
        """Write the four files."""
        for place in KINDS:
            getattr(self, place).save(folder / f"{place}.safetensors")


def models(name: str | Path = "allears") -> Models:
    """ "allears" ships; "opus" is what the user imported; else a folder.

    Raises WeightsError saying what is missing or wrong, and the remedy.
    """
    folder = folder_of(name)
    if not folder.is_dir():
        raise WeightsError(f"{folder}: there are no weights here; {_REMEDIES.get(name, _REMEDY)}")
    return Models(**{place: _load(folder, place) for place in KINDS})


def folder_of(name: str | Path) -> Path:
    """Where the weights of a name lie, or would."""
    if name == "allears":
        return _ROOM / "allears"
    if name == "opus":
        home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
        return Path(home) / "allears" / "opus"
    return Path(name)


def _ordered(data: bytes) -> bytes:
    """The same file, the entries of its header in order: the library writes them as they come."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


_REMEDY = "name a folder of weights, allears or opus"
_REMEDIES: Mapping[str | Path, str] = {
    "opus": "import them: allears weights import opus-1.6.1.tar.gz",
    "allears": "this installation is not whole: install it again",
}


def _load(folder: Path, place: str) -> Weights:
    path = folder / f"{place}.safetensors"
    found = Weights.load(path)
    if found.kind not in KINDS[place]:
        raise WeightsError(f"{path}: holds {found.kind}; put {' or '.join(KINDS[place])} here")
    return found


def _check(kind: str, found: Mapping[str, tuple[tuple[int, ...], type]]) -> None:
    """Refuse what the network of this kind could not use."""
    shapes = _shapes().get(kind)
    if shapes is None:
        raise WeightsError(f"its kind {kind!r} is none of {', '.join(_shapes())}")
    for name, shape in shapes.items():
        if name not in found:
            raise WeightsError(f"{name} is missing")
        wanted = np.uint8 if name.startswith(_TABLE) else np.float32
        if found[name] != (shape, wanted):
            sizes = " × ".join(map(str, shape))
            raise WeightsError(f"{name} is not {sizes} of {wanted.__name__}")
    for name in found:
        if name not in shapes:
            raise WeightsError(f"{name} is not part of {kind}")


def _found(part: object) -> tuple[tuple[int, ...], type]:
    shape, kind = part.get_shape(), part.get_dtype()  # type: ignore[attr-defined]
    return tuple(shape), _TYPES.get(kind, object)


def shapes_of(kind: str) -> Mapping[str, tuple[int, ...]]:
    """Dimensions of all arrays of a kind, by name."""
    return _shapes()[kind]


@cache
def _shapes() -> Mapping[str, Mapping[str, tuple[int, ...]]]:
    stored = json.loads(SHAPES.read_text())
    return {
        kind: {name: tuple(shape) for name, shape in shapes.items()}
        for kind, shapes in stored.items()
    }
