"""One training of a recogniser, resumed where it was stopped, and the checkpoint it ends in."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from allears.asr import checkpoint
from allears.asr.encoders.kinds import ENCODERS, sized
from allears.asr.model import Transducer, TransducerConfig
from allears.asr.task import Distortion, Lesson, TransducerTask, statistics
from allears.asr.tokens import Characters, Pieces, TokenError, Tokens
from allears.corpus.augment import Augmentation, Chain, Level, Noise, Reverberation, Speed
from allears.corpus.network import LossyCall
from allears.corpus.noises import NOISES, RESPONSES, noises, responses
from allears.corpus.recordings import CorpusError, Utterance
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.outputs import write_whole
from allears.train.average import averaged
from allears.train.loop import run
from allears.train.schedule import Plan
from allears.train.task import TrainingError

CHECKPOINT = "model.safetensors"
CHARACTERS, PIECES = "characters", "pieces:"
_TOLERANCES = 0.02, 0.1, 0.25
"""Small encoders have few widths to choose from."""


@dataclass(frozen=True, slots=True)
class Course:
    """A model, by its configuration but for the vocabulary, and how it is taught."""

    name: str
    encoder_kind: str
    encoder: dict[str, Any]
    plan: Plan
    predictor_kind: str = "stateless"
    predictor: dict[str, Any] = field(default_factory=lambda: {"width": 192})
    joint: int = 192
    lesson: Lesson = Lesson()  # noqa: RUF009  frozen

    def config(self, vocabulary: int) -> TransducerConfig:
        """The transducer's configuration."""
        return TransducerConfig(
            vocabulary, self.encoder_kind, self.encoder, self.predictor_kind, self.predictor,
            self.joint,
        )  # fmt: skip


def teach(
    course: Course,
    sound: Sound,
    shares: Sequence[float] | None,
    tokens: Tokens,
    folder: Path,
    *,
    distort: Distortion | None,
    until: float = float("inf"),
    device: str = "cpu",
    begin: Path | None = None,
) -> Path | None:
    """Train; the checkpoint (moving average of the weights), or None where the clock said stop before the end.

    With `begin`, the folder of another training that has ended, it goes on from its weights, those that
    only training needs among them. Raises TrainingError where that is of another model.
    """
    torch.set_num_threads(1)
    # oneDNN keeps what it compiled for every length of batch it saw: gigabytes, with convolutions over bands.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    torch.manual_seed(course.plan.seed)
    model = Transducer(course.config(tokens.size))
    mean, deviation = statistics(sound, model.config.bands)
    model.normalise(torch.from_numpy(mean), torch.from_numpy(deviation))
    task = TransducerTask(
        model, tokens, sound, course.lesson, seed=course.plan.seed, distort=distort, shares=shares
    )
    if begin is not None:
        _check_alike(model, tokens, begin / CHECKPOINT)
        task.model.load_state_dict(averaged(begin))
    place = folder / course.name
    done = run(task, course.plan, place, show=lambda _: None, until=until, device=device)
    path = place / CHECKPOINT
    task.model.load_state_dict(averaged(place))
    checkpoint.save(model, tokens, path)
    return path if done else None


def _check_alike(model: Transducer, tokens: Tokens, path: Path) -> None:
    before, symbols = checkpoint.load(path)
    if (before.config.plain(), _written(symbols)) != (model.config.plain(), _written(tokens)):
        raise TrainingError(f"{path}: is another model, or writes with other symbols; train anew")


def _written(tokens: Tokens) -> dict[str, bytes]:
    return {name: each.tobytes() for name, each in tokens.arrays().items()}


def course_of(encoder: str, wanted: int, vocabulary: int, plan: Plan, lesson: Lesson) -> Course:
    """A course without a name for a transducer of `wanted` parameters in all, up to 3 %, or a fourth if tiny.

    Raises TrainingError where there is no such encoder, or none of this size.
    """
    if encoder not in ENCODERS:
        raise TrainingError(f"no encoder {encoder!r}: choose one of {', '.join(ENCODERS)}")
    joint = 32 * min(20, max(1, round(wanted**0.5 / 160)))
    beside = {"predictor": {"width": joint}, "joint": joint, "lesson": lesson}
    made = Course("", encoder, {}, plan, **beside)
    whole = made.config(vocabulary)
    inside = wanted - joint * (3 * joint + 2 * vocabulary)
    for _ in range(2):
        config = _sized(encoder, inside, whole.bands * whole.stack)
        if config is None:
            raise TrainingError(f"no {encoder} of {wanted:,} parameters: give more")
        made = replace(made, encoder=asdict(config))
        inside += wanted - parameters(made.config(vocabulary))
    return made


