"""Elastic weights: without strength nothing changes, with any the model stays near, frozen parts do not move."""

import math
from dataclasses import replace

import pytest
import torch

from allears.mitigation.ewc import ElasticWeights, adapt, anchor
from allears.mitigation.fisher import of_transducer
from allears.mitigation.refusal import MitigationError
from tests.mitigation.material import PLAN, TOKENS, same, task, tones, trained, transducer

PREFIX = "transducer."


def test_it_costs_what_the_formula_says():
    model = torch.nn.Linear(2, 1)
    reference = {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([3.0])}
    fisher = {"weight": torch.tensor([[4.0, 0.5]]), "bias": torch.tensor([0.0])}
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[2.0, 5.0]]))
    cost = ElasticWeights(reference, fisher, 3.0)(model)
    assert cost.item() == pytest.approx(1.5 * (4 * 1 + 0.5 * 9))
    cost.backward()
    assert model.weight.grad.tolist() == [[3 * 4 * 1, 3 * 0.5 * 3]]
    alike = ElasticWeights({"weight": reference["weight"]}, None, 2.0)(model)
    assert alike.item() == pytest.approx(1 + 9)


@pytest.fixture(scope="module")
def information():
    return of_transducer(transducer(), TOKENS, tones()).diagonal()


def elastic(information, strength):
    return ElasticWeights(anchor(transducer()), information, strength, prefix=PREFIX)


def test_strength_0_is_plain_fine_tuning_to_the_last_bit(information, tmp_path):
    plain = trained(tmp_path / "plain", task())
    held = trained(tmp_path / "held", task(), penalty=elastic(information, 0.0))
    assert same(plain, held)
    assert (tmp_path / "plain/checkpoint.safetensors").read_bytes() == (
        tmp_path / "held/checkpoint.safetensors"
    ).read_bytes()
    some = trained(tmp_path / "some", task(), penalty=elastic(information, 1e-3))
    assert not same(plain, some)


def test_no_end_of_strength_leaves_the_weights(information, tmp_path):
    found = trained(tmp_path, task(), penalty=elastic(information, math.inf))
    before = {PREFIX + name: value for name, value in transducer().state_dict().items()}
    assert same({name: found[name] for name in before}, before)


def test_the_stronger_the_nearer(information, tmp_path):
    plan = replace(PLAN, steps=40, rate=3e-3, decay=0.0, floor=0.0)
    before = transducer().state_dict()

    def moved(strength):
        penalty = elastic(information, strength)
        found = trained(tmp_path / f"{strength}", task(), plan, penalty=penalty)
        return sum(
            float(((found[PREFIX + name] - before[name]).square() * importance).sum())
            for name, importance in information.items()
        )

    far, near, nearest = (moved(each) for each in (0.0, 10.0, 1e5))
    assert far > 5 * near > 5 * nearest
    assert nearest < 1e-2 * far


@pytest.mark.parametrize("part", ["encoder", "predictor", "joiner"])
def test_only_one_part_is_adapted(part, tmp_path):
    model = transducer()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adapt(model, part)
    trained(tmp_path, task(model))
    moved = {
        name.split(".")[0]
        for name, value in model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {part}


def test_frozen_weights_are_left_out_of_the_penalty(tmp_path):
    model = transducer()
    penalty = ElasticWeights(anchor(model), None, 1.0, prefix=PREFIX)
    adapt(model, "joiner")
    before = anchor(model)
    found = trained(tmp_path, task(model), penalty=penalty)
    moved = {
        name.split(".")[0]
        for name, value in before.items()
        if not torch.equal(found[PREFIX + name], value)
    }
    assert moved == {"joiner"}
    adapt(model, "all")
    assert all(each.requires_grad for each in model.parameters())
    model.requires_grad_(False)
    assert penalty(task(model).model).item() == 0


def test_what_does_not_fit_is_refused():
    model, weights = torch.nn.Linear(2, 1), {"weight": torch.ones(1, 2)}
    with pytest.raises(MitigationError, match="strength of -1"):
        ElasticWeights(weights, None, -1)
    with pytest.raises(MitigationError, match="strength of nan"):
        ElasticWeights(weights, None, math.nan)
    with pytest.raises(MitigationError, match=r"weight: weights \(1, 2\), information \(2,\)"):
        ElasticWeights(weights, {"weight": torch.ones(2)}, 1)
    with pytest.raises(MitigationError, match="of none of these weights"):
        ElasticWeights(weights, {"other": torch.ones(2)}, 1)
    with pytest.raises(
        MitigationError, match=r"inner.weight of shape .* is no weight of the model"
    ):
        ElasticWeights(weights, None, 1, prefix="inner.")(model)
    with pytest.raises(MitigationError, match="no part 'ears'"):
        adapt(transducer(), "ears")
