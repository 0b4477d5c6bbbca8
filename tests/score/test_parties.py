"""Words of several talkers: by hand, by trying every assignment, and against MeetEval's own commands."""

import sys
from collections.abc import Callable, Sequence
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.score import parties
from allears.score.parties import WordErrors, cp_errors, orc_errors, tcorc_errors, tcp_errors
from allears.score.quality import ScoreError
from allears.score.segments import Segment
from allears.score.words import word_errors

pytest.importorskip("meeteval", reason="allears[parties] is not installed")

KINDS = [orc_errors, tcorc_errors, cp_errors, tcp_errors]
Kind = Callable[[Sequence[Segment], Sequence[Segment]], WordErrors]
by_kind = pytest.mark.parametrize("kind", KINDS)


def segment(label: str, start: float, end: float, text: str) -> Segment:
    return Segment(label, start, end, tuple(text.split()))


Turn = tuple[str, list[str]]


def few_turns(labels: str) -> st.SearchStrategy[list[Turn]]:
    turn = st.tuples(st.sampled_from(labels), st.lists(st.sampled_from("abc"), max_size=3))
    return st.lists(turn, max_size=4)


def timed(turns: list[Turn], later: float = 0.0, names: str = "") -> list[Segment]:
    """Two seconds after one another, so that they overlap."""
    return [
        Segment(label + names, later + 2.0 * at, later + 2.0 * at + 3, tuple(words))
        for at, (label, words) in enumerate(turns)
    ]


def joined(segments: Sequence[Segment]) -> list[str]:
    return [word for each in segments for word in each.words]


def meeting(seed: int) -> tuple[list[Segment], list[Segment]]:
    """Three speakers over two minutes, overlapping; two streams have it with errors and inexact times."""
    random = np.random.default_rng(seed)
    words = np.array([f"{first}{second}" for first in "abcdefgh" for second in "aeiou"])
    reference, hypothesis = [], []
    for at in range(24):
        start = 5.0 * at + random.uniform(0, 3)
        end = start + random.uniform(2, 8)
        said = random.choice(words, random.integers(1, 12))
        heard = [word for word in said if random.random() > 0.1]
        heard += random.choice(words, random.integers(0, 3)).tolist()
        reference.append(Segment(f"speaker {at % 3}", start, end, tuple(said.tolist())))
        begins = start + random.uniform(0, 0.6)
        stream = f"stream {at % 2}"
        hypothesis.append(Segment(stream, begins, begins + (end - start) * 0.9, tuple(heard)))
    return reference, hypothesis


REFERENCE = [
    segment("anna", 0, 2, "good morning all"),
    segment("ben", 1, 3, "hello"),
    segment("anna", 4, 6, "shall we start"),
]


def test_streams_are_not_speakers() -> None:
    """anna's turns are on different streams: that is free by ORC-WER, while cpWER gives her one of them.

    With stream 0 her last 3 words are left out, and ben has 3 too many: 6. With stream 1 two of hers are wrong
    and two left out, and of ben's one is wrong and two are put in: 7.
    """
    hypothesis = [
        segment("0", 0, 2, "good morning all"),
        segment("1", 1, 3, "hello"),
        segment("1", 4, 6, "shall we begin"),
    ]
    assert orc_errors(REFERENCE, hypothesis) == WordErrors(substitutions=1, words=7)
    assert tcorc_errors(REFERENCE, hypothesis) == WordErrors(substitutions=1, words=7)
    assert cp_errors(REFERENCE, hypothesis) == WordErrors(insertions=3, deletions=3, words=7)
    assert cp_errors(REFERENCE, hypothesis).rate == pytest.approx(6 / 7)


def test_words_count_only_where_they_are_said() -> None:
    """ "hello" comes 8 s late: with a collar of 5 s it is one left out and one put in."""
    hypothesis = [segment("0", 0, 2, "hello"), segment("1", 10, 11, "hello")]
    reference = [segment("anna", 0, 2, "hello"), segment("ben", 1, 3, "hello")]
    missed = WordErrors(insertions=1, deletions=1, words=2)
    for free, constrained in ((orc_errors, tcorc_errors), (cp_errors, tcp_errors)):
        assert free(reference, hypothesis) == WordErrors(words=2)
        assert constrained(reference, hypothesis) == missed
        assert constrained(reference, hypothesis, 8.0) == WordErrors(words=2)


@pytest.mark.parametrize("kind", [tcorc_errors, tcp_errors])
def test_times_of_words_are_used_where_known(kind: Callable[..., WordErrors]) -> None:
    """ "b" is said at the segment's very end, not in its second half, where 11 s would be near."""
    unknown = segment("anna", 0, 20, "a b")
    known = Segment("anna", 0, 20, ("a", "b"), ((0.0, 1.0), (19.0, 20.0)))
    near, far = segment("0", 10.9, 11.1, "b"), segment("0", 18.4, 18.6, "b")
    deleted, replaced = (
        WordErrors(deletions=1, words=2),
        WordErrors(insertions=1, deletions=2, words=2),
    )
    assert kind([unknown], [near], 0.6) == kind([known], [far], 0.6) == deleted
    assert kind([known], [near], 0.6) == replaced
    own = Segment("0", 10.9, 18.6, ("b",), ((18.4, 18.6),))
    assert kind([known], [own], 0.6) == deleted


