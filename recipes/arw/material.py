"""Who is taught, who decides, who is tested: the corpora of the network that ships, or one larger corpus."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from allears.corpus import recordings, sound
from allears.corpus.recordings import CorpusError
from allears.corpus.sound import Sound
from recipes.speaker import material


@dataclass(frozen=True, slots=True)
class Material:
    """Sounds by what they are for; nobody is in two of them."""

    training: Sound
    development: Mapping[str, Sound]
    test: Mapping[str, Sound]


def usual(data: Path, packs: Path) -> Material:
    """Of the corpora's folders in `data`, as `recipes.speaker` divides them."""
    return Material(
        material.training(data, packs),
        material.development(data, packs),
        material.tests(data, packs),
    )


def of_corpus(folder: Path, packs: Path) -> Material:
    """Of one `utterances.csv` with splits train, development and test.

    Raises CorpusError where one is not there, or somebody is in two of them.
    """
    splits = {each: recordings.chosen([folder], each) for each in ("train", "development", "test")}
    whose: dict[str, str] = {}
    for split, utterances in splits.items():
        for each in utterances:
            if whose.setdefault(each.speaker, split) != split:
                raise CorpusError(
                    f"{each.name}: {each.speaker} is in the splits {whose[each.speaker]} and {split}; "
                    "a speaker is for one thing"
                )
    packed = {}
    for split, utterances in splits.items():
        sound.build(utterances, packs / split)
        packed[split] = sound.load(packs / split)
    name = folder.name
    return Material(packed["train"], {name: packed["development"]}, {name: packed["test"]})
