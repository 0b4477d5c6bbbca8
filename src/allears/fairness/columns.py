"""Which column holds what: found by the names that such tables usually have, or named by whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from allears.fairness.refusal import AuditError, listed

USUAL: Mapping[str, tuple[str, ...]] = {
    "reference": (
        "reference", "ref", "reference_text", "ref_text", "text", "transcript", "sentence",
        "ground_truth", "target",
    ),
    "hypothesis": (
        "hypothesis", "hyp", "hypothesis_text", "hyp_text", "prediction", "predicted", "pred",
        "transcription", "recognised", "recognized", "asr",
    ),
    "errors": ("errors", "n_errors", "num_errors", "word_errors", "edits"),
    "words": ("words", "n_words", "num_words", "word_count", "ref_words", "reference_words"),
    "speaker": ("speaker", "speaker_id", "spk", "spk_id", "client_id", "participant"),
    "utterance": ("utterance", "utterance_id", "utt", "utt_id", "id", "path", "audio", "file"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "zip": ("zip", "zipcode", "zip_code", "zcta", "postal_code", "postcode"),
    "embedding": ("embedding", "embeddings", "xvector", "x_vector", "ivector", "voice"),
}  # fmt: skip
"""By field, in any case; its own name goes before the others, among which there must be but one."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The name of each column, None where there is none; `by` are the attributes asked for.

    Errors come from texts (`reference`, `hypothesis`), or are there already (`errors`, `words`).
    """

    reference: str | None = None
    hypothesis: str | None = None
    errors: str | None = None
    words: str | None = None
    speaker: str | None = None
    utterance: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    zip: str | None = None
    embedding: str | None = None
    by: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """What sums are kept apart by: the attributes, then the zip code; each once."""
        return tuple(dict.fromkeys((*self.by, *((self.zip,) if self.zip else ()))))

    @property
    def counted(self) -> bool:
        """Whether errors and words are there already, with no text to count in."""
        return self.errors is not None


def find(source: str, there: Sequence[str], wish: Columns | None = None) -> Columns:
    """The columns of a table that has those in `there`; what `wish` names is taken as named.

    Texts are preferred to counts unless counts are named. Raises AuditError, which names `source`, where a
    column is missing or several could be meant.
    """
    wish = wish or Columns()
    named = {
        each.name: _named(source, there, each.name, getattr(wish, each.name))
        for each in fields(Columns)
        if each.name != "by" and getattr(wish, each.name) is not None
    }
    by = tuple(_named(source, there, "by", name) for name in dict.fromkeys(wish.by))
    found = Columns(**named, by=by)
    found = _texts_or_counts(source, there, found)
    found = replace(
        found,
        speaker=found.speaker or _needed(source, there, "speaker"),
        utterance=found.utterance or _usual(source, there, "utterance"),
        zip=found.zip or _usual(source, there, "zip"),
        embedding=found.embedding or _usual(source, there, "embedding"),
    )
    return _place(source, there, found)


def _texts_or_counts(source: str, there: Sequence[str], found: Columns) -> Columns:
    texts, counts = ("reference", "hypothesis"), ("errors", "words")
    named = [pair for pair in (texts, counts) if any(getattr(found, field) for field in pair)]
    if len(named) == 2:
        raise AuditError(
            f"{source}: texts and counts are both named; name reference and hypothesis, or errors and words"
        )
    pair = named[0] if named else _pair_there(there)
    first, second = (getattr(found, field) or _needed(source, there, field) for field in pair)
    if pair == texts:
        return replace(found, reference=first, hypothesis=second)
    return replace(found, errors=first, words=second)


def _pair_there(there: Sequence[str]) -> tuple[str, str]:
    for pair in (("reference", "hypothesis"), ("errors", "words")):
        if all(_candidates(there, field) for field in pair):
            return pair
    if any(_candidates(there, field) for field in ("errors", "words")):
        return "errors", "words"
    return "reference", "hypothesis"


def _place(source: str, there: Sequence[str], found: Columns) -> Columns:
    latitude = found.latitude or _usual(source, there, "latitude")
    longitude = found.longitude or _usual(source, there, "longitude")
    if (latitude is None) == (longitude is None):
        return replace(found, latitude=latitude, longitude=longitude)
    if found.latitude or found.longitude:
        raise _missing(source, there, "latitude" if latitude is None else "longitude")
    return found  # half a place that nobody asked for is none


def _candidates(there: Sequence[str], field: str) -> list[str]:
    names = USUAL[field]
    own = [each for each in there if each.strip().lower() == names[0]]
    return own or [each for each in there if each.strip().lower() in names]


def _usual(source: str, there: Sequence[str], field: str) -> str | None:
    found = _candidates(there, field)
    if len(set(found)) < len(found):
        raise AuditError(f"{source}: has {len(found)} columns {found[0]!r}; rename all but one")
    if len(found) > 1:
        raise AuditError(
            f"{source}: the {field} could be {' or '.join(found[:5])}; say which with --{field} COLUMN"
        )
    return found[0] if found else None


def _needed(source: str, there: Sequence[str], field: str) -> str:
    found = _usual(source, there, field)
    if found is None:
        raise _missing(source, there, field)
    return found


def _named(source: str, there: Sequence[str], field: str, name: str) -> str:
    found = [each for each in there if each == name] or [
        each for each in there if each.strip().lower() == name.strip().lower()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise AuditError(
            f"{source}: has {len(found)} columns {name!r} (--{field}); rename all but one"
        )
    raise AuditError(f"{source}: has no column {name!r} (--{field}); there are {listed(there)}")


def _missing(source: str, there: Sequence[str], field: str) -> AuditError:
    return AuditError(
        f"{source}: no column looks like the {field} (such as {', '.join(USUAL[field][:3])}); "
        f"there are {listed(there)}; say which with --{field} COLUMN"
    )
