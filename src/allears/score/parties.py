"""Words of several talkers, scored without knowing whose a stream is: the word error rates of conversations.

- ORC-WER gives each reference utterance to the stream that fits best (Sklyar et al., "Multi-turn RNN-T for
  streaming recognition of multi-party speech", ICASSP 2022): streams are not speakers.
- cpWER pairs speakers one to one, each with all of their words (Watanabe et al., "CHiME-6", 2020).
- tcORC-WER and tcpWER let words match only where they are said, within a collar (von Neumann et al., "MeetEval",
  CHiME 2023). A reference word is the interval in which it is said, a recognised one the middle of its own,
  widened by the collar on both sides; words without times share their segment by their letters.

MeetEval finds the assignments. Utterances are taken in the order of their starts, and each keeps together.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from allears.score.counts import Counts
from allears.score.quality import ScoreError
from allears.score.segments import Segment, TimedWord, by_label, refuse_negative, spoken

COLLAR = 5.0
"""Seconds by which a recognised word's time may be off; what MeetEval's users take."""

STREAMS, SPEAKERS = 8, 20
"""Most streams that ORC-WER is had for, and most speakers that cpWER is had for."""

CELLS = 1_000_000_000
"""Most steps in the search of ORC-WER: half a minute, and some gigabytes at utterances of a few words."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class WordErrors(Counts):
    """Fewest words put in, left out and replaced, and the words that were said; `rate` is their share.

    Words that are put in count although nothing may have been said: the rate can be beyond 1.
    """

    insertions: int = 0
    deletions: int = 0
    substitutions: int = 0
    words: int = 0

    @property
    def errors(self) -> int:
        """All three together."""
        return self.insertions + self.deletions + self.substitutions

    @property
    def fraction(self) -> tuple[int, int]:
        """Errors and words."""
        return self.errors, self.words


def orc_errors(reference: Iterable[Segment], hypothesis: Iterable[Segment]) -> WordErrors:
    """ORC-WER of a session: utterances of anybody, against streams by `label`.

    Raises `ScoreError` for more than `STREAMS` streams, for what would take more than `CELLS` steps, and where
    MeetEval is missing.
    """
    said, heard = spoken(reference), spoken(hypothesis)
    _refuse_hopeless(said, heard, None)
    if not heard:  # MeetEval 0.4.3 contradicts itself here
        return _all_deleted(said)
    return _untimed(_meeteval().wer.orc_word_error_rate, said, heard)


def tcorc_errors(
    reference: Iterable[Segment], hypothesis: Iterable[Segment], collar: float = COLLAR
) -> WordErrors:
    """tcORC-WER of a session; `collar` in seconds. Raises `ScoreError` as `orc_errors` does."""
    refuse_negative(collar)
    said, heard = spoken(reference), spoken(hypothesis)
    _refuse_hopeless(said, heard, collar)
    if not heard:
        return _all_deleted(said)
    matching = _meeteval().wer.matching
    utterances = [_intervals([each]) for each in said]
    streams = [_points(each, collar) for each in by_label(heard).values()]
    _, assignment = (
        matching.cy_time_constrained_orc_matching.time_constrained_orc_levenshtein_distance(
            [each.words for each in utterances],
            [each.words for each in streams],
            [each.times for each in utterances],
            [each.times for each in streams],
        )
    )
    given: list[list[Segment]] = [[] for _ in streams]
    for utterance, stream in zip(said, assignment, strict=True):
        given[stream].append(utterance)
    found = WordErrors()
    for theirs, stream in zip(map(_intervals, given), streams, strict=True):
        found += _constrained(matching, theirs, stream)
    return found


def cp_errors(reference: Iterable[Segment], hypothesis: Iterable[Segment]) -> WordErrors:
    """cpWER of a session: speakers by `label` on both sides; those without a partner count in full.

    Raises `ScoreError` for more than `SPEAKERS` speakers and where MeetEval is missing.
    """
    said, heard = spoken(reference), spoken(hypothesis)
    _refuse_many(said, SPEAKERS)
    _refuse_many(heard, SPEAKERS)
    return _untimed(_meeteval().wer.cp_word_error_rate, said, heard)


