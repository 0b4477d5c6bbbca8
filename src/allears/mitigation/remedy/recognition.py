"""A recogniser's mitigation from beginning to end; what was done already is not done again."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from allears.corpus.sound import Sound
from allears.fairness import counting
from allears.fairness.report import page, tables
from allears.fairness.wish import Wish as AuditWish
from allears.mitigation.choosing import Candidate, Choice, choose
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy import results, words
from allears.mitigation.remedy.division import DEVELOPMENT, TEST, TRAIN
from allears.mitigation.remedy.material import Material, packed
from allears.mitigation.remedy.outcome import Outcome, uncompared
from allears.mitigation.remedy.wish import MODEL, Show, Stopped, Wish, teaching
from allears.mitigation.remedy.words import ARMS, Arm, Recogniser, candidate
from allears.outputs import write_whole

_KNOWN = (
    "the model was told of each speaker whether they are in the cohort, before and after it was chosen; where "
    "nobody tells it, it hears as it learnt to without"
)


@dataclass(slots=True)
class _Course:
    """One mitigation on its way."""

    wish: Wish
    material: Material
    show: Show
    until: float

    def sound(self, name: str) -> Sound:
        return packed(self.wish, self.material.part(name), name, self.show)

    def go_on(self) -> None:
        """Raises Stopped where the clock says so."""
        if time.monotonic() > self.until:
            raise Stopped

    def texts(
        self, name: str, teacher: Recogniser, path: Path, arm: Arm | None, sound: Sound
    ) -> list[str]:
        """What a model hears, heard once."""
        self.go_on()
        kept = self.wish.work / f"heard-{name}.json"
        if not kept.exists():
            found = teacher.heard(path, arm, sound, self.show, f"listening: {name}")
            write_whole(kept, json.dumps(found).encode())
        texts: list[str] = json.loads(kept.read_text())
        return texts


def check(wish: Wish, material: Material) -> None:
    """Raises RecogniserError, TokenError or MitigationError for a model that these texts cannot be taught."""
    taught = material.part(TRAIN)
    words.writable(wish.model, [(each.name, each.text) for each in taught])
    if wish.method != "oversample" and not any(
        each.text.strip() for each in taught if each.speaker in material.inside
    ):
        raise MitigationError(
            f"text: no training recording of {material.cohort} has one to learn from; write some down, or try "
            "--method oversample, which writes down what it is sure of"
        )


def mended(wish: Wish, material: Material, show: Show, until: float) -> Outcome:
    """Teach, choose, audit before and after. Raises Stopped where the clock said so."""
    course = _Course(wish, material, show, until)
    train, aside = course.sound(TRAIN), course.sound(DEVELOPMENT)
    teacher = Recogniser(wish, train, aside, material.inside, str(material.cohort))
    choice, arm, path = _chosen(course, teacher, aside)
    tested = course.sound(TEST)
    before = _results(course, teacher, wish.model, None, tested, "before")
    after = _results(course, teacher, path, arm, tested, "after") if arm else before
    show("auditing before and after", None)
    asked = AuditWish(min_speakers=wish.min_speakers, replicates=wish.replicates, seed=wish.seed)
    audits = results.compared(before, after, tuple(material.labels), asked)
    for name, found in (("before", audits[0]), ("after", audits[1])):
        write_whole(wish.to / f"{name}.json", (tables.as_json(found) + "\n").encode())
        write_whole(wish.to / f"{name}.html", page.render(found).encode())
    write_whole(wish.to / MODEL, path.read_bytes())
    left = uncompared(material.labels, material.tested, audits[2])
    notes = (*material.notes, *left, *([_KNOWN] if arm and arm.told else []))
    return Outcome(
        wish.task, wish.method, str(material.cohort), "words wrong", arm is not None, choice,
        material.sentences, audits[2], notes,
    )  # fmt: skip


def _chosen(course: _Course, teacher: Recogniser, aside: Sound) -> tuple[str, Arm | None, Path]:
    """A sentence on what serves development speakers best; the arm, None for the old model; the model."""
    wish, name = course.wish, str(course.material.cohort)
    old = course.texts("development before", teacher, wish.model, None, aside)
    before = candidate(0.0, aside, old, course.material.inside, name)
    tried: list[tuple[Arm, Path, Candidate]] = []
    arms, began = ARMS[wish.method], time.monotonic()
    for done, arm in enumerate(arms):
        course.go_on()
        course.show(teaching(arm.label, done, len(arms), time.monotonic() - began), None)
        path = teacher.taught(arm, course.show, course.until)
        if path is None:
            raise Stopped
        texts = course.texts(f"development {arm.name}", teacher, path, arm, aside)
        held = arm.strength or -arm.factor
        tried.append((arm, path, candidate(held, aside, texts, course.material.inside, name)))
    choice = choose(before, [each for _, _, each in tried])
    for arm, path, each in tried:
        if each is choice.taken:
            return said(choice, arm.label, name), arm, path
    return said(choice, "", name), None, wish.model


def said(choice: Choice, label: str, cohort: str) -> str:
    """A choice as `mitigation.choosing` says it, by what was tried and not by a number."""
    told = choice.sentence.replace(f" ({cohort})", "")
    if choice.taken is None:
        told = told.removeprefix("none: ").replace("its worst region", "the cohort")
        return f"on development speakers: {told.replace('lowers the worst', 'lowers the cohort’s')}"
    told = told.partition(": ")[2].replace("the worst region", "the cohort")
    return f"{label}: on development speakers {told}"


def _results(
    course: _Course, teacher: Recogniser, path: Path, arm: Arm | None, sound: Sound, name: str
) -> Path:
    """What a model makes of test speakers, as a table."""
    table = course.wish.work / f"{name}.csv"
    texts = course.texts(f"test {name}", teacher, path, arm, sound)
    material = course.material
    results.write(
        table,
        sound.utterances,
        texts,
        material.labels,
        material.audit.normaliser or counting.DEFAULT,
    )
    return table
