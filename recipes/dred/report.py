"""The page of the recipe: scores by condition and trace, claims, and what the article and libopus have."""

import datetime
import math
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from allears import __version__
from allears.audio import libopus
from allears.score import bootstrap
from allears.score.bootstrap import Estimate
from allears.score.quality import SCORES as TITLES
from recipes.dred.board import Board
from recipes.dred.claims import DIGITS, Verdict, verdicts
from recipes.dred.conditions import Case
from recipes.dred.material import Clip, Trace
from recipes.dred.measure import NOTHING, SCORES

ARTICLE = (
    (
        "DRED halves the damage that a neural PLC leaves (listeners' MOS, PLC challenge set)",
        'the claims "leaves half of neural concealment\'s damage"',
    ),
    (
        "LBRR with DRED is 0.1 MOS below the uncompressed recording",
        'rows "the recording" and "Opus 32k with LBRR and DRED"',
    ),
    (
        "about 500 b/s a copy, 32 kb/s for 50 copies of 20 ms, beside 24 kb/s of Opus (40 with LBRR)",
        'the claims "1.04 s of deep redundancy in 21 kb/s": libopus has come down since, and we with it',
    ),
)
"""What the article says, and where it is looked at here."""

LIBOPUS = {
    "opus": ((3.21, 1.73, 0.806), (2.31, 1.22, 0.664), (2.83, 1.72, 0.860)),
    "neural": ((3.07, 1.82, 0.827), (2.39, 1.28, 0.705), (2.93, 1.91, 0.885)),
    "lbrr": ((3.32, 1.83, 0.831), (2.37, 1.27, 0.709), (3.45, 2.54, 0.927)),
    "lbrr-neural": ((3.21, 1.96, 0.850), (2.52, 1.35, 0.748), (3.60, 2.70, 0.938)),
    "dred": ((3.59, 2.74, 0.944), (3.25, 2.00, 0.909), (3.43, 2.79, 0.939)),
    "more": ((3.57, 2.79, 0.947), (3.14, 2.09, 0.910), (3.59, 3.26, 0.959)),
}
"""PLCMOS, PESQ-WB and STOI of libopus 1.6.1 and its own programs on `LIBOPUS_TRACES`: six clips, 93 s. Its
LBRR with its own concealment is at 40 kb/s, not 45."""

LIBOPUS_TRACES = ("ge20", "ge40", "lossgen20")


@dataclass(frozen=True, slots=True)
class Setting:
    """What was run: the material, and the words that say where it came from and what was left out."""

    command: str
    clips: tuple[Clip, ...]
    traces: tuple[Trace, ...]
    cases: tuple[Case, ...]
    weights: tuple[str, ...]
    generated: bool
    seed: int
    notes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Of the traces."""
        return [trace.name for trace in self.traces]


def page(board: Board, setting: Setting) -> str:
    """The page, in Markdown."""
    parts = [
        "# Deep redundancy: the article's table on our material",
        _about(setting),
        "\n".join(f"- {note}" for note in _notes(board, setting)),
        *_scores(board, setting),
        "## Claims",
        _claims_note(),
        table(("claim", "trace", "figures", "difference", "wanted", ""), _claims(board, setting)),
        "## Beside the article",
        table(("the article", "here"), ARTICLE),
        *_beside_libopus(board, setting),
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """One table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def shown(found: Estimate, digits: int, scale: float = 1.0) -> str:
    """`3.21 (3.05 – 3.37)`; a dash for what there is not."""
    if math.isnan(found.value):
        return "–"
    value = f"{scale * found.value:.{digits}f}"
    if not found.bounded:
        return value
    return f"{value} ({scale * found.low:.{digits}f} – {scale * found.high:.{digits}f})"


def _about(setting: Setting) -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    speakers = {clip.speaker for clip in setting.clips}
    seconds = sum(len(clip.samples) for clip in setting.clips) / 16_000
    return (
        f"Written by `{setting.command}` on {today}, allears {__version__}, "
        f"{libopus.features().version}, {_machine()}. {len(setting.clips)} clips of "
        f"{len(speakers)} speakers, {seconds:.0f} s; each begins at its own place in a trace (seed "
        f"{setting.seed}). 95 % intervals in brackets: {bootstrap.DRAWS} draws of speakers (seed "
        f"{bootstrap.SEED}). Opus mono, 16 kHz, VOIP, packets of 20 ms."
    )


