"""What a recogniser learns from and is judged by: manifests, whose texts can be written, packed."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from allears.corpus import manifest, recordings, sound
from allears.corpus.recordings import CorpusError, Utterance
from allears.corpus.sound import Sound
from allears.corpus.text import lost, normalise

_TRAINING, _ASIDE = "train", ("dev", "valid")
"""How the names of splits begin that are to learn from, and that decisions are taken by."""


class Chosen(NamedTuple):
    """Utterances with texts, and how many were left out because theirs cannot be written."""

    utterances: list[Utterance]
    left_out: int


def training(manifests: Sequence[Path], *, leave_out: bool = False) -> Chosen:
    """All utterances of splits that begin with "train", of anything that `corpus.manifest` reads.

    Raises CorpusError where there are none, where audio is missing, and for a text of which `normalise` would drop
    what is spoken, unless such are to be left out.
    """
    found = []
    for each in manifests:
        every = manifest.read(each)
        kept = [one for one in every if one.split.startswith(_TRAINING)]
        if not kept:
            splits = ", ".join(sorted({one.split for one in every}))
            raise CorpusError(
                f"{each}: no utterance is of a split that begins with {_TRAINING!r}, only of {splits}"
            )
        found += kept
    return _writable(found, leave_out)


def development(
    manifests: Sequence[Path], taught: Sequence[Utterance] = (), *, leave_out: bool = False
) -> Chosen:
    """What decisions are taken by: splits that begin with "dev" or "valid", or all where there are none.

    Raises CorpusError as `training`, and for an utterance that is `taught`.
    """
    found = []
    for each in manifests:
        every = manifest.read(each)
        found += [one for one in every if one.split.startswith(_ASIDE)] or every
    known = {_place(each) for each in taught}
    for one in found:
        if _place(one) in known:
            raise CorpusError(
                f"{one.name}: is to be learnt from and to be judged by; give others for one of them"
            )
    return _writable(found, leave_out)


def packed(
    utterances: Sequence[Utterance], packs: Path, show: Callable[[float], None] | None = None
) -> Sound:
    """Their sound, packed under `packs` once for all; nothing stays there where that fails.

    Raises CorpusError and OutputError as `corpus.sound.build`.
    """
    told = "\n".join(f"{each.path.absolute()} {each.start} {each}" for each in utterances)
    folder = packs / f"asr-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    fresh = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        sound.build(utterances, folder, show)
    except BaseException:
        for each in fresh:
            _forget(each)
        raise
    return sound.load(folder)


def _writable(utterances: Sequence[Utterance], leave_out: bool) -> Chosen:
    wrong = [(each, why) for each in utterances if (why := _trouble(each.text))]
    if wrong and not leave_out:
        first, why = wrong[0]
        more = f", nor can those of {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise CorpusError(
            f"{first.name}: the text cannot be learnt: {why}{more}; spell it out, or --leave-out such"
        )
    bad = {id(each) for each, _ in wrong}
    kept = [each for each in utterances if id(each) not in bad]
    if not kept:
        raise CorpusError(f"{utterances[0].name}: {wrong[0][1]}, and so are all the others")
    recordings.check(kept)
    return Chosen(kept, len(wrong))


def _trouble(text: str) -> str:
    """Why a text is not what was said, once it is normalised; nothing where it is."""
    if dropped := lost(text):
        return f"{dropped[:20]!r} in {text[:60]!r} is none of a to z and '"
    return "" if normalise(text) else "there is none"


def _place(utterance: Utterance) -> tuple[Path, float]:
    return utterance.path.absolute(), utterance.start


def _forget(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
