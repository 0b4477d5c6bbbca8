"""The released weights of Opus 1.6.1 under the names that our networks have.

Which layer is which was read off the released arrays and checked against what libopus computes with them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from allears.weights import archive, blob, linear, tables
from allears.weights.errors import WeightsError
from allears.weights.store import OPUS, Models, Weights, shapes_of

_MAX_BLOB = 64 << 20
_STAGES = range(5)
_TABLES = ("quant_scales", "dead_zone", "r", "p0")
_STATISTICS = "dred_{which}_{table}_q8"


def read(path: Path, table_file: Path | None = None) -> Models:
    """From an archive of Opus' source, or a weights_blob.bin.

    A blob has no entropy tables: they come from `table_file`, or from dred_stats_q8.npz beside it.
    Raises WeightsError naming the file, what is wrong and the remedy.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BLOB + 1) if blob.is_blob(file.read(4)) else b""
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror}); name opus-1.6.1.tar.gz or a weights_blob.bin"
        ) from None
    if len(data) > _MAX_BLOB:
        raise WeightsError(f"{path}: is larger than any weights of Opus")
    try:
        if not data:
            arrays = archive.read(path)
            given = tables.read(table_file) if table_file else statistics(arrays)
            return models(arrays, given)
        table_file = table_file or path.with_name(tables.NAME)
        return models(blob.parse(blob.MAGIC + data), tables.read(table_file))
    except WeightsError as error:
        told = str(error)
        named = told.startswith((f"{path}: ", f"{table_file}: "))
        raise WeightsError(told if named else f"{path}: {told}; is it of Opus 1.6.1?") from None


def models(arrays: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray]) -> Models:
    """From what `blob` or `archive` found, and the `given` entropy tables.

    Raises WeightsError naming what is missing or does not fit.
    """
    rdovae = _network("rdovae", _RDOVAE, arrays)
    return Models(
        pitch=Weights("pitch", OPUS, _pitch(arrays)),
        rdovae=Weights("rdovae", OPUS, rdovae | _tables(given)),
        vocoder=Weights("fargan", OPUS, _fargan(arrays)),
        concealment=Weights("concealment", OPUS, _network("concealment", _CONCEALMENT, arrays)),
    )


def statistics(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The entropy tables that an archive holds beside the weights, {state,latent}_{table}."""
    sizes = {"latent": 25, "state": 50}
    found = {}
    for which, size in sizes.items():
        for table in _TABLES:
            name = _STATISTICS.format(which=which, table=table)
            values = linear.take(arrays, name, np.uint8)
            if len(values) != 16 * size:
                raise WeightsError(f"{name} has {len(values)} values, where {16 * size} belong")
            found[f"{which}_{table}"] = values.reshape(16, size)
    return found


def _tables(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = [name for name in shapes_of("rdovae") if name.startswith("table.")]
    for name in names:
        if name.removeprefix("table.") not in given:
            raise WeightsError(f"the entropy table {name.removeprefix('table.')} is missing")
    return {name: np.array(given[name.removeprefix("table.")]) for name in names}


def _network(
    kind: str, layers: Iterable[tuple[str, str]], arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """All layers of pairs (ours, libopus')."""
    shapes = shapes_of(kind)
    found = {}
    for ours, theirs in layers:
        outputs, inputs = shapes[f"{ours}.weight"]
        found[f"{ours}.weight"] = linear.weight(arrays, theirs, outputs, inputs)
        found[f"{ours}.bias"] = linear.bias(arrays, theirs, outputs)
    return found


def _pitch(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = _network("pitch", _PITCH, arrays)
    for ours, theirs in (("first", "conv2d_1"), ("second", "conv2d_2")):
        shape = shapes_of("pitch")[f"{ours}.weight"]
        weights = linear.take(arrays, f"{theirs}_weight_float", np.float32)
        if weights.size != np.prod(shape):
            raise WeightsError(f"{theirs}_weight_float has {weights.size} values")
        found[f"{ours}.weight"] = weights.reshape(shape).copy()
        found[f"{ours}.bias"] = linear.bias(arrays, theirs, shape[0])
    return found


def _fargan(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = _network("fargan", _FARGAN, arrays)
    # A table: row by row the vector of a period.
    rows, size = shapes_of("fargan")["condition.period.weight"]
    table = linear.weight(arrays, "cond_net_pembed", size, rows).T
    found["condition.period.weight"] = np.ascontiguousarray(table)
    return found


def _gru(ours: str, theirs: str) -> list[tuple[str, str]]:
    return [(f"{ours}.input", f"{theirs}_input"), (f"{ours}.recurrent", f"{theirs}_recurrent")]


def _stages(side: str, prefix: str, *, gated: bool) -> list[tuple[str, str]]:
    layers = []
    for index in _STAGES:
        ours, number = f"{side}.stages.{index}", index + 1
        layers += _gru(f"{ours}.gru", f"{prefix}_gru{number}")
        layers += [(f"{ours}.glu.gate", f"{prefix}_glu{number}")] if gated else []
        layers += [(f"{ours}.dense", f"{prefix}_conv_dense{number}")]
        layers += [(f"{ours}.conv.weight", f"{prefix}_conv{number}")]
    return layers


_RDOVAE = [
    ("encoder.dense", "enc_dense1"),
    *_stages("encoder", "enc", gated=False),
    ("encoder.latents", "enc_zdense"),
    ("encoder.hidden", "gdense1"),
    ("encoder.states", "gdense2"),
    ("decoder.hidden", "dec_hidden_init"),
    ("decoder.start", "dec_gru_init"),
    ("decoder.dense", "dec_dense1"),
    *_stages("decoder", "dec", gated=True),
    ("decoder.output", "dec_output"),
]

_PITCH = [
    ("turns", "dense_if_upsampler_1"),
    ("deeper", "dense_if_upsampler_2"),
    ("dense", "dense_downsampler"),
    *_gru("gru", "gru_1"),
    ("output", "dense_final_upsampler"),
]

_FARGAN = [
    ("condition.dense", "cond_net_fdense1"),
    ("condition.conv.weight", "cond_net_fconv1"),
    ("condition.output", "cond_net_fdense2"),
    ("subframe.gain", "sig_net_cond_gain_dense"),
    ("subframe.conv.weight", "sig_net_fwc0_conv"),
    ("subframe.glu.gate", "sig_net_fwc0_glu_gate"),
    ("subframe.pitch_gates", "sig_net_gain_dense_out"),
    *(
        pair
        for index in range(3)
        for pair in (
            *_gru(f"subframe.grus.{index}", f"sig_net_gru{index + 1}"),
            (f"subframe.glus.{index}.gate", f"sig_net_gru{index + 1}_glu_gate"),
        )
    ),
    ("subframe.skip", "sig_net_skip_dense"),
    ("subframe.skip_glu.gate", "sig_net_skip_glu_gate"),
    ("subframe.output", "sig_net_sig_dense_out"),
]

_CONCEALMENT = [
    ("dense", "plc_dense_in"),
    *_gru("first", "plc_gru1"),
    *_gru("second", "plc_gru2"),
    ("output", "plc_dense_out"),
]
