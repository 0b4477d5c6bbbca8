"""How good the recogniser that ships is, and on whom: beside pocketsphinx, live by the same protocol, and whole.

    python -m recipes.recognition.evaluate --data DATA

What a recogniser heard is kept in runs/recognition, so a run that was stopped goes on.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from rich.progress import track

from allears.asr.opening import SHIPPED_FILE, open_recogniser
from allears.asr.recogniser import Recogniser
from allears.audio.files import to_int16
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.outputs import write_whole
from allears.score.bootstrap import Estimate
from recipes.recognition import judge, material
from recipes.recognition.judge import Heard

HERE = Path(__file__).parent
RUNS = Path("runs/recognition")
WHOLE = "whole"
"""pocketsphinx with its own settings, which looks at recordings to their end before it says a word."""
RECOGNISERS = ("allears", "pocketsphinx", WHOLE)
SETS = {
    "an4": "AN4, official test: letters, digits, commands",
    "alphanumeric": "alphanumeric: spelled names, phone numbers",
    "speechocean762": "speechocean762, official test: read sentences, Mandarin speakers, half children",
    "librispeech": "LibriSpeech test-other clips: read books",
}
_PIECE = 2560
Hear = Callable[[Float32[np.ndarray, " samples"]], str]
_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What was heard of one utterance, and the processor's seconds it took."""

    heard: Heard
    seconds: float
    cost: float


def main() -> None:
    """Hear all sets with both and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="where the corpora's folders are")
    parser.add_argument("--each", type=int, default=6, help="speechocean762 utterances per speaker")
    parser.add_argument("--only", choices=RECOGNISERS, help="hear with this one, write no table")
    wish = parser.parse_args()
    sets = material.tests(wish.data, RUNS / "packs")
    chosen = {
        name: _chosen(sets[name], wish.each if name == "speechocean762" else 0) for name in SETS
    }
    found = {
        (recogniser, name): list(_heard(recogniser, name, sets[name], chosen[name]))
        for recogniser in ([wish.only] if wish.only else RECOGNISERS)
        for name in SETS
    }
    if not wish.only:
        write_whole(HERE / "table.md", _page(found, wish.each).encode())


def _chosen(sound: Sound, each: int) -> list[int]:
    """All utterances, or the first `each` of every speaker."""
    by_speaker: dict[str, list[int]] = {}
    for number, utterance in enumerate(sound.utterances):
        by_speaker.setdefault(utterance.speaker, []).append(number)
    return sorted(one for theirs in by_speaker.values() for one in theirs[: each or None])


def _heard(name: str, part: str, sound: Sound, chosen: Sequence[int]) -> Iterator[Kept]:
    stamp = SHIPPED_FILE.stat().st_mtime_ns if name == "allears" else 0
    path = RUNS / f"heard-{name}-{stamp}-{part}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    known = {row["number"]: row for row in map(json.loads, lines)}
    hear = _whole() if name == WHOLE else _live(open_recogniser(name))
    with path.open("a") as file:
        for number in track(chosen, f"{name}, {part}"):
            if number not in known:
                row = _once(hear, sound, number)
                known[number] = row
                file.write(json.dumps(row) + "\n")
                file.flush()
            row = known[number]
            yield Kept(Heard(**row["heard"]), row["seconds"], row["cost"])


def _live(recogniser: Recogniser) -> Hear:
    def hear(samples: Float32[np.ndarray, " samples"]) -> str:
        stream = recogniser.stream()
        results = [
            result
            for at in range(0, len(samples), _PIECE)
            for result in stream.accept(samples[at : at + _PIECE])
        ]
        results += stream.finish()
        return " ".join(result.text for result in results if result.final)

    return hear


def _whole() -> Hear:
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=_RATE, loglevel="FATAL")

    def hear(samples: Float32[np.ndarray, " samples"]) -> str:
        decoder.start_utt()
        decoder.process_raw(to_int16(samples).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return str(best.hypstr) if best else ""

    return hear


def _once(hear: Hear, sound: Sound, number: int) -> dict[str, object]:
    samples, utterance = sound.samples(number), sound.utterances[number]
    begin = time.process_time()
    words = hear(samples)
    cost = time.process_time() - begin
    heard = Heard(utterance.speaker, normalise(utterance.text), normalise(words))
    return {
        "number": number, "heard": asdict(heard), "seconds": len(samples) / _RATE, "cost": cost,
    }  # fmt: skip


def _page(found: dict[tuple[str, str], list[Kept]], each: int) -> str:
    today = datetime.now(tz=UTC).date()
    lines = [
        "# How good the recogniser that ships is",
        "",
        f"Written by `python -m recipes.recognition.evaluate` on {today}, {os.cpu_count()} cores "
        "shared with other work: processor seconds of one thread. Word error rate in per cent, 95 % intervals "
        'over speakers; live, in pieces of 160 ms, greedy. "Whole" is pocketsphinx with its own settings, '
        "given each recording at once; live its search is kept narrower. "
        f"Of speechocean762 {each or 'all'} a speaker. "
        "No speaker of these sets was trained on; nothing was decided by them.",
        "",
        "| material | speakers | words | allears | pocketsphinx, live | whole | s/s: allears | live | whole |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, title in SETS.items():
        each_one = [found[recogniser, name] for recogniser in RECOGNISERS]
        ours = each_one[0]
        cells = [
            title, len({one.heard.speaker for one in ours}), sum(one.heard.words for one in ours),
            *(_percent(_rate(kept)) for kept in each_one),
            *(f"{_cost(kept):.2g}" for kept in each_one),
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "",
        "By how many points of word error rate ours differs from pocketsphinx on the same utterances, live and "
        "whole (95 % intervals over speakers; less than nothing is better):",
        "",
    ]
    lines += [f"- {title}: {_apart(found, name)}" for name, title in SETS.items()]
    return "\n".join([*lines, ""])


def _apart(found: dict[tuple[str, str], list[Kept]], name: str) -> str:
    ours, *others = ([one.heard for one in found[each, name]] for each in RECOGNISERS)
    points = [judge.difference(ours, other) for other in others]
    return "; ".join(f"{each.value:+.1f} ({each.low:+.1f} to {each.high:+.1f})" for each in points)


def _rate(kept: Sequence[Kept]) -> Estimate:
    return judge.word_error_rate([one.heard for one in kept])


def _cost(kept: Sequence[Kept]) -> float:
    return float(np.sum([one.cost for one in kept]) / np.sum([one.seconds for one in kept]))


def _percent(rate: Estimate) -> str:
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}–{100 * rate.high:.1f})"


if __name__ == "__main__":
    main()
