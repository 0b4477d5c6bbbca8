"""libopus itself, called packet by packet (its own C interface, RFC 6716 and RFC 7845's codec).

The library is the one that PyAV's wheel carries (libopus 1.6.1 at the time of writing), else the
system's; `ALLEARS_LIBOPUS` names another, for instance one built with deep redundancy. Nothing is
compiled, and encoder and decoder state lives in libopus.
"""

import ctypes
import ctypes.util
import enum
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.errors import AllearsError

RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Sampling rates in Hz at which libopus takes and gives audio."""

FRAME_MS = (2.5, 5, 10, 20, 40, 60)
"""Durations of one packet that the encoder makes here, in milliseconds."""

MAX_PACKET_BYTES = 1275 * 3 + 7
"""As much as libopus recommends for one packet of up to 120 ms."""

DTX_BYTES = 2
"""A packet this short need not be sent: the encoder has nothing to say (opus_encoder.h)."""


class OpusError(AllearsError):
    """libopus is missing, or refused; the message says which call and why."""


class Application(enum.IntEnum):
    """What the encoder is tuned for (OPUS_APPLICATION_*)."""

    VOIP = 2048
    AUDIO = 2049
    LOW_DELAY = 2051


class Bandwidth(enum.IntEnum):
    """Audio bandwidths (OPUS_BANDWIDTH_*); AUTO (OPUS_AUTO) leaves the choice to libopus."""

    AUTO = -1000
    NARROWBAND = 1101
    MEDIUMBAND = 1102
    WIDEBAND = 1103
    SUPERWIDEBAND = 1104
    FULLBAND = 1105


class _Ctl(enum.IntEnum):
    SET_BITRATE = 4002
    SET_MAX_BANDWIDTH = 4004
    SET_VBR = 4006
    SET_BANDWIDTH = 4008
    SET_COMPLEXITY = 4010
    SET_INBAND_FEC = 4012
    SET_PACKET_LOSS_PERC = 4014
    SET_DTX = 4016
    GET_LOOKAHEAD = 4027
    RESET_STATE = 4028
    GET_FINAL_RANGE = 4031
    GET_PITCH = 4033
    GET_LAST_PACKET_DURATION = 4039
    GET_IN_DTX = 4049
    GET_DRED_DURATION = 4051
    SET_FORCE_MODE = 11002


_SILK_ONLY = 1000
"""MODE_SILK_ONLY, which SET_FORCE_MODE takes; both as in libopus since 1.1."""


@dataclass(frozen=True, slots=True)
class Features:
    """Which libopus this is: version, file, and whether it can encode deep redundancy itself."""

    version: str
    path: str
    dred: bool


def features() -> Features:
    """What the library in use can do. Raises OpusError where there is none."""
    library = _library()
    encoder = Encoder(16_000)
    value = ctypes.c_int32()
    dred = library.opus_encoder_ctl(encoder.handle, _Ctl.GET_DRED_DURATION, ctypes.byref(value))
    version: bytes = library.opus_get_version_string()
    return Features(version.decode(), str(library._name), dred == 0)


class Encoder:
    """One direction of a mono call, frame by frame.

    `rate` is one of `RATES`; `frame_ms` one of `FRAME_MS`; `bitrate` in bit/s; `complexity` 0–10;
    `expected_loss` the fraction (0–1) that the network is thought to lose, without which in-band FEC
    (LBRR) stays silent. Everything but rate and frame can be changed between packets. `silk`: that of
    Opus' two codecs only, whatever the bitrate.
    """

    def __init__(
        self,
        rate: int,
        *,
        frame_ms: float = 20,
        application: Application = Application.VOIP,
        bitrate: int = 24_000,
        complexity: int = 9,
        inband_fec: bool = False,
        expected_loss: float = 0.0,
        dtx: bool = False,
        vbr: bool = True,
        bandwidth: Bandwidth = Bandwidth.AUTO,
        max_bandwidth: Bandwidth = Bandwidth.FULLBAND,
        silk: bool = False,
    ) -> None:
        _check_rate(rate)
        if frame_ms not in FRAME_MS:
            raise OpusError(f"a packet of {frame_ms:g} ms: choose one of {_list(FRAME_MS)} ms")
        self._library = _library()
        error = ctypes.c_int()
        self.handle = self._library.opus_encoder_create(rate, 1, application, ctypes.byref(error))
        _check(self._library, error.value, "opus_encoder_create")
        self.rate = rate
        self.frame_size = int(rate * frame_ms / 1000)
        self._packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)
        self.set_bitrate(bitrate)
        self.set_complexity(complexity)
        self.set_redundancy(inband_fec=inband_fec, expected_loss=expected_loss)
        self._set(_Ctl.SET_DTX, int(dtx))
        self._set(_Ctl.SET_VBR, int(vbr))
        self._set(_Ctl.SET_MAX_BANDWIDTH, max_bandwidth)
        self._set(_Ctl.SET_BANDWIDTH, bandwidth)
        if silk:
            self._set(_Ctl.SET_FORCE_MODE, _SILK_ONLY)

    def set_bitrate(self, bitrate: int) -> None:
        """Target bit/s, 500 to 512,000, from the next packet on."""
        self._set(_Ctl.SET_BITRATE, bitrate)

    def set_complexity(self, complexity: int) -> None:
        """Effort from 0 to 10, from the next packet on."""
        self._set(_Ctl.SET_COMPLEXITY, complexity)

    def set_redundancy(self, *, inband_fec: bool, expected_loss: float) -> None:
        """Whether to send LBRR, and for what fraction of loss, from the next packet on."""
        self._set(_Ctl.SET_INBAND_FEC, int(inband_fec))
        self._set(_Ctl.SET_PACKET_LOSS_PERC, round(100 * expected_loss))

    def encode(self, samples: Float32[np.ndarray, " frame_size"]) -> bytes:
        """The packet for exactly one frame of samples in ±1."""
        if len(samples) != self.frame_size:
            raise OpusError(f"{len(samples)} samples where a frame has {self.frame_size}")
        samples = np.ascontiguousarray(samples)
        size = self._library.opus_encode_float(
            self.handle, samples.ctypes.data, self.frame_size, self._packet, MAX_PACKET_BYTES
        )
        _check(self._library, size, "opus_encode_float")
        return self._packet.raw[:size]

    @property
    def lookahead(self) -> int:
        """Samples by which decoded audio lags what was encoded."""
        return self._get(_Ctl.GET_LOOKAHEAD)

    @property
    def in_dtx(self) -> bool:
        """Whether the last packet only said that nobody speaks."""
        return bool(self._get(_Ctl.GET_IN_DTX))

    @property
    def final_range(self) -> int:
        """The entropy coder's state after the last packet; a decoder's must equal it."""
        return _final_range(self._library.opus_encoder_ctl, self.handle)

    def _set(self, request: _Ctl, value: int) -> None:
        code = self._library.opus_encoder_ctl(self.handle, request, ctypes.c_int(value))
        _check(self._library, code, f"{request.name} {value}")

    def _get(self, request: _Ctl) -> int:
        value = ctypes.c_int32()
        code = self._library.opus_encoder_ctl(self.handle, request, ctypes.byref(value))
        _check(self._library, code, request.name)
        return value.value

    def __del__(self) -> None:
        if handle := getattr(self, "handle", None):
            self._library.opus_encoder_destroy(handle)


class Decoder:
    """The other direction: packets to samples, and something to hear where there is no packet."""

    def __init__(self, rate: int, *, complexity: int | None = None) -> None:
        _check_rate(rate)
        self._library = _library()
        error = ctypes.c_int()
        self._handle = self._library.opus_decoder_create(rate, 1, ctypes.byref(error))
        _check(self._library, error.value, "opus_decoder_create")
        self.rate = rate
        self._pcm = np.zeros(rate * 120 // 1000, np.float32)
        self._pcm_address = self._pcm.ctypes.data
        self._clip_memory = ctypes.c_float(0)
        if complexity is not None:
            # Refused before libopus 1.5, whose decoder has only one way to decode.
            self._library.opus_decoder_ctl(
                self._handle, _Ctl.SET_COMPLEXITY, ctypes.c_int(complexity)
            )

    def decode(self, packet: bytes) -> Float32[np.ndarray, " samples"]:
        """The audio of a packet that arrived. Raises OpusError where it is corrupt."""
        return self._decode(packet, len(self._pcm), 0)

    def decode_fec(self, packet: bytes, samples: int) -> Float32[np.ndarray, " samples"]:
        """The last `samples` before `packet`, from its in-band copy (LBRR) where it has one.

        Without one libopus conceals. `samples` is a whole number of 2.5 ms.
        """
        return self._decode(packet, samples, 1)

    def conceal(self, samples: int) -> Float32[np.ndarray, " samples"]:
        """libopus' guess at the next `samples` (a whole number of 2.5 ms, at most 120 ms)."""
        return self._decode(None, samples, 0)

    def reset(self) -> None:
        """Forget all that was heard."""
        _check(
            self._library,
            self._library.opus_decoder_ctl(self._handle, _Ctl.RESET_STATE),
            "RESET_STATE",
        )

    @property
    def final_range(self) -> int:
        """The entropy coder's state after the last packet; the encoder's must equal it."""
        return _final_range(self._library.opus_decoder_ctl, self._handle)

    @property
    def last_packet_duration(self) -> int:
        """Samples that the last packet lasted, whether decoded or concealed."""
        return self._get(_Ctl.GET_LAST_PACKET_DURATION)

    @property
    def pitch(self) -> int:
        """Pitch period of the last frame in samples at 48 kHz, 0 where unvoiced or unknown."""
        return self._get(_Ctl.GET_PITCH)

    def _decode(
        self, packet: bytes | None, samples: int, fec: int
    ) -> Float32[np.ndarray, " samples"]:
        size = self._library.opus_decode_float(
            self._handle, packet, len(packet) if packet else 0, self._pcm_address, samples, fec
        )
        if size < 0:
            _check(self._library, size, "opus_decode_float")
        # What libopus itself does before it gives 16-bit samples: bend peaks over ±1, not cut them.
        self._library.opus_pcm_soft_clip(
            self._pcm_address, size, 1, ctypes.byref(self._clip_memory)
        )
        return self._pcm[:size].copy()

    def _get(self, request: _Ctl) -> int:
        value = ctypes.c_int32()
        code = self._library.opus_decoder_ctl(self._handle, request, ctypes.byref(value))
        _check(self._library, code, request.name)
        return value.value

    def __del__(self) -> None:
        if handle := getattr(self, "_handle", None):
            self._library.opus_decoder_destroy(handle)


