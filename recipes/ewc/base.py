"""The recogniser that is to be mended: a small LSTM transducer, taught by the base's speakers and by synthesisers.

Of its speakers it also hears their words in other orders (`recipes.recognition.splicing`): from twenty minutes of
speech alone it learns the sentences by heart.
"""

from dataclasses import dataclass
from pathlib import Path

from allears.asr import checkpoint
from allears.asr.balance import balanced
from allears.asr.task import Distortion, Lesson
from allears.asr.tokens import Characters
from allears.asr.torch_networks import TorchNetworks
from allears.asr.training import Course, harder, teach
from allears.corpus.sound import Sound
from allears.train.schedule import Plan
from recipes.ewc.population import Division, of
from recipes.recognition import judge
from recipes.recognition.judge import Heard
from recipes.recognition.material import SPLICED, SYNTHETIC, joined

BASE = "base.safetensors"
"""The checkpoint that everything begins with, its blank set right on development speakers."""
SPEEDS = (0.82, 0.88, 0.94, 1.0, 1.06, 1.12, 1.18)
"""Wider than usual: of few speakers many are made."""
RECORDED, MADE = 5.0, {SPLICED: 0.5, SYNTHETIC: 0.25}
"""How often utterances are drawn, those of each folder of made-up speech too."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is: what a laptop can, and what wants a GPU."""

    width: int
    layers: int
    joint: int
    steps: int
    adaptation: int
    seconds: float
    rate: float
    device: str


LAPTOP = Size(256, 2, 128, 4000, 80, 30.0, 2e-3, "cpu")
FULL = Size(512, 4, 320, 20_000, 1000, 120.0, 1e-3, "cuda")


def course(size: Size, seed: int, steps: int | None = None) -> Course:
    """Of one base; fewer steps for a trial."""
    steps = steps or size.steps
    plan = Plan(steps, size.rate, warmup=min(150, steps // 5), decay=0.01, average=0.995, seed=seed)
    lesson = Lesson(
        seconds=size.seconds, longest_s=10.0, plainly=min(300, steps // 4),
        shortly=min(200, steps // 6), simply=min(150, steps // 8), warped=0.1,
    )  # fmt: skip
    return Course(
        f"base-{seed}", "lstm", {"width": size.width, "layers": size.layers, "dropout": 0.2},
        plan, predictor={"width": size.joint}, joint=size.joint, lesson=lesson,
    )  # fmt: skip


def train(
    size: Size, whole: Sound, made: Sound | None, parts: Division, seed: int, runs: Path,
    steps: int | None = None, until: float = float("inf"),
) -> None:  # fmt: skip
    """Teach the base of a seed; it is there, as `BASE`, unless the clock said stop before the end."""
    sound, shares = heard_by(whole, made, parts)
    taught = teach(
        course(size, seed, steps), sound, shares, Characters(), runs,
        distort=distortion(), until=until, device=size.device,
    )  # fmt: skip
    if taught:
        model, tokens = checkpoint.load(taught)
        balanced(model, tokens, of(whole, parts.development))
        checkpoint.save(model, tokens, taught.with_name(BASE))


def heard_by(whole: Sound, made: Sound | None, parts: Division) -> tuple[Sound, list[float] | None]:
    """What a base is taught by, and how often each is drawn: its speakers' recordings, and what was made.

    Of that nothing is of anybody's whom the base is not to know.
    """
    own = of(whole, parts.base)
    if made is None:
        return own, None
    strangers = {each.speaker for each in whole.utterances} - set(parts.base)
    beside = of(made, {each.speaker for each in made.utterances} - strangers)
    shares = [RECORDED] * len(own)
    shares += [_share(each.path) for each in beside.utterances]
    return joined((own, beside)), shares


def _share(path: Path) -> float:
    return next(share for folder, share in MADE.items() if folder.resolve() in path.parents)


def distortion() -> Distortion:
    """How speech is made harder, for the base and for all who go on from it: speed and level."""
    return harder(None, network=False, speeds=SPEEDS)


def heard(path: Path, name: str, whole: Sound, speakers: tuple[str, ...]) -> list[Heard]:
    """What the model of a checkpoint hears of these speakers; kept beside it."""
    kept = path.with_name(f"heard-{name}.jsonl")
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        judge.keep(judge.hear(networks(path), of(whole, speakers)), kept)
    return judge.kept(kept)


def networks(path: Path) -> TorchNetworks:
    """Of a checkpoint."""
    model, tokens = checkpoint.load(path)
    return TorchNetworks(model, tokens)
