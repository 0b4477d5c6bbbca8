"""How well networks hear: word errors, greedily."""

from dataclasses import dataclass

from allears.asr.networks import Networks
from allears.asr.search import greedy
from allears.audio import mel
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.score.words import word_errors


@dataclass(frozen=True, slots=True)
class Errors:
    """Words replaced, left out and put in, among so many that were said. Counts add, rates derive."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        """Errors through words; 0 where nothing was said or put in."""
        return self.errors / max(1, self.words)

    def __str__(self) -> str:
        return f"WER {self.rate:.1%} ({self.errors} errors in {self.words} words)"


def texts(networks: Networks, sound: Sound) -> list[str]:
    """What is heard in every utterance."""
    mels = [mel.whole(sound.samples(each), networks.bands) for each in range(len(sound))]
    return greedy.texts(networks, mels)


def judge(networks: Networks, sound: Sound) -> Errors:
    """Every utterance, against its normalised text."""
    said = [normalise(each.text).split() for each in sound.utterances]
    heard = [each.split() for each in texts(networks, sound)]
    errors = sum(map(word_errors, said, heard))
    return Errors(errors, sum(map(len, said)))