@by_kind
def test_silence_on_either_side(kind: Kind) -> None:
    nothing = segment("x", 0, 1, "")
    for empty in ([], [nothing]):
        assert kind(empty, empty) == WordErrors()
        assert kind(REFERENCE, empty) == WordErrors(deletions=7, words=7)
        assert kind(empty, REFERENCE) == WordErrors(insertions=7)
    assert np.isnan(kind([], REFERENCE).rate)
    assert kind(REFERENCE, [*REFERENCE, nothing]).errors == 0


@by_kind
@settings(max_examples=20)
@given(few_turns("xyz"))
def test_what_is_heard_right_has_no_errors(kind: Kind, turns: list[Turn]) -> None:
    said = timed(turns)
    assert kind(said, said) == WordErrors(words=len(joined(said)))


@settings(max_examples=40)
@given(few_turns("xyz"), few_turns("01"))
def test_orc_is_the_best_of_all_assignments(turns: list[Turn], found: list[Turn]) -> None:
    said, heard = timed(turns), timed(found)
    streams = [joined([each for each in heard if each.label == label]) for label in "01"]
    best = min(
        sum(
            word_errors(
                joined([each for each, to in zip(said, way, strict=True) if to == at]), stream
            )
            for at, stream in enumerate(streams)
        )
        for way in product((0, 1), repeat=len(said))
    )
    assert orc_errors(said, heard).errors == best
    assert tcorc_errors(said, heard, 1e4).errors == best
    assert tcorc_errors(said, heard, 0.5).errors >= best


@settings(max_examples=40)
@given(few_turns("xyz"), few_turns("012"))
def test_cp_is_the_best_of_all_permutations(turns: list[Turn], found: list[Turn]) -> None:
    said, heard = timed(turns), timed(found)
    theirs = [joined([each for each in said if each.label == label]) for label in "xyz"]
    streams = [joined([each for each in heard if each.label == label]) for label in "012"]
    best = min(sum(map(word_errors, theirs, order)) for order in permutations(streams))
    assert cp_errors(said, heard).errors == best
    assert tcp_errors(said, heard, 1e4).errors == best
    assert tcp_errors(said, heard, 0.5).errors >= best >= orc_errors(said, heard).errors


@by_kind
@settings(max_examples=20)
@given(few_turns("xyz"), few_turns("01"))
def test_names_do_not_matter(kind: Kind, turns: list[Turn], found: list[Turn]) -> None:
    def renamed(some: list[Turn]) -> list[Turn]:
        names = {"x": "y", "y": "z", "z": "x", "0": "1", "1": "0"}
        return [(names[label], words) for label, words in some]

    one = kind(timed(turns), timed(found))
    two = kind(timed(renamed(turns)), timed(renamed(found)))
    assert (one.errors, one.words) == (two.errors, two.words)


@settings(max_examples=20)
@given(*[few_turns("01")] * 4)
def test_sessions_add_as_if_scored_together(
    said: list[Turn], heard: list[Turn], said_later: list[Turn], heard_later: list[Turn]
) -> None:
    """Far apart and with streams of their own, one session after the other is no different."""
    late, late_heard = timed(said_later, 1000.0, "'"), timed(heard_later, 1000.0, "'")
    apart = tcorc_errors(timed(said), timed(heard)) + tcorc_errors(late, late_heard)
    together = tcorc_errors(timed(said) + late, timed(heard) + late_heard)
    assert (apart.errors, apart.words) == (together.errors, together.words)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_meeting_is_scored_as_by_meeteval(seed: int) -> None:
    from meeteval.io import SegLST
    from meeteval.wer import api

    def rows(segments: list[Segment]) -> SegLST:
        return SegLST([
            {
                "session_id": "one", "speaker": each.label, "words": " ".join(each.words),
                "start_time": each.start, "end_time": each.end,
            }
            for each in segments
        ])  # fmt: skip

    said, heard = meeting(seed)
    for kind, command, options in (
        (orc_errors, api.orcwer, {}),
        (tcorc_errors, api.tcorcwer, {"collar": 5}),
        (tcorc_errors, api.tcorcwer, {"collar": 0.5}),
        (cp_errors, api.cpwer, {}),
        (tcp_errors, api.tcpwer, {"collar": 5}),
        (tcp_errors, api.tcpwer, {"collar": 0.5}),
    ):
        theirs = command(rows(said), rows(heard), **options)["one"]
        ours = kind(said[::-1], heard[::-1], *options.values())
        assert (ours.errors, ours.words) == (theirs.errors, theirs.length)
        kinds = (theirs.insertions, theirs.deletions, theirs.substitutions)
        assert (ours.insertions, ours.deletions, ours.substitutions) == kinds
        assert 0 < ours.rate < 2


def test_what_would_take_for_ever_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [segment(str(at), at, at + 1, "a") for at in range(21)]
    for kind in KINDS:
        with pytest.raises(ScoreError, match="21 labels in one session"):
            kind(crowd, crowd)
    assert cp_errors(crowd[:20], crowd[:20]).errors == 0
    said, heard = meeting(0)
    monkeypatch.setattr(parties, "CELLS", 100_000)
    with pytest.raises(ScoreError, match="with a collar"):
        orc_errors(said, heard)
    assert tcorc_errors(said, heard).errors > 0
    with pytest.raises(ScoreError, match="lesser collar"):
        tcorc_errors(said, heard, 1000.0)
    for kind in (tcorc_errors, tcp_errors):
        with pytest.raises(ScoreError, match="collar of -1"):
            kind(said, heard, -1.0)


@by_kind
def test_what_is_missing_is_named(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meeteval", None)
    with pytest.raises(ScoreError, match=r"install allears\[parties\]"):
        kind(REFERENCE, REFERENCE)