def _notes(board: Board, setting: Setting) -> Iterator[str]:
    made = (
        "generated, of the recorded ones' rate and mean burst" if setting.generated else "recorded"
    )
    rates = ", ".join(f"{trace.name} {trace.rate:.1%}" for trace in setting.traces)
    yield f"Traces ({made}), packets lost: {rates}."
    yield "Clips: " + ", ".join(f"{clip.name} ({clip.speaker})" for clip in setting.clips) + "."
    yield from setting.notes
    yield from (f"Not every score is there: {reason}." for reason in board.missing)


def _scores(board: Board, setting: Setting) -> Iterator[str]:
    for score in SCORES:
        yield f"## {TITLES[score]}"
        yield _grid(board, setting, partial(_score, board, score))
    yield "## Words wrong, %"
    yield _grid(board, setting, lambda case, trace: shown(board.word_errors(case, trace), 1, 100))


def _score(board: Board, score: str, case: str, trace: str) -> str:
    return shown(board.mean(case, trace, score), DIGITS[score])


def _grid(board: Board, setting: Setting, cell: Callable[[str, str], str]) -> str:
    rows = []
    for case in setting.cases:
        traces = [NOTHING] if case.condition.lossless else setting.names
        rows.append([
            case.title,
            shown(Estimate(board.kbps(case.key).value, math.nan, math.nan), 1),
            *(cell(case.key, trace) if trace in traces else "" for trace in _columns(setting)),
        ])  # fmt: skip
    return table(("condition", "kb/s", *_columns(setting)), rows)


def _columns(setting: Setting) -> list[str]:
    return [NOTHING, *setting.names]


def _claims_note() -> str:
    return (
        "A difference is between scores of the same clips. *By the mean* says that the interval does "
        "not say the same; *level*, that zero is within it. Figures stand in the order in which the "
        "claim names them; where a share is claimed, the difference is what is beyond that share."
    )


def _claims(board: Board, setting: Setting) -> list[list[str]]:
    return [_row(each) for each in verdicts(board, setting.weights, setting.names)]


def _row(verdict: Verdict) -> list[str]:
    claim = verdict.claim
    digits = 1
    for score, title in TITLES.items():
        if score in claim.replace(",", " ").split():
            claim, digits = claim.replace(score, title), DIGITS[score]
    difference, wanted = shown(verdict.found, digits), f"{verdict.sign} {verdict.wanted:g}"
    return [claim, verdict.trace, verdict.figures, difference, wanted, str(verdict)]


def _beside_libopus(board: Board, setting: Setting) -> Iterator[str]:
    """Opus' weights in our receiver, beside libopus itself: other clips, so look at differences."""
    traces = [name for name in LIBOPUS_TRACES if name in setting.names]
    if not traces:
        return
    yield "## Beside libopus 1.6.1 itself"
    yield (
        "PLCMOS / PESQ-WB / STOI, ours here and *libopus' own programs* elsewhere: on six other clips "
        "(93 s), so that differences between rows compare and levels do not. Its LBRR with its own "
        "concealment is at 40 kb/s. Its deep PLC continues with FARGAN, as Opus' weights do here."
    )
    yield table(("condition", *traces), [
        [case.title, *(_pair(board, case, trace) for trace in traces)]
        for case in setting.cases
        if case.condition.key in LIBOPUS
    ])  # fmt: skip


def _pair(board: Board, case: Case, trace: str) -> str:
    theirs = LIBOPUS[case.condition.key][LIBOPUS_TRACES.index(trace)]
    ours = [board.mean(case.key, trace, score).value for score in SCORES]
    return f"{_triple(ours)}; *{_triple(theirs)}*"


def _triple(values: Sequence[float]) -> str:
    return " / ".join(
        "–" if math.isnan(value) else f"{value:.{DIGITS[score]}f}"
        for score, value in zip(SCORES, values, strict=True)
    )


def _machine() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"
