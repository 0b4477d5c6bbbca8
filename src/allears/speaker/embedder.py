"""Embeddings of voices while one listens, without torch: samples in, one vector of all that was heard out.

What counts is given by weights of 10 ms each, 0 for what is not this voice: such pieces are cut out before the
network hears anything, and so are frames in which nothing sounds (`activity`). A log-mel window of 25 ms counts as
little as the least of the pieces it reaches into.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.audio import mel
from allears.audio.given import checked
from allears.nn.step import Step
from allears.speaker.activity import Level, active
from allears.speaker.bundle import Bundle, read
from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import unit

SHIPPED_FILE = Path(__file__).parents[1] / "weights/allears/voices.safetensors"
LEAST_S = 0.3
"""Seconds of voice below which nothing is told of it."""

_REACH = -(-mel.WINDOW // mel.HOP)
"""Pieces of 10 ms that a window reaches into."""
_CHUNK, _LONGEST = 24, 3000
"""Frames that are worth a call of the network, and that one call takes at most."""


class Embedder:
    """A network of voices out of its file. Raises SpeakerError naming the file and the remedy."""

    def __init__(self, path: Path = SHIPPED_FILE, threads: int = 1) -> None:
        self._open(read(path), str(path), threads)

    @classmethod
    def of(cls, bundle: Bundle, threads: int = 1) -> "Embedder":
        """The same before it is a file."""
        made = cls.__new__(cls)
        made._open(bundle, bundle.about.text or "the network of voices", threads)
        return made

    def _open(self, bundle: Bundle, where: str, threads: int) -> None:
        self.about, self.cohort = bundle.about, bundle.cohort
        self.size = bundle.about.size
        """Numbers in an embedding."""
        try:
            self.step = Step(bundle.graph, bundle.weights, threads)
            self._try()
        except (SpeakerError, ValueError, MemoryError) as error:
            raise SpeakerError(f"{where}: {error}; get it again, or train one again") from None

    def _try(self) -> None:
        """One frame: what is no such network shows now, and not in a call."""
        about, before = self.about, self.step.initial_state(1)
        mels = np.zeros((1, about.stack, about.bands), np.float32)
        found, after = self.step((mels, np.ones((1, about.stack), np.float32)), before)
        if found.shape != (1, about.size):
            raise ValueError("its graph does not fit its description")
        if [each.shape for each in before] != [each.shape for each in after]:
            raise ValueError("its states do not last")

    def embed(self, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " size"]:
        """Whose voice it is, of length 1: 16 kHz, ±1, one who speaks.

        Raises SpeakerError for what is no row of finite float32, and for less than 0.3 s of voice.
        """
        stream = self.stream()
        stream.accept(samples)
        return stream.embedding()

    def stream(self) -> "VoiceStream":
        """A new stream, in which nothing was heard."""
        return VoiceStream(self)


class VoiceStream:
    """One voice being listened to, for as long as it takes; what is heard is not kept."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._sound = mel.initial_state()
        self._level = Level()
        self._pieces = np.zeros(0, np.float32)
        self._samples = 0
        self._mels = np.zeros((0, embedder.about.bands), np.float32)
        self._weights = np.zeros(0, np.float32)
        self._state = embedder.step.initial_state(1)
        self._found: Float32[np.ndarray, "1 size"] | None = None
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """How much voice was heard: frames in which something sounds, by their weights."""
        return self._seconds

    def accept(
        self,
        samples: Float32[np.ndarray, " samples"],
        weights: Float32[np.ndarray, " pieces"] | None = None,
    ) -> None:
        """Hear more: 16 kHz, ±1, any number of samples.

        `weights`, one from 0 to 1 for each 10 ms (160 samples), say how much is this voice alone; all is without
        them. With them samples are whole pieces, and so is what came before. Raises SpeakerError for anything
        else, with nothing heard.
        """
        samples, pieces = checked(samples, SpeakerError), self._weighed(samples, weights)
        self._samples += len(samples)
        self._pieces = np.concatenate((self._pieces, pieces))
        mels, self._sound = mel.analyse(samples, self._sound, self._embedder.about.bands)
        if not len(mels):
            return
        reaching = np.lib.stride_tricks.sliding_window_view(self._pieces, _REACH)
        self._take(mels, reaching[: len(mels)].min(1))
        self._pieces = self._pieces[len(mels) :]
        if len(self._mels) >= _CHUNK:
            self._advance()

    def embedding(self) -> Float32[np.ndarray, " size"]:
        """Whose voice it is in all that was heard, of length 1.

        Raises SpeakerError where that is less than 0.3 s of voice.
        """
        if self._seconds < LEAST_S - 1e-6:
            raise SpeakerError(self._little())
        self._advance()
        if self._found is None:
            raise SpeakerError(self._little())
        found: Float32[np.ndarray, " size"] = unit(self._found)[0]
        return found

    def _weighed(
        self, samples: Float32[np.ndarray, " samples"], weights: np.ndarray | None
    ) -> Float32[np.ndarray, " pieces"]:
        """The weights of the 10 ms pieces that begin in these samples."""
        if weights is None:
            known = -(-self._samples // mel.HOP)
            return np.ones(-(-(self._samples + len(samples)) // mel.HOP) - known, np.float32)
        given = np.asarray(weights)
        if self._samples % mel.HOP or given.shape != (len(samples) / mel.HOP,):
            raise SpeakerError(
                f"{len(samples)} samples after {self._samples} with weights {given.shape}; "
                f"give one weight for each {mel.HOP} samples"
            )
        if given.dtype.kind not in "biuf" or not ((given >= 0) & (given <= 1)).all():
            raise SpeakerError("weights are numbers from 0 to 1")
        return given.astype(np.float32)

    def _take(
        self, mels: Float32[np.ndarray, "frames bands"], weights: Float32[np.ndarray, " frames"]
    ) -> None:
        """Keep what counts and sounds."""
        mels, weights = mels[weights > 0], weights[weights > 0]
        sounding, self._level = active(mels, self._level)
        self._mels = np.concatenate((self._mels, mels[sounding]))
        self._weights = np.concatenate((self._weights, weights[sounding]))
        self._seconds += float(weights[sounding].sum(dtype=np.float64)) * mel.HOP / mel.RATE

    def _advance(self) -> None:
        """Hear all that is whole steps of the network."""
        stack = self._embedder.about.stack
        while whole := min(len(self._mels), _LONGEST) // stack * stack:
            given = self._mels[None, :whole], self._weights[None, :whole]
            self._found, self._state = self._embedder.step(given, self._state)
            self._mels, self._weights = self._mels[whole:], self._weights[whole:]

    def _little(self) -> str:
        length = self._samples / mel.RATE
        if length < LEAST_S:
            return f"{length:.2f} s of sound; a voice wants {LEAST_S} s or more: give a longer clip"
        return (
            f"{self._seconds:.2f} s of voice in {length:.2f} s of sound; a voice wants {LEAST_S} s or more: "
            "give a clip in which somebody speaks, louder than −50 dB of full scale"
        )
