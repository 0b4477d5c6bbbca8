"""How the recipe divides speakers, and what its table says of trials."""

import numpy as np
import pytest
from recipes.speaker import evaluate, material

from allears.corpus.recordings import Utterance
from allears.score import trials as scoring
from allears.speaker.embedder import Embedder
from allears.speaker.verifier import Verifier
from tests.speaker.material import voices
from tests.speaker.small import exported


def table(folder, counts, split="train"):
    folder.mkdir(parents=True)
    rows = [
        f"{name}-{i}.flac,{name},{split}" for name, count in counts.items() for i in range(count)
    ]
    (folder / "utterances.csv").write_text("\n".join(["path,speaker,split", *rows]) + "\n")


def test_speakers_set_aside_can_be_compared_and_are_not_taught(tmp_path, monkeypatch):
    counts = {f"s{i}": 1 + i % 3 for i in range(120)}
    for name in material.CORPORA:
        table(tmp_path / name, {f"{name}-{speaker}": count for speaker, count in counts.items()})
    monkeypatch.setattr(material, "_packed", lambda utterances, _: list(utterances))
    taught = {each.speaker for each in material.training(tmp_path, tmp_path)}
    for name, found in material.development(tmp_path, tmp_path).items():
        aside = {each.speaker for each in found}
        assert len(aside) == 8 and not aside & taught
        assert all(counts[each.removeprefix(f"{name}-")] > 1 for each in aside)
        assert len({each for each in taught if each.startswith(name)}) == 112


def test_the_table_counts_trials_and_its_figures_are_the_scores():
    sound, verifier = voices(), Verifier(Embedder.of(exported()))
    found = evaluate._scored(verifier, sound)
    everything = found["all trials"]
    clips = len(sound)
    assert len(everything.ratios) == clips * (clips - 1) // 2
    assert np.all(np.diff(everything.ratios) >= 0) and everything.people == 6
    target = everything.enrolled == everything.spoke
    assert np.array_equal(target, everything.target)
    ones, costs = np.ones(len(target)), evaluate._costs(everything)
    assert evaluate._cllr(costs, target, ones) == pytest.approx(
        scoring.cllr(everything.ratios, target)
    )
    weights = np.random.default_rng(0).integers(0, 3, len(target))
    repeated = np.repeat(everything.ratios, weights), np.repeat(target, weights)
    assert evaluate._cllr(costs, target, weights.astype(float)) == pytest.approx(
        scoring.cllr(*repeated)
    )


def test_trials_of_one_gender_are_those_of_whom_gender_tells_nothing():
    sound = voices()
    genders = {speaker: "female" if speaker.startswith("lj") else "male" for speaker in
               {each.speaker for each in sound.utterances}}  # fmt: skip
    utterances = tuple(
        Utterance(each.path, each.speaker, "", "test", attributes={"gender": genders[each.speaker]})
        for each in sound.utterances
    )
    labelled = type(sound)(sound.data, sound.bounds, utterances)
    found = evaluate._scored(Verifier(Embedder.of(exported())), labelled)
    assert set(found) == {"all trials", "same gender", "female", "male"}
    sizes = {kind: len(each.ratios) for kind, each in found.items()}
    assert sizes["female"] + sizes["male"] == sizes["same gender"] < sizes["all trials"]
    assert found["all trials"].target.sum() == found["same gender"].target.sum()


def test_an_interval_holds_its_figure_and_narrows_with_nobody_new():
    found = evaluate._scored(Verifier(Embedder.of(exported())), voices())["all trials"]
    for each in evaluate._estimates(found, 50):
        assert each.low <= each.value <= each.high and each.low < each.high
    row = evaluate._row("six voices", "all trials", found, 20)
    assert row.startswith("| six voices | all trials | 6 |") and row.count("|") == 10


def test_levels_that_share_neighbours_keep_the_figures():
    random = np.random.default_rng(0)
    target = random.random(200_000) < 0.2
    scores = np.where(target, 2.0, -2.0) + random.normal(size=len(target))
    order = np.argsort(scores)
    nobody = np.zeros(len(target), np.int64)
    trials = evaluate.Scored(scores[order], target[order], nobody, nobody, 1)
    weights = random.integers(0, 3, len(target)).astype(float)
    coarse = evaluate._tradeoffs(evaluate._coarse(trials), weights)
    assert coarse == pytest.approx(evaluate._figures(trials, weights)[:2], rel=0.01)
