from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allears.corpus.mixtures.floor import APART
from allears.corpus.mixtures.timing import PAUSE, shipped
from allears.corpus.mixtures.turns import talk
from allears.corpus.sound import RATE
from tests.corpus.test_mixtures import VOICES, mixtures


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    overlap=st.sampled_from([None, 0.0, 0.1, 0.2, 0.3, 0.4]),
    speakers=st.sampled_from([(2, 2), (2, 4), (3, 3), (4, 9)]),
    name=st.sampled_from(["meetings", "calls"]),
)
def test_laws_of_every_plan(seed, overlap, speakers, name):
    mixed = mixtures(
        VOICES,
        seed,
        overlap=overlap,
        speakers=speakers,
        turns=(4, 9),
        timing=shipped(name),
        longest=40,
    )
    plan = mixed.plan(0)
    places = plan.places
    lines = [(place.start, place.end) for place in places]
    starts = np.array(lines)[:, 0]
    assert talk(lines).triple == 0
    assert (np.diff(starts) >= APART).all()
    assert starts[0] >= 0.2 * RATE and max(end for _, end in lines) + 0.2 * RATE <= plan.length + 1
    assert plan.length <= 40 * RATE
    assert 4 <= len(places) <= 9
    names = {place.speaker for place in places}
    assert speakers[0] <= len(names) <= speakers[1]
    assert len({place.utterance for place in places}) == len(places)
    for name in names:
        own = [place for place in places if place.speaker == name]
        for one, other in pairwise(own):
            assert other.start - one.end >= PAUSE * RATE
    if overlap is not None:
        assert talk(lines).overlap == pytest.approx(overlap, abs=1e-3)


def test_turns_follow_each_other_as_fitted():
    mixed = mixtures(timing=shipped("calls"), turns=(8, 8), widest=60, longest=200, speakers=(2, 2))
    plans = [mixed.plan(number).places for number in range(150)]
    pairs = [pair for places in plans for pair in pairwise(places)]
    changes = [(one, other) for one, other in pairs if one.speaker != other.speaker]
    same = [(o.start - one.end) / RATE for one, o in pairs if one.speaker == o.speaker]
    # Few voices have five recordings to say, so both speakers take turns a little more often.
    assert len(changes) / len(pairs) == pytest.approx(shipped("calls").turn_change, abs=0.2)
    silent = [o.start - one.end for one, o in changes if o.start >= one.end]
    fitted = shipped("calls")
    assert np.median(same) == pytest.approx(fitted.same.at(0.5), rel=0.1)
    assert np.median(silent) / RATE == pytest.approx(fitted.change.silence.at(0.5), rel=0.25)


def test_more_is_at_once_in_meetings_than_in_calls():
    shares = []
    for name in ("calls", "meetings"):
        mixed = mixtures(timing=shipped(name), speakers=(2, 4), turns=(4, 8))
        times = [[(p.start, p.end) for p in mixed.plan(n).places] for n in range(60)]
        sums = [sum(column) for column in zip(*map(talk, times), strict=True)]
        shares.append(sums[1] / sums[0])
    assert shares[0] < 0.03 < 0.08 < shares[1]
