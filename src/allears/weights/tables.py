"""The entropy tables of Opus' redundancy from a .npz, for weights that come without them."""

import io
import zipfile
from pathlib import Path

import numpy as np

from allears.weights.errors import WeightsError

NAME = "dred_stats_q8.npz"
"""What the file is called where it lies beside the weights."""

_MAX_MEMBER = 1 << 16


def read(path: Path) -> dict[str, np.ndarray]:
    """All its arrays, by name. Raises WeightsError naming the file."""
    remedy = "give a .npz with {state,latent}_{quant_scales,dead_zone,r,p0}"
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                each.filename.removesuffix(".npy"): _array(archive, each)
                for each in archive.infolist()
            }
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    except (zipfile.BadZipFile, ValueError, MemoryError, NotImplementedError, RuntimeError):
        raise WeightsError(f"{path}: no .npz of entropy tables; {remedy}") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.file_size > _MAX_MEMBER:
        raise ValueError("no table is as large")
    data = io.BytesIO(archive.read(member))
    array: np.ndarray = np.lib.format.read_array(data, allow_pickle=False)
    return array