def _sized(encoder: str, wanted: int, inputs: int) -> Any:
    for tolerance in _TOLERANCES if wanted > 0 else ():
        with contextlib.suppress(ValueError):
            return sized(encoder, wanted, inputs, tolerance=tolerance)
    return None


def parameters(config: TransducerConfig) -> int:
    """Weights of a transducer, which is not made for it."""
    with torch.device("meta"):
        return sum(each.numel() for each in Transducer(config).parameters())


def usable(device: str) -> str:
    """The device. Raises TrainingError where it is not there."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0]
        raise TrainingError(f"device {device!r} cannot be used ({why}); cpu always can") from None
    return device


def symbols(wish: str, utterances: Sequence[Utterance], kept: Path) -> Tokens:
    """`characters`, `pieces:N` (those in `kept`, if it is there, else made of these texts), or a FILE.model.

    Raises TokenError where that is none of them, or a text cannot be written with it; the utterance is named.
    """
    tokens = _symbols(wish, [normalise(each.text) for each in utterances], kept)
    for each in utterances:
        try:
            tokens.encode(normalise(each.text))
        except TokenError as error:
            raise TokenError(f"{each.name}: {error}") from None
    return tokens


def _symbols(wish: str, texts: Sequence[str], kept: Path) -> Tokens:
    if wish == CHARACTERS:
        return Characters()
    if wish.startswith(PIECES) and wish.removeprefix(PIECES).isdecimal():
        size = int(wish.removeprefix(PIECES))
        return Pieces(kept.read_bytes()) if kept.exists() else Pieces.train(texts, size)
    if wish.endswith(".model"):
        try:
            return Pieces(Path(wish).read_bytes())
        except OSError as error:
            raise TokenError(f"{wish}: cannot be opened ({error.strerror})") from None
        except TokenError as error:
            raise TokenError(f"{wish}: {error}") from None
    raise TokenError(f"symbols {wish!r}: give {CHARACTERS}, {PIECES}160 or a FILE.model")


def keep_pieces(tokens: Tokens, path: Path) -> None:
    """Write what sentencepiece made, unless it is there or there is nothing of it."""
    if isinstance(tokens, Pieces) and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, tokens.arrays()["tokens.pieces"].tobytes())


def pieces(sound: Sound, size: int, path: Path) -> Tokens:
    """Symbols for these texts, made once and kept at `path`."""
    if not path.exists():
        texts = [normalise(each.text) for each in sound.utterances]
        keep_pieces(Pieces.train(texts, size), path)
    return Pieces(path.read_bytes())


def distortions(noise: Path) -> Distortion:
    """Speed, rooms, noise, level and lossy calls, each for some utterances."""
    return harder(noise, network=True)


def harder(
    noise: Path | None, *, network: bool, speeds: Sequence[float] = Speed().factors
) -> Distortion:
    """Speed, level, the rooms and noises whose tables are in a folder, and lossy calls where wanted.

    Raises CorpusError where the folder has no table.
    """
    there = [each for each in (RESPONSES, NOISES) if noise and (noise / each).is_file()]
    if noise and not there:
        raise CorpusError(f"{noise}: has neither {NOISES} nor {RESPONSES} in it")
    steps: list[tuple[float, Augmentation]] = [(1.0, Speed(tuple(speeds)))]
    if noise and RESPONSES in there:
        steps.append((0.1, Reverberation(responses(noise))))
    if noise and NOISES in there:
        steps.append((0.3, Noise(noises(noise), (8.0, 25.0))))
    steps.append((0.5, Level((-12.0, 6.0))))
    if network:
        steps.append((0.1, LossyCall()))
    return Chain(tuple(steps))
