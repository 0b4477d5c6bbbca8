"""A network of voices' mitigation from beginning to end; what was done already is not done again."""

import io
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from allears.corpus.sound import Sound
from allears.fairness.report import trial_rows, verification
from allears.fairness.statistics import bootstrap
from allears.fairness.trial_audit import TrialWish, audit_listed
from allears.fairness.trial_findings import TrialAudit
from allears.fairness.trial_tables import Listed
from allears.fairness.verification import Trials, weights
from allears.mitigation.adversary import Contest
from allears.mitigation.choosing import Candidate, Count, choose
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy.division import DEVELOPMENT, TEST, TRAIN
from allears.mitigation.remedy.material import Material, packed
from allears.mitigation.remedy.outcome import EVERYBODY, Change, Outcome, uncompared
from allears.mitigation.remedy.recognition import said
from allears.mitigation.remedy.wish import MODEL, Show, Stopped, Wish, teaching
from allears.mitigation.voice_training import teach_voices
from allears.outputs import write_whole
from allears.score import trials as scoring
from allears.score.bootstrap import Estimate
from allears.speaker import checkpoint, judging
from allears.speaker.embedder import Embedder
from allears.speaker.export import bundle
from allears.speaker.finish import finish
from allears.speaker.judging import Clips
from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import trial_scores
from allears.speaker.task import Lesson
from allears.speaker.training import Course, harder
from allears.train.schedule import Plan

VOICES = "voices.safetensors"
"""What `allears verify --model` takes."""
RATE = 5e-4
RIVALS = {"slow": 1e-3, "fast": 1e-2}
"""How quickly the adversary learns."""
_SPEAKERS = 32
_PARTS = 10**6
_DIGITS = 4
_FEW = 20


def check(wish: Wish, material: Material) -> None:
    """Raises SpeakerError for what is no checkpoint, MitigationError where trials cannot be made."""
    checkpoint.load(wish.model)
    for name in (DEVELOPMENT, TEST):
        spoken = [each.speaker for each in material.part(name)]
        if all(spoken.count(each) < 2 for each in set(spoken) & material.inside):
            raise MitigationError(
                f"speaker: nobody of {material.cohort} among those of the part {name} has two recordings, by "
                "which one could be known again; give more of each"
            )


def mended(wish: Wish, material: Material, show: Show, until: float) -> Outcome:
    """Teach against a rival, choose, audit before and after. Raises Stopped where the clock said so."""
    sounds = {
        name: packed(wish, material.part(name), name, show) for name in (TRAIN, DEVELOPMENT, TEST)
    }
    course = _Course(wish, material, sounds, show, until)
    choice, rival, path = _chosen(course)
    before = course.trials("before", wish.model, TEST)
    after = course.trials("after", path, TEST) if rival else before
    show("auditing before and after", None)
    audits = [_audited(wish, each, name) for name, each in (("before", before), ("after", after))]
    for name, found in zip(("before", "after"), audits, strict=True):
        write_whole(wish.to / f"{name}.json", (trial_rows.as_json(found) + "\n").encode())
        write_whole(wish.to / f"{name}.html", verification.render(found).encode())
    changes = _changes(wish, audits[0], before, after)
    left = uncompared(material.labels, material.tested, changes)
    notes = [*material.notes, *left, *_finished(course, path)]
    if few := [str(each) for each in changes if each.speakers < _FEW]:
        notes.append(
            f"intervals of {', '.join(few)} are of fewer than {_FEW} speakers, and may be too narrow"
        )
    write_whole(wish.to / MODEL, path.read_bytes())
    return Outcome(
        wish.task, wish.method, str(material.cohort), "equal error rate", rival is not None, choice,
        material.sentences, changes, tuple(notes),
    )  # fmt: skip


