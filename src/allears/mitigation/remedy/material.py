"""Everything a mitigation needs to know before it begins: the cohort, its speakers, who is in which part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allears.corpus import manifest, recordings, sound
from allears.corpus.recordings import Utterance
from allears.corpus.sound import Sound
from allears.corpus.text import lost, normalise
from allears.mitigation.refusal import MitigationError
from allears.mitigation.remedy import audited, division, people
from allears.mitigation.remedy.audited import Audited, Cohort
from allears.mitigation.remedy.division import DEVELOPMENT, TEST, TRAIN, Division
from allears.mitigation.remedy.results import column
from allears.mitigation.remedy.wish import Show, Wish

MOST = 8
"""Utterances of a speaker by whose voice trials are made: of each with each there are many."""


@dataclass(frozen=True, slots=True)
class Material:
    """`inside` are the speakers of the cohort, `labels` say by grouping the group of each speaker, "" of none."""

    audit: Audited
    cohort: Cohort
    utterances: tuple[Utterance, ...]
    inside: frozenset[str]
    division: Division
    labels: dict[str, dict[str, str]]
    sentences: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def tested(self) -> set[str]:
        """Speakers that are tested."""
        return {each.speaker for each in self.part(TEST)}

    def part(self, name: str) -> list[Utterance]:
        """The utterances of one part."""
        return self.division.part(self.utterances, name)


def gathered(asked: Wish) -> Material:
    """All of it, with nothing written. Raises an AllearsError for what nothing can be mended with."""
    audit = audited.read(asked.audit, asked.task)
    chosen = audited.chosen(audit, asked.cohort)
    spoken = [each for path in asked.data for each in manifest.read(path)]
    known = people.people(spoken, asked.data, asked.census)
    inside = people.cohort_of(known, chosen.cohort)
    parts = division.divided(spoken, inside, asked.seed)
    notes: list[str] = []
    kept = _useful(asked, spoken, parts, notes.append)
    recordings.check(kept)
    names = {each.speaker for each in kept}
    tested = [each for each in parts.test if each in names]
    labels = people.labelled(known, audit.groups, notes.append)
    labels = {column(by): each for by, each in labels.items() if any(each[name] for name in tested)}
    made = Material(
        audit, chosen.cohort, tuple(kept), inside, parts, labels,
        (f"cohort: {chosen.sentence}; {len(inside)} of {len(known.speakers)} speakers", parts.sentence),
        tuple(notes),
    )  # fmt: skip
    for name in (TRAIN, DEVELOPMENT, TEST):
        _spoken(made, name)
    return made


def packed(asked: Wish, utterances: Sequence[Utterance], name: str, show: Show) -> Sound:
    """The sound of some utterances, packed once."""
    folder = asked.work / "packs" / name
    sound.build(utterances, folder, lambda share: show(f"packing {name} recordings", share))
    return sound.load(folder)


def _useful(
    asked: Wish, spoken: Sequence[Utterance], parts: Division, told: Callable[[str], None]
) -> list[Utterance]:
    """Of recognition what has a text (of training all: the model may write it); of voices some of each speaker."""
    if asked.task == "verify":
        return _some(spoken, parts)
    wrong = [each for each in spoken if lost(each.text)]
    if wrong and not asked.leave_out:
        more = f", nor can those of {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise MitigationError(
            f"{wrong[0].name}: the text cannot be learnt or judged by: {lost(wrong[0].text)[:20]!r} is none of a "
            f"to z and '{more}; spell it out, or --leave-out such"
        )
    bad = {id(each) for each in wrong}
    silent = [
        each for each in spoken if not normalise(each.text) and each.speaker not in parts.train
    ]
    if silent:
        told(f"not judged by: {len(silent)} recordings without a text")
    if wrong:
        told(f"left out: {len(wrong)} recordings whose text cannot be written")
    bad |= {id(each) for each in silent}
    return [each for each in spoken if id(each) not in bad]


def _some(spoken: Sequence[Utterance], parts: Division) -> list[Utterance]:
    counts: dict[str, int] = {}
    kept = []
    for each in spoken:
        counts[each.speaker] = counts.get(each.speaker, 0) + 1
        if each.speaker in parts.train or counts[each.speaker] <= MOST:
            kept.append(each)
    return kept


def _spoken(made: Material, name: str) -> None:
    """Raises MitigationError where nothing of a part is left, of the cohort or of the others."""
    there = {each.speaker for each in made.part(name)}
    for inside, whom in ((True, f"of {made.cohort}"), (False, "of anybody else")):
        if not any((each in made.inside) == inside for each in there):
            raise MitigationError(
                f"text: no recording {whom} {division.DOING[name]} has one; write down what is said in some"
            )
