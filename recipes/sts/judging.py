"""How well an arm tells who says what: counts of each conversation, by pair of speakers, so that they add up."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from allears.asr.balance import balanced_by
from allears.asr.networks import Networks
from allears.asr.tokens import Tokens
from allears.asr.torch_networks import TorchNetworks
from allears.audio import mel
from allears.corpus.mixtures.turns import Session
from allears.outputs import write_whole
from allears.parties.judging import SLACK_S, heard, said
from allears.parties.model import SeparatorTransducer
from allears.parties.targets import Form
from allears.score.latency import Delays, Latency, latency
from allears.score.parties import WordErrors, orc_errors
from allears.score.turns import TurnCounts, turn_counts
from recipes.sts import hearing

PAUSES = 0.2, 0.4, 0.6, 0.8, 1.2, 1.6, 2.4
"""Seconds without a word of which one ends a turn, where no mark does; chosen on development speakers."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One conversation: whose, in which set, and what was counted."""

    pair: str
    set: str
    words: WordErrors
    turns: TurnCounts
    latency: Latency = field(default_factory=Latency)
    silent: bool = True
    """Whether nothing was said on any branch but the first."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an arm is heard: its form, the pause that ends turns, and by how much the blank was lowered."""

    form: Form
    pause: float
    lowered: float


Talk = tuple[str, str, Session]
"""Pair, set and conversation."""


def settled(
    model: SeparatorTransducer, tokens: Tokens, form: Form, development: Sequence[Session]
) -> Manner:
    """What is best for this model on development speakers; its blank is lowered in place."""
    networks = TorchNetworks(model, tokens)
    step = networks.stack * mel.HOP / mel.RATE

    def errors() -> int:
        found = heard(networks, development)
        return sum(
            orc_errors(said(each), hearing.told(hyps, tokens, form, step, 1.0).segments).errors
            for each, hyps in zip(development, found, strict=True)
        )  # fmt: skip

    lowered = balanced_by(model, errors)
    found = heard(networks, development)
    right = [
        sum(
            turn_counts(said(each), hearing.told(hyps, tokens, form, step, pause).segments).exact
            for each, hyps in zip(development, found, strict=True)
        )
        for pause in PAUSES
    ]
    return Manner(form, PAUSES[right.index(max(right))], lowered)


def judge(
    networks: Networks, tokens: Tokens, manner: Manner, talks: Sequence[Talk]
) -> list[Judged]:
    """Every conversation."""
    step = networks.stack * mel.HOP / mel.RATE
    found = []
    emitted = heard(networks, [session for _, _, session in talks])
    for (pair, name, session), branches in zip(talks, emitted, strict=True):
        truth = said(session)
        told = hearing.told(branches, tokens, manner.form, step, manner.pause)
        marked = [each for each in told.turns if each.turn.words]
        found.append(
            Judged(
                pair,
                name,
                orc_errors(truth, told.segments),
                turn_counts(truth, told.segments),
                latency(truth, marked, SLACK_S) if manner.form is Form.TURNS else Latency(),
                not any(each.turn.label != "branch 0" for each in marked),
            )
        )
    return found


def keep(judged: Iterable[Judged], path: Path) -> None:
    """As lines of JSON."""
    lines = "".join(json.dumps(asdict(each)) + "\n" for each in judged)
    write_whole(path, lines.encode())


def kept(path: Path) -> list[Judged]:
    """What was kept."""
    return [_judged(json.loads(line)) for line in path.read_text().splitlines()]


def _judged(row: dict[str, object]) -> Judged:
    told = dict(row["latency"])  # type: ignore[call-overload]
    marks = {
        name: Delays(**{**told[name], "bins": tuple(told[name]["bins"])})
        for name in ("start", "end")
    }
    return Judged(
        str(row["pair"]),
        str(row["set"]),
        WordErrors(**row["words"]),  # type: ignore[arg-type]
        TurnCounts(**row["turns"]),  # type: ignore[arg-type]
        Latency(**{**told, **marks}),
        bool(row["silent"]),
    )
