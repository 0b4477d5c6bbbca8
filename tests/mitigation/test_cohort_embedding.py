"""A recogniser that is told of cohorts: the old one before it is taught, whatever it is told; another after."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.asr import checkpoint
from allears.asr.export import bundle
from allears.asr.recogniser import RecogniserError
from allears.asr.session import OnnxNetworks
from allears.asr.torch_networks import TorchNetworks
from allears.mitigation import cohort_embedding
from allears.mitigation.cohort_embedding import UNKNOWN, Known, Telling, numbers, told
from allears.mitigation.refusal import MitigationError
from tests.mitigation.material import PLAN, TOKENS, same, task, tones, trained, transducer

COHORTS = ("low", "high")
LABELS = numbers(COHORTS, [each.speaker for each in tones().utterances])


def batch(given):
    given.model.eval()
    with torch.no_grad():
        return given.loss(np.random.default_rng(0), 0).losses


def test_before_it_is_taught_it_is_the_old_model_to_the_last_bit(tmp_path):
    plain = batch(task())
    assert torch.equal(batch(task(told(transducer(), COHORTS))), plain)
    assert torch.equal(
        batch(task(told(transducer(), COHORTS), opening=Telling(LABELS, 0.0))), plain
    )
    still = told(transducer(), COHORTS)
    still.encoder.map.requires_grad_(False)
    still.encoder.table.requires_grad_(False)
    found = trained(tmp_path / "told", task(still))
    kept = {name.replace("encoder.inside.", "encoder."): value for name, value in found.items()}
    names = [name for name in kept if "encoder.map" not in name and "encoder.table" not in name]
    old = trained(tmp_path / "old", task())
    assert same({name: kept[name] for name in names}, old)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A model that was taught a little, told of the cohort in most utterances."""
    model = told(transducer(0.0), COHORTS)
    plan = replace(PLAN, steps=8, rate=1e-2, average=0.1)
    trained(tmp_path_factory.mktemp("run"), task(model, opening=Telling(LABELS, 0.3)), plan)
    return model.eval()


def test_taught_it_matters_who_is_said_to_speak(learnt):
    mels = np.random.default_rng(0).normal(-8, 3, (1, 8, 16)).astype(np.float32)
    networks = TorchNetworks(learnt, TOKENS)
    found = [
        each.encode(mels, each.encoder_state(1))[0]
        for each in (networks, *(Known(networks, number) for number in range(3)))
    ]
    assert np.array_equal(found[0], found[1])
    assert not np.allclose(found[1], found[2]) and not np.allclose(found[2], found[3])


def test_a_file_without_torch_knows_cohorts_too(learnt):
    made = OnnxNetworks.of(bundle(learnt, TOKENS))
    mels = np.random.default_rng(0).normal(-8, 3, (2, 12, 16)).astype(np.float32)
    for number in range(3):
        one, other = (Known(each, number) for each in (made, TorchNetworks(learnt, TOKENS)))
        heard, states = [], []
        for each in (one, other):
            first, state = each.encode(mels[:, :4], each.encoder_state(2))
            second, state = each.encode(mels[:, 4:], state)
            heard.append(np.concatenate((first, second), 1))
            states.append(state[0])
        assert np.allclose(*heard, atol=1e-4)
        assert np.array_equal(*states) and states[0].tolist() == [number] * 2


def test_its_checkpoint_is_its_own_kind(learnt, tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint.save(learnt, TOKENS, path, cohort_embedding.KIND)
    again, tokens = cohort_embedding.load(path)
    assert again.cohorts == COHORTS and tokens.size == TOKENS.size
    assert same(again.state_dict(), learnt.state_dict())
    with pytest.raises(RecogniserError, match="holds cohort transducer, not a transducer"):
        checkpoint.load(path)


def test_in_a_share_of_utterances_nobody_is_known():
    state = told(transducer(), COHORTS).encoder.initial_state(4000)
    assert state.cohort.tolist() == [UNKNOWN] * 4000
    members = np.arange(4000) % 8
    random = np.random.default_rng(0)
    found = Telling(LABELS, 0.3)(state, members.tolist(), random).cohort.numpy()
    assert (found == UNKNOWN).mean() == pytest.approx(0.3, abs=0.03)
    known = found != UNKNOWN
    assert np.array_equal(found[known], LABELS[members][known])
    none = Telling(LABELS, 1.0)(state, members.tolist(), random).cohort
    assert not none.any()


def test_labels_have_numbers():
    assert numbers(COHORTS, ["high", None, "low", "other", ""]).tolist() == [2, 0, 1, 0, 0]
    assert LABELS.tolist() == [1, 2] * 4


def test_what_cannot_be_told_is_refused():
    with pytest.raises(MitigationError, match="an encoder 'cohort' cannot be told"):
        told(told(transducer(), COHORTS), COHORTS)
    with pytest.raises(MitigationError, match="cohorts a, a; name each once"):
        told(transducer(), ["a", "a"])
    with pytest.raises(MitigationError, match="cohorts none"):
        told(transducer(), [])
    with pytest.raises(MitigationError, match=r"a share of 1.1 unknown"):
        Telling(LABELS, 1.1)
