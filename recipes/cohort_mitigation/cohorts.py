"""Cohorts of speakers: by the census of where they live, or by how they sound.

They are found by the errors of speakers whom the base has not heard and who are not tested; then everybody belongs
to one, the base's speakers and those who are tested, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allears.corpus.sound import Sound
from allears.fairness.cohorts.partition import CensusPartition
from allears.fairness.cohorts.voices import VoiceClusters
from allears.fairness.sums import Sums
from allears.speaker.embedder import Embedder
from recipes.ewc.population import sums
from recipes.ewc.world import World

LEAST, WORDS = 4, 100
"""Speakers and words of a cohort: there are few of either."""
BOTTOM = 0.3
"""The largest part of the speakers that the bottom cohort of voices may have."""
HEARD = 6
"""Utterances that a voice is known by."""


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Names, worst first, each speaker's, and how many from the first on are the bottom cohort."""

    names: tuple[str, ...]
    of: Mapping[str, str]
    bottom: int

    def worst(self, speakers: Sequence[str]) -> tuple[str, ...]:
        """Those of these speakers who are in the bottom cohort."""
        bad = self.names[: self.bottom]
        return tuple(each for each in speakers if self.of[each] in bad)


def by_census(world: World) -> Cohorts:
    """The two groups of zip codes between which the base's gap is widest."""
    found = CensusPartition(world.census, min_speakers=LEAST, min_words=WORDS)
    found.fit(sums(world.unheard(), world.home))
    speakers = sorted(world.home.zips)
    numbers = found.predict([world.home.zips[each] for each in speakers]).tolist()
    return Cohorts(found.names_, _named(speakers, numbers, found.names_), 1)


def by_voice(world: World, network: Path) -> Cohorts:
    """Clusters of the embeddings of a network of voices."""
    speakers = sorted(world.home.zips)
    voices = embedded(world.sound, speakers, network)
    return clustered(sums(world.unheard(), world.home, voices), voices, world.seed)


def clustered(unheard: Sums, voices: Mapping[str, np.ndarray], seed: int) -> Cohorts:
    """Found among the speakers of these sums; `voices` are unit vectors of everybody."""
    found = VoiceClusters(min_speakers=LEAST, bottom=BOTTOM, seed=seed).fit(unheard)
    numbers = found.predict(np.stack(list(voices.values()))).tolist()
    return Cohorts(found.names_, _named(list(voices), numbers, found.names_), found.bottom_)


def embedded(sound: Sound, speakers: Sequence[str], network: Path) -> dict[str, np.ndarray]:
    """The voice in the first utterances of each speaker, end to end, of length 1."""
    embedder, found = Embedder(network), {}
    for speaker in speakers:
        theirs = [at for at, each in enumerate(sound.utterances) if each.speaker == speaker]
        whole = np.concatenate([sound.samples(at) for at in theirs[:HEARD]])
        found[speaker] = embedder.embed(whole).astype(np.float64)
    return found


def _named(speakers: Sequence[str], numbers: Sequence[int], names: Sequence[str]) -> dict[str, str]:
    """Cohorts by speaker; "" where a speaker belongs to none."""
    return {
        speaker: names[number] if number >= 0 else ""
        for speaker, number in zip(speakers, numbers, strict=True)
    }
