"""A trained network hears a set once; what it heard is kept, and becomes trials with scores and groups."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from allears.corpus.sound import Sound
from allears.fairness.verification import Trials
from allears.outputs import write_whole
from allears.score import trials as scoring
from allears.speaker import checkpoint, judging
from allears.speaker.embedder import Embedder
from allears.speaker.export import bundle
from allears.speaker.judging import Clips
from allears.speaker.scoring import trial_scores

JOINED = " × "
GROUPINGS = (
    "gender", "age_group", f"gender{JOINED}age_group", "accent", "native_language", "nationality",
)  # fmt: skip
"""What speakers may be divided by, as far as it is known of them."""
DIGITS = 4
"""Of a cosine: scores are rounded, so that a draw of speakers is a histogram."""


def heard(path: Path, name: str, sound: Sound) -> Clips:
    """What the network of a checkpoint hears in a set; kept beside it, until there is a newer checkpoint."""
    kept = path.with_name(f"heard-{name}.npz")
    if kept.exists() and kept.stat().st_mtime >= path.stat().st_mtime:
        with np.load(kept, allow_pickle=False) as file:
            return Clips(
                file["embeddings"], tuple(file["speakers"].tolist()), tuple(file["utterances"].tolist())
            )  # fmt: skip
    clips = judging.heard(Embedder.of(bundle(checkpoint.load(path))), sound)
    data = io.BytesIO()
    np.savez(
        data,
        embeddings=clips.embeddings,
        speakers=np.array(clips.speakers),
        utterances=np.array(clips.utterances),
    )
    write_whole(kept, data.getvalue())
    return clips


def trials(clips: Clips, sound: Sound) -> Trials:
    """Each clip with each that comes after it; speakers are labelled by what is known of them.

    A grouping is there where it tells two groups apart that have two speakers each.
    """
    sides = judging.every_pair(clips)
    names, speakers = np.unique(np.array(clips.speakers), return_inverse=True)
    scores = trial_scores(clips.embeddings, sides.first, sides.second).astype(np.float64)
    about = {each.speaker: each.attributes for each in sound.utterances}
    known = {by: tuple(_label(about[str(each)], by) for each in names) for by in GROUPINGS}
    labels = {by: _large(each) for by, each in known.items()}
    return Trials(
        np.round(scores, DIGITS), sides.target, speakers[sides.first], speakers[sides.second],
        tuple(map(str, names)), {by: each for by, each in labels.items() if len({*each} - {None}) > 1},
    )  # fmt: skip


def error(path: Path, sets: Mapping[str, Sound]) -> float:
    """The mean equal error rate over sets, as a share: what decisions are taken by."""
    rates = []
    for name, sound in sets.items():
        made = trials(heard(path, name, sound), sound)
        rates.append(scoring.equal_error_rate(scoring.curve(made.scores, made.target)))
    return float(np.mean(rates))


def _label(attributes: Mapping[str, str], by: str) -> str | None:
    """One speaker's group; None where a part of it is not known."""
    parts = [attributes.get(each, "") for each in by.split(JOINED)]
    return JOINED.join(parts) if all(parts) else None


def _large(labels: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Without groups of a single speaker, who is never taken for another of theirs."""
    return tuple(each if labels.count(each) > 1 else None for each in labels)
