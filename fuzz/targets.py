"""What is fuzzed: everything that reads bytes from a network or a file."""

import gzip
import io
import random
import struct
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np

from allears.asr import bundle
from allears.asr.bundle import About, Bundle
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import Characters
from allears.errors import AllearsError
from allears.fairness import reading, trial_tables
from allears.fairness.refusal import AuditError
from allears.link.receiver import Receiver
from allears.nn import graphfile
from allears.weights import archive, blob, linear
from allears.weights.errors import WeightsError
from allears.wire import bitfile, dred, extensions, inspection, loss, pcap, rtcp
from allears.wire.dred import DredPayload, EntropyTables
from allears.wire.dred_format import DredFormat
from allears.wire.errors import ParseError
from allears.wire.loss_rle import LossRle, Run
from allears.wire.opus import OpusPacket
from allears.wire.red import RedPayload
from allears.wire.report import ReportReader
from allears.wire.rtcp import Compound, ReportBlock, SenderInfo
from allears.wire.rtp import RtpPacket

OWN = DredFormat.own(b"fuzz")


@cache
def tables() -> EntropyTables:
    """Entropy tables of no model: the parser must bear any."""
    rng = np.random.default_rng(0)
    return EntropyTables.from_arrays(
        {
            f"{kind}_{name}": rng.integers(0, 256, (16, size), np.uint8)
            for kind, size in (("state", 50), ("latent", 25))
            for name in ("quant_scales", "dead_zone", "r", "p0")
        }
    )


def _rtp(data: bytes) -> None:
    packet = RtpPacket.parse(data)
    assert RtpPacket.parse(bytes(packet)) == packet
    if packet.extension:
        packet.extension.elements()


def _red(data: bytes) -> None:
    assert bytes(RedPayload.parse(data)) == data


def _opus(data: bytes) -> None:
    packet = OpusPacket.parse(data)
    assert OpusPacket.parse(bytes(packet)) == packet
    assert len(packet.lbrr) == len(packet.frames)


def _extensions(data: bytes) -> None:
    found = extensions.parse(data[1:], 1 + data[0] % 48 if data else 1)
    assert sum(len(each.data) for each in found) <= len(data)


def _dred(data: bytes) -> None:
    payload = DredPayload.parse(data, tables())
    assert dred.parse_header(data) == payload.header


def _inspection(data: bytes) -> None:
    is_red = bool(data[:1] > b"\x80")
    inspection.inspect(data[1:], is_red=is_red, tables=tables(), own_tables={OWN: tables()})


def _bitfile(data: bytes) -> None:
    assert bitfile.serialise(bitfile.parse(data)) == data


def _pcap(data: bytes) -> None:
    assert sum(len(each.payload) for each in pcap.parse(data)) <= len(data)


def _rtcp(data: bytes) -> None:
    gone = rtcp.departed(data)
    compound = Compound.parse(data)
    assert compound.gone == gone
    assert Compound.parse(bytes(compound)) == compound
    ReportReader(7).read(compound, 9)


def _trace(data: bytes) -> None:
    loss.parse_trace(data.decode("latin-1"))


def _receiver(data: bytes) -> None:
    """Datagrams of the sizes that the first byte of each says, with a pull between them."""
    receiver = Receiver(8_000)
    at, now = 0, 0.0
    while at < len(data):
        size = data[at]
        receiver.receive(data[at + 1 : at + 1 + size], now)
        at += 1 + size
        now += 0.02
        assert len(receiver.pull(now).samples) == 160
    assert receiver.buffered <= 1000


def _blob(data: bytes) -> None:
    """With what is stored as the layer `a`, as it were one of 8 outputs and 8 inputs."""
    arrays = blob.parse(data)
    assert sum(each.nbytes for each in arrays.values()) <= len(data)
    assert linear.weight(arrays, "a", 8, 8).shape == (8, 8)
    assert linear.bias(arrays, "a", 8).shape == (8,)


def _archive(data: bytes) -> None:
    archive.unpack(io.BytesIO(data))


def _source(data: bytes) -> None:
    assert sum(len(each) for each in archive.parse(data).values()) <= len(data)


