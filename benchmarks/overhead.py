"""What Python adds to libopus, per packet of 20 ms.

The same real speech in the same process, in turns: libopus' own encode or decode called alone, and our
sender or receiver doing all they do (RTP, RED, jitter buffer, delay control, labels, libopus).
"""

import ctypes
import random
import statistics
import time
from collections.abc import Callable

import numpy as np
import soundfile

from allears.audio.libopus import MAX_PACKET_BYTES, Decoder, Encoder
from allears.demo import CLIPS
from allears.link.frame import FRAME_SECONDS
from allears.link.receiver import Receiver
from allears.link.sender import Redundancy, Sender, SenderConfig
from tables import Run, arguments

RATE, SIZE, BITRATE = 16_000, 320, 32_000


def speech() -> list[np.ndarray]:
    """A shipped clip in frames of 20 ms."""
    samples, _ = soundfile.read(CLIPS / "lj.flac", dtype="float32")
    return list(samples[: len(samples) // SIZE * SIZE].reshape(-1, SIZE))


def encode_alone(frames: list[np.ndarray], lbrr: bool) -> Callable[[], None]:
    """libopus' encoder and nothing else, through pointers made beforehand."""
    encoder = Encoder(RATE, bitrate=BITRATE, inband_fec=lbrr, expected_loss=0.2 if lbrr else 0.0)
    function = encoder._library.opus_encode_float
    buffer = ctypes.create_string_buffer(MAX_PACKET_BYTES)
    handle, pointers = encoder.handle, [frame.ctypes.data for frame in frames]

    def run() -> None:
        assert encoder.handle
        for pointer in pointers:
            function(handle, pointer, SIZE, buffer, MAX_PACKET_BYTES)

    return run


def decode_alone(packets: list[bytes]) -> Callable[[], None]:
    """libopus' decoder and nothing else."""
    decoder = Decoder(RATE)
    function, handle, pointer = (
        decoder._library.opus_decode_float,
        decoder._handle,
        decoder._pcm_address,
    )

    def run() -> None:
        assert decoder.rate
        for packet in packets:
            function(handle, packet, len(packet), pointer, SIZE, 0)

    return run


def send(frames: list[np.ndarray], redundancy: Redundancy) -> Callable[[], None]:
    """Our sender, from samples to datagrams."""
    config = SenderConfig(rate=RATE, bitrate=BITRATE, redundancy=redundancy)
    sender = Sender(config, random.Random(0))

    def run() -> None:
        for frame in frames:
            for packet in sender.push(frame):
                bytes(packet)

    return run


def receive(frames: list[np.ndarray], redundancy: Redundancy) -> Callable[[], None]:
    """Our receiver, from datagrams to labelled frames."""
    config = SenderConfig(rate=RATE, bitrate=BITRATE, redundancy=redundancy)
    sender = Sender(config, random.Random(0))
    state = {"now": 0.0}
    receiver = Receiver(RATE)
    datagrams: list[bytes] = []

    def prepare() -> None:
        datagrams[:] = [bytes(packet) for frame in frames for packet in sender.push(frame)]

    def run() -> None:
        for datagram in datagrams:
            receiver.receive(datagram, state["now"])
            receiver.pull(state["now"])
            state["now"] += FRAME_SECONDS

    run.prepare = prepare  # type: ignore[attr-defined]
    return run


def per_packet(run: Callable[[], None], count: int) -> float:
    """Microseconds a packet, once."""
    getattr(run, "prepare", lambda: None)()
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) / count * 1e6


def compare(
    alone: Callable[[], None], ours: Callable[[], None], count: int, rounds: int
) -> list[str]:
    """Both in turns: medians of each, and of what ours takes beyond libopus."""
    pairs = [(per_packet(alone, count), per_packet(ours, count)) for _ in range(rounds)]
    beyond = [mine - theirs for theirs, mine in pairs]
    columns = (
        [theirs for theirs, _ in pairs],
        [mine for _, mine in pairs],
        beyond,
    )
    cells = [f"{statistics.median(column):.1f}" for column in columns]
    ratio = statistics.median(mine / theirs for theirs, mine in pairs)
    return [*cells, f"{min(beyond):.1f} – {max(beyond):.1f}", f"{ratio:.2f}"]


def main() -> None:
    """Write the table."""
    options = arguments(__doc__, rounds=31)
    run = Run("overhead.md", __doc__)
    frames = speech()
    rows: list[list[str]] = []
    for text in ("none", "lbrr", "red:2"):
        redundancy = Redundancy.parse(text)
        alone = encode_alone(frames, redundancy.lbrr)
        ours = send(frames, redundancy)
        rows.append(["send", text, *compare(alone, ours, len(frames), options.rounds)])
    for text in ("none", "lbrr", "red:2"):
        redundancy = Redundancy.parse(text)
        encoder = Encoder(RATE, bitrate=BITRATE, inband_fec=redundancy.lbrr, expected_loss=0.2)
        alone = decode_alone([encoder.encode(frame) for frame in frames])
        ours = receive(frames, redundancy)
        rows.append(["receive", text, *compare(alone, ours, len(frames), options.rounds)])
    run.table(
        [
            "direction",
            "redundancy",
            "libopus alone, µs",
            "allears, µs",
            "added by Python, µs",
            "least – most, µs",
            "ratio",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
