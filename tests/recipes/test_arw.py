"""Voices taught against a rival, compared: arithmetic by hand, choices, and sentences that follow figures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recipes.arw import arms, compare, figures, judging, material, outcomes, table
from recipes.arw.arms import LAPTOP, Arm
from recipes.arw.material import Material
from recipes.arw.outcomes import Outcome

from allears.corpus.recordings import CorpusError, Utterance
from allears.corpus.sound import Sound
from allears.fairness.verification import Trials, verify
from allears.score.bootstrap import Estimate
from allears.speaker.judging import Clips

SPEAKERS = ("anna", "berta", "carl", "dora", "emil", "fritz")
GENDERS = ("female", "female", "male", "female", "male", "male")


def trials(seed: int = 0, clips: int = 4, apart: float = 1.0) -> Trials:
    """Of all clips with each other, women further `apart` from themselves."""
    draw = np.random.default_rng(seed)
    whose = np.repeat(np.arange(len(SPEAKERS)), clips)
    first, second = np.triu_indices(len(whose), 1)
    target = whose[first] == whose[second]
    women = np.array([each == "female" for each in GENDERS])[whose[first]]
    scores = draw.normal(np.where(target, np.where(women, 2.5, 2.5 - apart), 0.0), 1.0) / 10
    return Trials(
        np.round(scores, 1), target, whose[first], whose[second], SPEAKERS, {"gender": GENDERS}
    )


def test_rates_are_those_of_the_audit_and_so_are_draws() -> None:
    made = trials()
    found = figures.of_trials(made, 20)
    audit = verify(made, ("gender",), draws=20, seed=figures.SEED)
    assert found["EER", "", ""][0] == pytest.approx(audit.eer.value)
    assert figures.estimate(found["EER", "", ""]) == pytest.approx(audit.eer)
    assert figures.estimate(found["minDCF", "", ""]) == pytest.approx(audit.cost)
    for part in audit.parts["gender"][:2]:
        assert figures.estimate(found["EER", "gender", part.name]) == pytest.approx(part.eer)
        for name, rate in (("FMR", part.false_match), ("FNMR", part.false_non_match)):
            assert found[name, "gender", part.name][0] == pytest.approx(rate.value)
    assert list(found)[:4] == [(each, "", "") for each in ("EER", "minDCF", "FMR", "FNMR")]
    assert len(found) == 12


def test_errors_at_the_threshold_of_all_by_hand() -> None:
    # Misses equal false accepts at 0.5: one target of four below it, one of four others not.
    scores = np.array([0.9, 0.8, 0.6, 0.4, 0.5, 0.2, 0.1, 0.0])
    target = np.arange(8) < 4
    enrolled = np.array([0, 0, 1, 1, 0, 0, 2, 2])
    spoke = np.array([0, 0, 1, 1, 1, 1, 3, 3])
    labels = {"gender": ("female", "female", "male", "male")}
    made = Trials(scores, target, enrolled, spoke, ("a", "b", "c", "d"), labels)
    found = figures.of_trials(made, 0)
    assert found["FNMR", "", ""].tolist() == [0.25]
    assert found["FMR", "", ""].tolist() == [0.25]
    assert found["FNMR", "gender", "female"].tolist() == [0.25]
    assert found["FMR", "gender", "female"].tolist() == [0.5]
    assert np.isnan(found["EER", "gender", "male"]).all(), "men have no trials of one speaker"


def made(**rates: list[float]) -> dict[figures.Key, np.ndarray]:
    """Figures by group; `all` is of all trials."""
    found = {}
    for name, row in rates.items():
        part = ("", "") if name == "all" else ("gender", name)
        found |= {(each, *part): np.array(row) for each in ("EER", "minDCF", "FMR", "FNMR")}
    return found


def test_gaps_deviations_and_changes_by_hand() -> None:
    three = made(a=[0.01, 0.02], b=[0.04, 0.02], c=[0.01, 0.05])
    assert figures.gap(three, "gender").tolist() == pytest.approx([0.03, 0.03])
    # Of 1, 4 and 1 the mean is 2, the mean square of distances 2: the population's, not a sample's.
    assert figures.deviation(three, "gender") == pytest.approx([0.01 * 2**0.5, 0.01 * 2**0.5])
    assert figures.change(np.array([1.08, 0.5]), np.array([1.17, 1.0])) == pytest.approx(
        [-0.0769231, -0.5]
    )
    both = figures.mean([made(all=[0.1]), made(all=[0.3])])
    assert both["EER", "", ""] == pytest.approx([0.2])


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.2, -0.1, "falls"), (0.1, 0.2, "rises"), (-0.1, 0.1, "cannot be told from unchanged"),
        (np.nan, np.nan, "cannot be judged"),
    ],
)  # fmt: skip
def test_what_is_said_follows_the_interval(low: float, high: float, said: str) -> None:
    assert figures.verdict(Estimate(0.0, low, high)) == said


def outcome(arm: Arm, *seeds: dict[figures.Key, np.ndarray]) -> Outcome:
    logs = {each: {"step": 5.0, "effective": 0.9 + each / 100} for each in range(len(seeds))}
    return Outcome(arm, {"set": dict(enumerate(seeds))}, logs)


def test_changes_are_of_the_same_seeds_alone() -> None:
    plain = outcome(Arm(), made(all=[0.1] * 3), made(all=[0.2] * 3), made(all=[0.9] * 3))
    pairs = outcome(Arm("pairs", "slow"), made(all=[0.1, 0.05, 0.15]), made(all=[0.14, 0.16, 0.12]))
    assert compare.paired(plain, pairs) == [0, 1]
    found = compare.changed(plain, pairs, "set", lambda each: each["EER", "", ""], [0, 1])
    assert found.value == pytest.approx(0.24 / 0.3 - 1)
    assert (found.low, found.high) == pytest.approx(
        tuple(np.percentile([0.21 / 0.3 - 1, 0.27 / 0.3 - 1], [2.5, 97.5]))
    )
    assert pairs.logged("effective") == pytest.approx(0.905)
    assert np.isnan(plain.logged("heaviest"))


def test_a_change_of_nothing_is_no_figure() -> None:
    found = figures.estimate(figures.change(np.zeros(3), np.zeros(3)))
    assert (compare.relative(found), compare.point(found)) == ("–", "–")
    third = figures.estimate(figures.change(np.array([2.0, 2.0, 1.0]), np.full(3, 3.0)))
    assert compare.relative(third) == "−33.3 (−65.8 to −34.2)"
    assert compare.point(third) == "−33"


def sound(**attributes: str) -> Sound:
    """Six speakers with five clips each, nothing in them."""
    utterances = tuple(
        Utterance(Path("x.wav"), name, "", "test", attributes={"gender": gender, **attributes})
        for name, gender in zip(SPEAKERS, GENDERS, strict=True)
        for _ in range(5)
    )
    return Sound(np.zeros(30, np.int16), np.arange(31), utterances)


def test_clips_become_trials_with_the_groups_that_tell_speakers_apart() -> None:
    given = sound(accent="Mandarin", age_group="child")
    draw = np.random.default_rng(3).normal(size=(30, 4))
    embeddings = (draw / np.linalg.norm(draw, axis=1, keepdims=True)).astype(np.float32)
    speakers = tuple(each.speaker for each in given.utterances)
    found = judging.trials(Clips(embeddings, speakers, tuple(range(30))), given)
    assert len(found.scores) == 30 * 29 // 2
    assert found.scores[0] == round(float(embeddings[0] @ embeddings[1]), 4)
    assert np.array_equal(found.target, found.enrolled == found.spoke)
    assert list(found.labels) == ["gender", "gender × age_group"], "one accent, all children"
    assert found.labels["gender × age_group"][2] == "male × child"
    assert found.labels["gender"] == tuple(
        dict(zip(SPEAKERS, GENDERS, strict=True))[each] for each in found.speakers
    )


def page(better: bool) -> str:
    """Of two arms and seeds; `better`: the rival's trials are easier for men."""
    seeds = [figures.of_trials(trials(each, 8), 30) for each in range(2)]
    eased = [figures.of_trials(trials(each, 8, 0.0 if better else 1.0), 30) for each in range(2)]
    found = [outcome(Arm(), *seeds), outcome(Arm("pairs", "fast"), *eased)]
    given = Material(sound(), {}, {"set": sound(accent="Mandarin")})
    rates = ("slower", 0.21), ("slow", 0.19), ("fast", 0.18)
    errors = {Arm(): 0.2} | {Arm("pairs", name): each for name, each in rates}
    return table.page(found, LAPTOP, 5, given, errors)