def _check_rate(rate: int) -> None:
    if rate not in RATES:
        raise OpusError(f"Opus at {rate} Hz: choose one of {_list(RATES)} Hz, and resample")


def _list(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _check(library: ctypes.CDLL, code: int, call: str) -> None:
    if code < 0:
        reason: bytes = library.opus_strerror(code)
        raise OpusError(f"libopus refused {call}: {reason.decode()}")


def _final_range(ctl: "ctypes._NamedFuncPointer", handle: int) -> int:
    value = ctypes.c_uint32()
    ctl(handle, _Ctl.GET_FINAL_RANGE, ctypes.byref(value))
    return value.value


def _candidates() -> Iterator[str]:
    """Where a libopus may be, best first."""
    if named := os.environ.get("ALLEARS_LIBOPUS"):
        yield named
        return
    spec = find_spec("av")
    if spec and spec.origin:
        package = Path(spec.origin).parent
        for folder in (package.parent / "av.libs", package / ".dylibs"):
            yield from map(str, sorted(folder.glob("*opus*")))
    if system := ctypes.util.find_library("opus"):
        yield system


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    tried = []
    for path in _candidates():
        try:
            return _declare(ctypes.CDLL(path))
        except (OSError, AttributeError) as error:
            tried.append(f"{path} ({error})")
    raise OpusError(
        "no libopus found: install PyAV (pip install av), or the system's libopus, or set "
        f"ALLEARS_LIBOPUS to a library file; tried {', '.join(tried) or 'nothing'}"
    )


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """State the C signatures; variadic calls need them on some machines to be right at all."""
    pointer, integer, int32 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32
    signatures = {
        "opus_get_version_string": (ctypes.c_char_p, ()),
        "opus_strerror": (ctypes.c_char_p, (integer,)),
        "opus_encoder_create": (pointer, (int32, integer, integer, pointer)),
        "opus_encoder_destroy": (None, (pointer,)),
        "opus_encoder_ctl": (integer, (pointer, integer)),
        "opus_encode_float": (int32, (pointer, pointer, integer, ctypes.c_char_p, int32)),
        "opus_decoder_create": (pointer, (int32, integer, pointer)),
        "opus_decoder_destroy": (None, (pointer,)),
        "opus_decoder_ctl": (integer, (pointer, integer)),
        "opus_decode_float": (
            integer,
            (pointer, ctypes.c_char_p, int32, pointer, integer, integer),
        ),
        "opus_pcm_soft_clip": (None, (pointer, integer, integer, pointer)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
