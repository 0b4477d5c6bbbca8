"""Who is learnt from, adapted to, decided by and tested, and where everybody lives: AN4's 84 speakers.

Nobody knows where they live, so homes are dealt out: women in western towns, men in the others, as many people as
live there as likely. The base hears few women. So there is a real gap between groups of real voices, and it is on
the map; only the map is made up.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from allears.corpus import recordings, sound
from allears.corpus.sound import Sound
from allears.corpus.text import normalise
from allears.fairness.cohorts.census import Census
from allears.fairness.sums import Sums
from recipes.recognition.judge import Heard

CORPUS, FEW = "an4", "female"
"""The corpus, and those of whom the base hears few."""
ROTATIONS = 3
"""Parts of the training speakers of which each is tested in turn."""
TOWNS, WEST = 6, 2
"""Towns, and how many of them, from the west on, are those of the few."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a group are adapted to and decided by; the base hears the others, at most `base`."""

    adaptation: int
    development: int
    base: int = 10**6


SHARES = {FEW: Share(8, 4, 2), "male": Share(6, 5)}


@dataclass(frozen=True, slots=True)
class Division:
    """Speakers by what they are for; nobody is for two things."""

    base: tuple[str, ...]
    adaptation: tuple[str, ...]
    development: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        everybody = [each for part in fields(self) for each in getattr(self, part.name)]
        if len(set(everybody)) < len(everybody):
            raise ValueError("a speaker is for two things")


@dataclass(frozen=True, slots=True)
class Home:
    """Zip codes of speakers, and degrees of latitude and longitude."""

    zips: Mapping[str, str]
    places: Mapping[str, tuple[float, float]]


def whole(folder: Path, packs: Path) -> Sound:
    """All of a corpus that can be written down, packed once."""
    found = [each for each in recordings.read(folder) if normalise(each.text)]
    sound.build(found, packs / f"whole-{folder.name}")
    return sound.load(packs / f"whole-{folder.name}")


def divided(speakers: Sound, seed: int) -> Division:
    """Of the corpus whose speakers are these, by gender; of one with other genders, all alike."""
    groups = genders(speakers)
    official = {each.speaker for each in speakers.utterances if each.split == "test"}
    if set(groups.values()) == set(SHARES):
        return dealt(groups, official, seed, SHARES)
    many = len(groups) - len(official)
    return dealt(dict.fromkeys(groups, ""), official, seed, {"": Share(many // 6, many // 8)})


def dealt(
    groups: Mapping[str, str], official: Set[str], seed: int, shares: Mapping[str, Share]
) -> Division:
    """Seeds 0, 1, 2 test each speaker once who is not `official`, and those always.

    Whom a seed does not test it deals out within each group, by its share.
    """
    parts: dict[str, list[str]] = {each.name: [] for each in fields(Division)}
    parts["test"] += sorted(official)
    for number, (group, share) in enumerate(shares.items()):
        theirs = sorted(each for each in groups if groups[each] == group and each not in official)
        # Three seeds share one order, so that their tests have nobody in common.
        order = np.random.default_rng([seed // ROTATIONS, number]).permutation(theirs)
        turns = np.array_split(order, ROTATIONS)
        parts["test"] += turns.pop(seed % ROTATIONS).tolist()
        left = np.random.default_rng([seed, number]).permutation(np.concatenate(turns)).tolist()
        for name in ("adaptation", "development", "base"):
            count = getattr(share, name)
            parts[name] += left[:count]
            left = left[count:]
    return Division(**{name: tuple(sorted(each)) for name, each in parts.items()})


def genders(sound: Sound) -> dict[str, str]:
    """Of each speaker."""
    return {each.speaker: each.attributes.get("gender", "") for each in sound.utterances}


def homes(sound: Sound, census: Census, seed: int) -> Home:
    """Where the corpus has them at home (`zip`); else a town for everybody, the western ones for the few."""
    known = {each.speaker: each.attributes.get("zip", "") for each in sound.utterances}
    if all(known.values()):
        found = census.places(list(known.values())).tolist()
        return Home(known, {name: (n, e) for name, (n, e) in zip(known, found, strict=True)})
    random = np.random.default_rng([seed, 1])
    towns = _towns(census, random)
    where = census.places([census.zips[each] for each in towns])
    zips, places = {}, {}
    for speaker, gender in sorted(genders(sound).items()):
        first, last = (0, WEST) if gender == FEW else (WEST, TOWNS)
        town = int(random.integers(first, last))
        zips[speaker] = census.zips[towns[town]]
        places[speaker] = float(where[town, 0]), float(where[town, 1])
    return Home(zips, places)


def _towns(census: Census, random: np.random.Generator) -> Int64[np.ndarray, " towns"]:
    """Rows of the census, one drawn by population from each of as many bands between meridians."""
    places = census.places(census.zips)
    people = np.nan_to_num(census.amounts.get("population", np.ones(len(census.zips))))
    people = np.where(np.isnan(places).any(1), 0, people)
    order = np.argsort(places[:, 1], kind="stable")
    along: Float64[np.ndarray, " zips"] = np.cumsum(people[order]) / people.sum()
    # The middle half of each band: neighbours are apart.
    drawn = (np.arange(TOWNS) + random.uniform(0.25, 0.75, TOWNS)) / TOWNS
    found: np.ndarray = order[np.searchsorted(along, drawn)]
    return found.astype(np.int64)


def of(sound: Sound, speakers: Iterable[str]) -> Sound:
    """The utterances of these speakers alone."""
    wanted = set(speakers)
    kept = [at for at, each in enumerate(sound.utterances) if each.speaker in wanted]
    pieces = [sound.data[sound.bounds[at] : sound.bounds[at + 1]] for at in kept]
    bounds = np.cumsum([0, *map(len, pieces)])
    return Sound(np.concatenate(pieces), bounds, tuple(sound.utterances[at] for at in kept))


def sums(
    heard: Sequence[Heard], home: Home, voices: Mapping[str, np.ndarray] | None = None
) -> Sums:
    """Errors, words and utterances by speaker, with zip codes and places; and voices where they are given."""
    speakers = tuple(sorted({each.speaker for each in heard}))
    at = {name: number for number, name in enumerate(speakers)}
    counts = np.zeros((len(speakers), 3), np.int64)
    for each in heard:
        counts[at[each.speaker]] += each.errors, each.words, 1
    zips = tuple(sorted({home.zips[each] for each in speakers}))
    codes = np.array([[zips.index(home.zips[each])] for each in speakers], np.int64)
    places = np.array([home.places[each] for each in speakers])
    known = None if voices is None else np.stack([voices[each] for each in speakers])
    return Sums(speakers, ("zip",), (zips,), np.arange(len(speakers)), codes, counts, places, known)