def tcp_errors(
    reference: Iterable[Segment], hypothesis: Iterable[Segment], collar: float = COLLAR
) -> WordErrors:
    """tcpWER of a session; `collar` in seconds. Raises `ScoreError` as `cp_errors` does."""
    refuse_negative(collar)
    said, heard = spoken(reference), spoken(hypothesis)
    _refuse_many(said, SPEAKERS)
    _refuse_many(heard, SPEAKERS)
    meeteval = _meeteval()
    found = meeteval.wer.time_constrained_minimum_permutation_word_error_rate(
        _timed_texts(meeteval, said, _interval),
        _timed_texts(meeteval, heard, _middle),
        collar=collar,
        reference_pseudo_word_level_timing="none",
        hypothesis_pseudo_word_level_timing="none",
        reference_sort=False,
        hypothesis_sort=False,
    )
    return _counts(found)


class _Timed(NamedTuple):
    """Words in a row, and when each may be matched."""

    words: list[str]
    times: list[Interval]


def _interval(word: TimedWord) -> Interval:
    return word.start, word.end


def _middle(word: TimedWord) -> Interval:
    middle = (word.start + word.end) / 2
    return middle, middle


def _intervals(segments: Iterable[Segment]) -> _Timed:
    words = [word for each in segments for word in each.timed()]
    return _Timed([each.word for each in words], [_interval(each) for each in words])


def _points(segments: Iterable[Segment], collar: float) -> _Timed:
    words = [word for each in segments for word in each.timed()]
    middles = [_middle(each) for each in words]
    times = [(start - collar, end + collar) for start, end in middles]
    return _Timed([each.word for each in words], times)


def _constrained(matching: Any, said: _Timed, heard: _Timed) -> WordErrors:
    found = matching.time_constrained_levenshtein_distance_with_alignment(
        said.words, heard.words, said.times, heard.times
    )
    return WordErrors(
        insertions=int(found["insertions"]),
        deletions=int(found["deletions"]),
        substitutions=int(found["substitutions"]),
        words=len(said.words),
    )


def _untimed(
    rate: Callable[..., Any], said: Iterable[Segment], heard: Iterable[Segment]
) -> WordErrors:
    """By one of MeetEval's rates that knows no times: segments are in order."""
    return _counts(rate(_texts(said), _texts(heard), reference_sort=False, hypothesis_sort=False))


def _texts(segments: Iterable[Segment]) -> Any:
    """As MeetEval has them, without times."""
    rows = [{"speaker": each.label, "words": " ".join(each.words)} for each in segments]
    return _meeteval().io.SegLST(rows)


def _timed_texts(
    meeteval: Any, segments: Iterable[Segment], time: Callable[[TimedWord], Interval]
) -> Any:
    """As MeetEval has them, a row for each word."""
    rows = []
    for each in segments:
        for word in each.timed():
            start, end = time(word)
            rows.append(
                {"speaker": each.label, "words": word.word, "start_time": start, "end_time": end}
            )
    return meeteval.io.SegLST(rows)


def _counts(found: Any) -> WordErrors:
    return WordErrors(
        insertions=int(found.insertions),
        deletions=int(found.deletions),
        substitutions=int(found.substitutions),
        words=int(found.length),
    )


def _all_deleted(said: Iterable[Segment]) -> WordErrors:
    words = sum(len(each.words) for each in said)
    return WordErrors(deletions=words, words=words)


def _refuse_many(segments: Iterable[Segment], most: int) -> None:
    labels = len({each.label for each in segments})
    if labels > most:
        raise ScoreError(f"{labels} labels in one session; at most {most} can be told apart here")


def _refuse_hopeless(
    said: Sequence[Segment], heard: Sequence[Segment], collar: float | None
) -> None:
    """The search goes through every mixture of places in the streams, for every word."""
    _refuse_many(heard, STREAMS)
    cells = _cells(said, heard, collar)
    if cells > CELLS:
        remedy = "score it with a collar, or in parts" if collar is None else "take a lesser collar"
        raise ScoreError(f"ORC-WER of this session takes {cells:.0e} steps; {remedy}")


def _cells(said: Sequence[Segment], heard: Sequence[Segment], collar: float | None) -> int:
    """Steps of the search: an utterance's words, times the places in each stream that they can match."""
    reach = inf if collar is None else collar
    streams = [
        np.sort([_middle(word)[0] for each in stream for word in each.timed()])
        for stream in by_label(heard).values()
    ]
    total = 0
    for each in said:
        places = (
            np.diff(np.searchsorted(stream, (each.start - reach, each.end + reach)))[0]
            for stream in streams
        )
        total += len(each.words) * prod(int(place) + 1 for place in places)
    return total


def _meeteval() -> Any:
    try:
        import meeteval
        import meeteval.wer.matching.cy_time_constrained_orc_matching
    except ImportError:
        raise ScoreError("install allears[parties]") from None
    return meeteval
