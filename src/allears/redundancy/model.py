"""The trained model of DRED, loaded once for all streams: networks, tables, its name on the wire."""

from collections.abc import Mapping

import numpy as np

from allears.audio.features import Extractor
from allears.nn.network import Network
from allears.nn.sequence import Frames
from allears.weights.store import Models, graph
from allears.wire import range_coder
from allears.wire.dred import EntropyTables
from allears.wire.dred_format import OPUS_DRED, DredFormat


class RedundancyModel:
    """Opus' own weights speak Opus' own DRED; any others a format of ours that names them."""

    def __init__(self, models: Models) -> None:
        weights = models.rdovae.arrays
        self.tables, self.format = tables_of(models), format_of(models)
        range_coder.compiled()  # now, and not in the middle of the first call
        self.extractor = Extractor(
            *(Network(graph(name), models.pitch.arrays) for name in ("pitch", "pitch_long"))
        )
        self.encoder = Network(graph("rdovae_encoder"), _under(weights, "encoder."))
        decoder = _under(weights, "decoder.")
        self.begin = Network(graph("rdovae_begin"), decoder)
        self.decoder = Frames(
            *(Network(graph(name), decoder) for name in ("rdovae_decoder", "rdovae_decoder_long"))
        )


def tables_of(models: Models) -> EntropyTables:
    """The odds that a model's payloads are coded with."""
    return EntropyTables.from_arrays(_under(models.rdovae.arrays, "table."))


def format_of(models: Models) -> DredFormat:
    """What a model's payloads go out as."""
    return OPUS_DRED if models.is_opus else DredFormat.own(models.model_hash)


def _under(weights: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name[len(prefix) :]: each for name, each in weights.items() if name.startswith(prefix)}