def test_the_page_says_what_its_figures_say() -> None:
    text = page(better=True)
    assert "6 speakers. All whose first language is known have the same, Mandarin" in text
    assert "| pairs-fast | 21.00 (slower), 19.00 (slow), 18.00 (fast) | 0.905 |" in text
    assert "Trainings at their end: plain 2, pairs-fast 2." in text
    assert "- EER of men: falls (the paper: −10.1 %)" in text
    assert "| EER of women | 0.69 | 0.67 | −2.9 |" in text
    assert "| deviation over nationalities | 0.21 | 0.19 | −10.0 | – | – | – |" in text
    same = page(better=False)
    assert "- EER of men: cannot be told from unchanged" in same
    assert "| EER, male | +0.0 (+0.0 to +0.0); seeds +0, +0 |" in same
    widths = {
        len(block.splitlines()[0].split("|"))
        - max(len(line.split("|")) for line in block.splitlines())
        for block in text.split("\n\n")
        if block.startswith("|")
    }
    assert widths == {0}, "every row has as many cells as its head"


def test_of_each_form_what_development_speakers_prefer() -> None:
    slower, slow, fast = (Arm("pairs", rate) for rate in ("slower", "slow", "fast"))
    assert arms.choose({Arm(): 0.1, slower: 0.2, slow: 0.2, fast: 0.1}) == [fast]
    assert arms.choose({slower: 0.3, slow: 0.2, fast: 0.2}) == [slow]
    assert arms.choose({slower: 0.1, fast: 0.2}) == [], "the third is not trained yet"
    names = [f"{arm.name}-{seed}" for arm, seed in arms.first(3)]
    assert names[:3] == ["plain-0", "pairs-slower-0", "pairs-slow-0"]
    assert [f"{arm.name}-{seed}" for arm, seed in arms.then([fast], 3)] == [
        "plain-1", "pairs-fast-1", "plain-2", "pairs-fast-2",
    ]  # fmt: skip
    one, other = (each.course(LAPTOP, 800, 1) for each in (slow, Arm()))
    assert replace(one, name="") == replace(other, name=""), "all but the rival is equal"


def test_only_what_came_to_its_end_is_judged(tmp_path: Path) -> None:
    assert not outcomes.ended(tmp_path, 4)
    (tmp_path / "log.jsonl").write_text(json.dumps({"step": 4, "effective": 0.5}) + "\n")
    assert not outcomes.ended(tmp_path, 4), "its network is not there"
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert outcomes.ended(tmp_path, 4)
    assert not outcomes.ended(tmp_path, 40)
    assert outcomes.last(tmp_path)["effective"] == 0.5


def test_a_speaker_of_two_splits_is_refused(tmp_path: Path) -> None:
    rows = ["path,speaker,split", "a.wav,anna,train", "b.wav,berta,development", "c.wav,anna,test"]
    (tmp_path / "utterances.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(CorpusError, match="anna is in the splits train and test"):
        material.of_corpus(tmp_path, tmp_path / "packs")
