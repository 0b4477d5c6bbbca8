"""What conversations are made of: AN4's spelled letters, digits and commands, and read sentences beside them.

Training is on AN4's training speakers at three speeds and as much that was spliced of their words, noise and rooms
added; every fourth conversation is one person alone. Decisions are taken on training speakers set aside, tables
are made of the test speakers, both in pairs of speakers who talk with each other and nobody else: intervals draw
pairs anew.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from allears.asr.timing import Spoken, aligned, aligner
from allears.corpus.augment import Augmentation, Chain, Noise, Reverberation, Speed
from allears.corpus.mixtures.conversation import Conversation
from allears.corpus.mixtures.sessions import Mixtures
from allears.corpus.mixtures.turns import Part, Session, Turn, Word
from allears.corpus.noises import noises, responses
from allears.corpus.recordings import Utterance
from allears.corpus.sound import RATE, Sound
from allears.corpus.text import normalise
from allears.outputs import write_whole
from recipes.recognition.material import SPLICED

SPEEDS = 0.82, 0.9, 1.0, 1.1, 1.18
OVERLAPS = 0.0, 0.1, 0.2, 0.3, 0.4
_ALONE = 0.25
"""Of training conversations: one person, once."""
_TURNS, _LONGEST = (2, 6), 20.0


class Some:
    """Some utterances of packed sound, each at a speed, words normalised; each voice keeps to one speed."""

    def __init__(self, sound: Sound, places: Sequence[tuple[int, float]]) -> None:
        self._sound, self._places = sound, list(places)
        self.utterances = [self._said(index, speed) for index, speed in self._places]

    def _said(self, index: int, speed: float) -> Utterance:
        said = self._sound.utterances[index]
        voice = said.speaker if speed == 1 else f"{said.speaker} at {speed:g}"
        # The name of an utterance is that of its file: a speed makes another of it.
        path = said.path if speed == 1 else said.path.with_stem(f"{said.path.stem} at {speed:g}")
        return replace(said, speaker=voice, text=normalise(said.text), path=path)

    def __len__(self) -> int:
        return len(self._places)

    def samples(self, index: int) -> Float32[np.ndarray, " n"]:
        """One of them."""
        place, speed = self._places[index]
        samples = self._sound.samples(place)
        return samples if speed == 1 else Speed((speed,))(samples, np.random.default_rng(0))

    def words(self, times: Mapping[int, Sequence[Spoken]]) -> dict[str, list[Spoken]]:
        """When words are said, by an utterance's name, of such times by number in the packed sound."""
        return {
            said.name: [
                Spoken(text, start / speed, end / speed) for text, start, end in times[index]
            ]
            for said, (index, speed) in zip(self.utterances, self._places, strict=True)
        }


def word_times(sound: Sound, path: Path) -> dict[int, list[Spoken]]:
    """When the words of each utterance are said, where that can be told; looked for once and kept at `path`."""
    if not path.exists():
        decoder = aligner()
        found = [
            aligned(sound.samples(index), normalise(said.text).split(), decoder)
            for index, said in enumerate(sound.utterances)
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(found).encode())
    kept = json.loads(path.read_text())
    return {index: [Spoken(*each) for each in words] for index, words in enumerate(kept) if words}


def training(sound: Sound, folder: Path, noise: Path, seed: int) -> Callable[[int], Session]:
    """Conversations by number: of every overlap, as people talk, and one person alone."""
    times = word_times(sound, folder / "words-spliced.json")
    source = Some(sound, _drawn(sound, sorted(times)))
    words = source.words(times)
    room: Augmentation = Chain(((0.3, Reverberation(responses(noise))),))
    behind: Augmentation = Chain(((0.4, Noise(noises(noise), (8.0, 25.0))),))
    manner = Conversation(turns=_TURNS, longest=_LONGEST, room=room, noise=behind)
    usual = Mixtures(source, manner, seed, words)
    kinds = [usual.otherwise(replace(manner, overlap=overlap)) for overlap in (None, *OVERLAPS)]

    def draw(number: int) -> Session:
        random = np.random.default_rng((seed, 7, number))
        if random.random() < _ALONE:
            return alone(source, int(random.integers(len(source))), words, behind, random)
        return kinds[int(random.integers(len(kinds)))].session(number)

    return draw


def _drawn(sound: Sound, known: Sequence[int]) -> list[tuple[int, float]]:
    """Recordings at all speeds, and as many that were spliced."""
    made = [index for index in known if SPLICED.resolve() in sound.utterances[index].path.parents]
    recorded = sorted(set(known) - set(made))
    places = [(index, speed) for speed in SPEEDS for index in recorded]
    return places + [(index, 1.0) for index in made[: len(places)]]


def alone(
    source: Some,
    index: int,
    words: Mapping[str, Sequence[Spoken]],
    noise: Augmentation | None = None,
    random: np.random.Generator | None = None,
) -> Session:
    """One person, who says one thing."""
    said, samples = source.utterances[index], source.samples(index)
    turn = Turn(
        said.speaker,
        said.text,
        0,
        len(samples),
        said.name,
        tuple(Word(*each) for each in words.get(said.name, ())),
    )
    part = Part(0, samples)
    if noise is not None and random is not None:
        samples = noise(samples, random)
    return Session(f"alone-{index}", samples, (turn,), (part,))


def pairs(sound: Sound) -> list[tuple[str, Some]]:
    """Speakers two by two in the order of their names, each pair with what they say; an odd one is left out."""
    speakers = sorted({each.speaker for each in sound.utterances})
    found = []
    for first, second in zip(speakers[::2], speakers[1::2], strict=False):
        own = [
            (index, 1.0)
            for index, each in enumerate(sound.utterances)
            if each.speaker in (first, second) and normalise(each.text)
        ]
        found.append((f"{first} and {second}", Some(sound, own)))
    return found


def talks(
    sound: Sound, overlap: float, each: int, seed: int, longest: float = _LONGEST
) -> Iterator[tuple[str, Session]]:
    """Conversations of each pair with so much of them at once, and the pair's name."""
    manner = Conversation(
        speakers=(2, 2), turns=_TURNS, longest=longest, overlap=overlap, levels_db=(-4.0, 0.0)
    )
    for number, (name, source) in enumerate(pairs(sound)):
        made = Mixtures(source, manner, seed)
        for index in range(each):
            session = made.session(1000 * number + index)
            yield name, replace(session, name=f"{session.name}-{overlap:g}")


def seconds(sessions: Sequence[Session]) -> float:
    """All together."""
    return sum(len(each.samples) for each in sessions) / RATE