def _recogniser(data: bytes) -> None:
    """What is read at all was written so, or is the same written otherwise."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        found = bundle.read(Path(file.name))
    again = bundle.serialise(found)
    assert len(again) <= 2 * len(data) + 1024


def _results(data: bytes) -> None:
    """A table of results or a list of trials, in the form that the first byte says."""
    form = ("csv", "tsv", "jsonl", "parquet", "csv.gz")[data[0] % 5] if data else "csv"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"results.{form}"
        path.write_bytes(data[1:])
        if trial_tables.is_trials(path):
            found = trial_tables.read([path]).trials
            assert len(found.scores) == len(found.target)
        else:
            assert reading.read([path], normaliser="lower").sums.counts.min() >= 0


def _graph(data: bytes) -> None:
    try:
        graphfile.operators(data)
        assert graphfile.wanted(data).keys() == graphfile.types(data).keys()
    except ValueError:
        return


def refusing(
    target: Callable[[bytes], None], error: type[AllearsError] = ParseError
) -> Callable[[bytes], None]:
    """`target`, which may refuse by `error` and nothing else."""

    def run(data: bytes) -> None:
        try:
            target(data)
        except error:
            return

    return run


TARGETS: dict[str, Callable[[bytes], None]] = {
    "rtp": refusing(_rtp),
    "red": refusing(_red),
    "opus": refusing(_opus),
    "extensions": refusing(_extensions),
    "dred": refusing(_dred),
    "inspection": refusing(_inspection),
    "bitfile": refusing(_bitfile),
    "pcap": refusing(_pcap),
    "rtcp": refusing(_rtcp),
    "trace": refusing(_trace),
    "receiver": _receiver,
    "blob": refusing(_blob, WeightsError),
    "archive": refusing(_archive, WeightsError),
    "source": refusing(_source, WeightsError),
    "recogniser": refusing(_recogniser, RecogniserError),
    "graph": _graph,
    "results": refusing(_results, AuditError),
}

SHARES = {
    "receiver": 0.01,
    "dred": 0.03,
    "inspection": 0.05,
    "archive": 0.05,
    "recogniser": 0.02,
    "results": 0.002,
}
"""Shares of all inputs for targets that take long over each; the rest share the rest."""


def seeds(name: str) -> list[bytes]:
    """Well-formed beginnings, so that the fuzzer need not discover the formats."""
    frame = random.Random(0).randbytes(30)
    opus = bytes(OpusPacket(9, False, 0, (frame,)))
    carried = extensions.serialise(
        [extensions.Extension(126, 0, b"D\x0c" + frame), extensions.Extension(5, 0, b"x")]
    )
    padded = bytes(OpusPacket(9, False, 0, (frame,)).with_padding(carried))
    own = bytes(
        OpusPacket(9, False, 0, (frame,)).with_padding(extensions.serialise([OWN.wrap(frame)]))
    )
    red = bytes.fromhex("ef0f001e 6f") + frame + opus
    rtp = bytes(RtpPacket(111, 1, 960, 7, opus))
    datagram = pcap.Datagram(1.0, ("127.0.0.1", 5004), ("127.0.0.1", 5006), rtp)
    losses = LossRle(7, 0, 9, (Run(True, 2), Run(False, 3), Run(True, 4)))
    reports = Compound(1, (ReportBlock(7, 1, 2, 9),), SenderInfo(1, 2, 3, 4), "a", (losses,))
    found = {
        "rtp": [rtp, bytes.fromhex("906f0001000003c000000007bede0001100a0000") + opus],
        "red": [red],
        "opus": [opus, padded],
        "extensions": [b"\x03" + carried, b"\x03" + bytes.fromhex("0a01 05 41 02 616208")],
        "dred": [frame],
        "inspection": [b"\x00" + padded, b"\x00" + own, b"\xff" + red],
        "bitfile": [bitfile.serialise([bitfile.BitPacket(opus, 5)])],
        "pcap": [pcap.serialise([datagram])],
        "rtcp": [rtcp.goodbye(7), bytes(reports)],
        "trace": [b"0 1 1\n# bursts\n0"],
        "receiver": [b"".join(bytes([len(rtp)]) + rtp for _ in range(3))],
        "blob": _blobs(),
        "archive": [_packed(archive.FILES[:2]), gzip.compress(_packed(archive.FILES))],
        "source": [SOURCE],
        "recogniser": [_bundled(_onnx())],
        "graph": [_onnx()],
        "results": RESULTS,
    }
    return found[name]


SOURCE = b"""/* weights */
static const float a_bias[3] = { -1.5e-3f, .5f, 2 }; // one
const opus_uint8 b[2*2] = {{1, 2}, {3, 255},};
static const int a_weights_idx[2] = {1,\n 4};
static const opus_int8 c[1] = {-128};
"""


RESULTS = [
    b"\0speaker,reference,hypothesis\na,one two,one\nb,three,\n",
    b'\2{"speaker": "a", "errors": 1, "words": 2, "lat": 1.5, "lon": null}\n',
    b"\1score\tlabel\tspeaker_1\tspeaker_2\n1.5\t1\ta\ta\n-2\t0\ta\tb\n",
]


def record(name: bytes, kind: int, values: bytes) -> bytes:
    """One array of a weights_blob.bin."""
    filled = values + bytes(-len(values) % 64)
    return struct.pack("<4s4i44s", blob.MAGIC, 0, kind, len(values), len(filled), name) + filled


def member(name: str, data: bytes = b"") -> bytes:
    """One file in a tar."""
    about = tarfile.TarInfo(name)
    about.size = len(data)
    return about.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def _blobs() -> list[bytes]:
    """The layer `a` as blocks of which some are left out, as all blocks, and as floats."""
    scale = record(b"a_scale", 0, struct.pack("<8f", *range(8)))
    places = record(b"a_weights_idx", 1, struct.pack("<2i", 1, 4))
    bias = record(b"a_bias", 0, bytes(32))
    return [
        bias + scale + places + record(b"a_weights_int8", 3, bytes(range(32))),
        scale + record(b"a_weights_int8", 3, bytes(range(64))),
        record(b"a_weights_float", 0, bytes(256)),
    ]


def _onnx() -> bytes:
    """A graph with a node that has a constant, and a weight of (2, 3) that is elsewhere."""

    def part(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    attribute = part(1, b"value") + part(5, bytes.fromhex("08011001") + part(9, bytes(4)))
    node = part(2, b"x") + part(4, b"Constant") + part(5, attribute) + part(7, b"com.microsoft")
    weight = bytes.fromhex("080208031001") + part(8, b"w") + part(13, part(1, b"location"))
    return part(7, part(1, node) + part(5, weight + bytes.fromhex("7001")))


def _bundled(graph: bytes) -> bytes:
    names = bundle.GRAPHS
    weights = {name: {"w": np.zeros((2, 3), np.float32)} for name in names}
    about = About(bands=64, stack=4, joint=256, encoder="lstm", start_delay_s=0.1)
    return bundle.serialise(Bundle(about, Characters("ab"), dict.fromkeys(names, graph), weights))


def _packed(names: Iterable[str]) -> bytes:
    return b"".join(member(f"opus-1.6.1/dnn/{name}", SOURCE) for name in names) + bytes(1024)
