"""Scores of trials: products, a cohort, a line to likelihood ratios."""

import numpy as np
import pytest

from allears.score import trials as scoring
from allears.speaker import calibrate, normalise
from allears.speaker.refusal import SpeakerError
from allears.speaker.scoring import trial_scores, unit


def embeddings(count=40, size=6, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32))


@pytest.mark.parametrize("trials", [15, 40_000])
def test_trials_are_cosines_however_many_there_are(trials):
    given = embeddings(300)
    first, second = np.random.default_rng(1).integers(300, size=(2, trials))
    expected = (given[first] * given[second]).sum(1)
    np.testing.assert_allclose(trial_scores(given, first, second), expected, atol=1e-6)


def test_clips_that_are_not_there_are_refused():
    given = embeddings(4)
    for wrong in (4, -1):
        with pytest.raises(SpeakerError, match="there are 4, from 0"):
            trial_scores(given, np.array([0, wrong]), np.array([1, 2]))
    with pytest.raises(SpeakerError, match="give pairs"):
        trial_scores(given, np.array([0]), np.array([1, 2]))


@pytest.mark.parametrize("wrong", [0.0, np.nan, np.inf])
def test_an_embedding_without_direction_is_refused(wrong):
    given = embeddings(3)
    given[1] = wrong
    with pytest.raises(SpeakerError, match="embedding 1 is"):
        unit(given)


def test_normalised_by_hand():
    # Cohort at 0°, 60°, 90°; a clip at 0° scores 1, ½, 0 with it, one at 90° scores 0, sin 60°, 1.
    angles = np.radians([0.0, 60.0, 90.0])
    cohort = np.stack((np.cos(angles), np.sin(angles)), 1).astype(np.float32)
    clips = np.array([[1, 0], [0, 1]], np.float32)
    found = normalise.against(clips, cohort, 2)
    third = np.sin(angles[1])
    np.testing.assert_allclose(found.mean, [0.75, (1 + third) / 2], atol=1e-6)
    np.testing.assert_allclose(found.deviation, [0.25, (1 - third) / 2], atol=1e-6)
    sides = (normalise.Against(found.mean[[0]], found.deviation[[0]]),
             normalise.Against(found.mean[[1]], found.deviation[[1]]))  # fmt: skip
    expected = ((0 - 0.75) / 0.25 + (0 - (1 + third) / 2) / ((1 - third) / 2)) / 2
    assert normalise.normalised(np.zeros(1, np.float32), *sides)[0] == pytest.approx(
        expected, rel=1e-5
    )


def test_it_mends_a_voice_that_is_like_everybody():
    # Half of all speakers, and their clips, stand close together: their impostors score as others' targets do.
    random = np.random.default_rng(3)
    near = 0.3 * random.normal(size=(60, 16)) + np.eye(16)[0] * 2
    means = np.concatenate((near, random.normal(size=(60, 16))))
    apart = np.repeat([0.1, 0.33], 60)[:, None, None] * random.normal(size=(120, 4, 16))
    clips = unit((means[:, None] + apart).reshape(-1, 16).astype(np.float32))
    cohort, clips = clips[2::16], clips[np.arange(480) // 4 % 4 > 0]
    first, second = np.triu_indices(len(clips), 1)
    target = first // 4 == second // 4
    raw = trial_scores(clips, first, second)
    found = normalise.against(clips, cohort, 10)
    sides = (normalise.Against(found.mean[each], found.deviation[each]) for each in (first, second))
    mended = normalise.normalised(raw, *sides)
    before, after = (
        scoring.equal_error_rate(scoring.curve(each.astype(np.float64), target))
        for each in (raw, mended)
    )
    assert after < 0.8 * before


@pytest.mark.parametrize("top", [1, 0, 41])
def test_a_cohort_that_is_too_small_is_refused(top):
    with pytest.raises(SpeakerError, match="of a cohort of 40"):
        normalise.against(embeddings(3), embeddings(40), top)


def drawn(count=20_000, seed=5):
    """Scores of 3 ± 1 and 0 ± 1, whose logarithmic likelihood ratio is 3 x − 4.5; more of two speakers."""
    random = np.random.default_rng(seed)
    target = random.random(count) < 0.2
    return random.normal(size=count) + 3.0 * target, target


@pytest.mark.parametrize("prior", [0.5, 0.05])
def test_the_line_is_found_at_any_prior(prior):
    scores, target = drawn()
    line = calibrate.fit(scores, target, prior=prior)
    assert line.slope == pytest.approx(3, rel=0.07)
    assert line.offset == pytest.approx(-4.5, rel=0.07)
    ratios = line(scores)
    assert scoring.cllr(ratios, target) < 1.02 * scoring.min_cllr(scoring.curve(ratios, target))


def test_scores_stretched_and_moved_are_worth_the_same():
    scores, target = drawn(3000)
    one, other = calibrate.fit(scores, target), calibrate.fit(40 * scores - 900, target)
    np.testing.assert_allclose(one(scores), other(40 * scores - 900), atol=1e-5)


def test_a_weight_is_a_trial_more():
    scores, target = drawn(400)
    weights = np.random.default_rng(2).integers(0, 4, 400)
    repeated = np.repeat(scores, weights), np.repeat(target, weights)
    one = calibrate.fit(scores, target, weights=weights.astype(float))
    other = calibrate.fit(*repeated)
    # The little damping is on scores by their own spread, which repeating changes.
    assert one.slope == pytest.approx(other.slope, rel=2e-3)
    assert one.offset == pytest.approx(other.offset, rel=2e-3)


def test_scores_that_never_err_are_not_worth_infinitely_much():
    scores = np.concatenate((np.linspace(0, 1, 50), np.linspace(2, 3, 50)))
    line = calibrate.fit(scores, np.arange(100) >= 50)
    assert 1 < line.slope < 100 and line(np.array([1.5]))[0] == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scores": np.array([0.0, np.nan, 1.0])}, "no number"),
        ({"target": np.ones(3, np.bool_)}, "of one speaker and of two"),
        ({"target": np.ones(2, np.bool_)}, "not as many"),
        ({"prior": 0.0}, "more than 0"),
        ({"weights": np.array([1.0, -1.0, 1.0])}, "weights from 0"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(change, says):
    given = {"scores": np.array([0.0, 0.5, 1.0]), "target": np.array([False, True, True])} | change
    with pytest.raises(SpeakerError, match=says):
        calibrate.fit(given.pop("scores"), given.pop("target"), **given)