@dataclass(slots=True)
class _Course:
    """One mitigation on its way."""

    wish: Wish
    material: Material
    sounds: dict[str, Sound]
    show: Show
    until: float

    def taught(self, name: str, rate: float) -> Path:
        """The checkpoint of the base taught further against such a rival."""
        wish, sound = self.wish, self.sounds[TRAIN]
        plan = Plan(
            wish.steps, wish.rate or RATE, warmup=max(1, wish.steps // 8), decay=0.05, average=0.95, seed=wish.seed
        )  # fmt: skip
        model = checkpoint.load(wish.model)
        speakers = len({each.speaker for each in sound.utterances})
        lesson = Lesson(speakers=min(_SPEAKERS, speakers), margin=0.0, speeds=(1.0,))
        regions = min(16, max(2, speakers // 4))
        contest = Contest(warmup=wish.steps // 5, rate=rate, regions=regions, seed=wish.seed)
        course = Course(name, model.config, plan, lesson)
        found = teach_voices(
            course, sound, wish.work, contest, model=model, distort=harder(None), until=self.until,
            device=wish.device,
        )  # fmt: skip
        if found is None:
            raise Stopped
        return found

    def trials(self, name: str, path: Path, part: str) -> Trials:
        """Each clip of a part with each that comes after it, heard once."""
        if time.monotonic() > self.until:
            raise Stopped
        clips = self._heard(name, path, part)
        sides = judging.every_pair(clips)
        names, number = np.unique(np.array(clips.speakers), return_inverse=True)
        scores = trial_scores(clips.embeddings, sides.first, sides.second).astype(np.float64)
        labels = {
            by: tuple(groups[str(each)] or None for each in names)
            for by, groups in self.material.labels.items()
        }
        return Trials(
            np.round(scores, _DIGITS), sides.target, number[sides.first], number[sides.second],
            tuple(map(str, names)), labels,
        )  # fmt: skip

    def _heard(self, name: str, path: Path, part: str) -> Clips:
        kept = self.wish.work / f"heard-{part}-{name}.npz"
        if not kept.exists():
            self.show(f"listening: {part} {name}", None)
            clips = judging.heard(Embedder.of(bundle(checkpoint.load(path))), self.sounds[part])
            data = io.BytesIO()
            np.savez(data, embeddings=clips.embeddings, utterances=np.array(clips.utterances))
            write_whole(kept, data.getvalue())
        with np.load(kept, allow_pickle=False) as file:
            embeddings, numbers = file["embeddings"], tuple(file["utterances"].tolist())
        spoken = self.sounds[part].utterances
        return Clips(embeddings, tuple(spoken[each].speaker for each in numbers), numbers)


def _chosen(course: _Course) -> tuple[str, str | None, Path]:
    """A sentence on what serves development speakers best, the rival, None for the old model, and the model."""
    name, inside = str(course.material.cohort), course.material.inside
    old = course.trials("before", course.wish.model, DEVELOPMENT)
    before = _candidate(0.0, old, inside, name)
    tried: list[tuple[str, Path, Candidate]] = []
    began = time.monotonic()
    for done, (rival, rate) in enumerate(RIVALS.items()):
        how = f"against a {rival} rival"
        course.show(teaching(how, done, len(RIVALS), time.monotonic() - began), None)
        path = course.taught(f"arw-{rival}", rate)
        made = course.trials(f"arw-{rival}", path, DEVELOPMENT)
        tried.append((rival, path, _candidate(1 / rate, made, inside, name)))
    choice = choose(before, [each for _, _, each in tried])
    for rival, path, each in tried:
        if each is choice.taken:
            return said(choice, f"against a {rival} rival", name), rival, path
    return said(choice, "", name), None, course.wish.model


def _candidate(strength: float, trials: Trials, inside: Collection[str], name: str) -> Candidate:
    """Equal error rates of everybody, and of trials in which somebody of the cohort is, in millionths."""
    own = np.array([each in inside for each in trials.speakers])
    mine = own[trials.enrolled] | own[trials.spoke]
    everybody = np.ones(len(mine), bool)
    return Candidate(strength, _count(trials, everybody), {name: _count(trials, mine)})


def _count(trials: Trials, among: Bool[np.ndarray, " trials"]) -> Count:
    target = trials.target[among]
    if not target.any() or target.all():
        raise MitigationError(
            "speaker: the cohort's development speakers have not both kinds of trials; give more recordings"
        )
    rate = scoring.equal_error_rate(scoring.curve(trials.scores[among], target))
    return Count(round(_PARTS * rate), _PARTS)


def _audited(wish: Wish, trials: Trials, name: str) -> TrialAudit:
    asked = TrialWish(
        by=tuple(trials.labels), min_speakers=wish.min_speakers, draws=wish.replicates, seed=wish.seed
    )  # fmt: skip
    return audit_listed(Listed(trials), asked, f"test speakers, {name}")


def _changes(wish: Wish, audit: TrialAudit, before: Trials, after: Trials) -> tuple[Change, ...]:
    """Of everybody and of each group that is shown, the same speakers drawn for both."""
    everybody = np.ones(len(before.scores), bool)
    found = [_change(wish, "", EVERYBODY, audit.speakers, before, after, everybody)]
    for by in audit.groupings:
        labels = np.array([each or "" for each in before.labels[by.by]])
        for group in by.groups:
            own = labels == group.part.name
            among = own[before.enrolled] & own[before.spoke]
            if 0 < before.target[among].sum() < among.sum():
                found.append(
                    _change(wish, by.by, group.part.name, group.part.speakers, before, after, among)
                )
    return tuple(found)


def _change(
    wish: Wish, by: str, name: str, speakers: int, before: Trials, after: Trials,
    among: Bool[np.ndarray, " trials"],
) -> Change:  # fmt: skip
    rates = np.stack([_rates(wish, each, among) for each in (before, after)])
    both = (*rates, rates[1] - rates[0])
    return Change(by, name, speakers, *(_estimate(each) for each in both))


def _rates(
    wish: Wish, trials: Trials, among: Bool[np.ndarray, " trials"]
) -> Float64[np.ndarray, " draws"]:
    """Equal error rates: as it is, then of speakers drawn anew; NaN where they have not both kinds of trials."""
    order = np.flatnonzero(among)[np.argsort(trials.scores[among], kind="stable")]
    scores, target = trials.scores[order], trials.target[order]
    found = [scoring.equal_error_rate(scoring.sorted_curve(scores, target))]
    for draw in range(wish.replicates):
        drawn = bootstrap.drawn(len(trials.speakers), wish.seed, draw)
        some = weights(trials, drawn)[order]
        both = some[target].any() and some[~target].any()
        found.append(
            scoring.equal_error_rate(scoring.sorted_curve(scores, target, some)) if both else np.nan
        )
    return np.array(found)


def _estimate(rates: Float64[np.ndarray, " draws"]) -> Estimate:
    return bootstrap.percentiles(float(rates[0]), rates[1:])


def _finished(course: _Course, path: Path) -> Sequence[str]:
    """Write what `allears verify` takes; a note where that cannot be made."""
    try:
        made = finish(
            checkpoint.load(path), course.sounds[TRAIN], {DEVELOPMENT: course.sounds[DEVELOPMENT]}
        )
    except SpeakerError as error:
        return [f"{VOICES}: not written ({error})"]
    write_whole(course.wish.to / VOICES, made.data)
    return []
