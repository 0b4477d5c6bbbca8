"""Alignments against all paths one by one."""

import pytest
import torch

from allears.asr.alignment import align
from allears.asr.lattice import Penalties, TransducerError
from tests.asr.lattices import along, arcs, drawn, paths


def best(logits, targets, **options):
    """The best of all paths, and its log-probability."""
    blank, label = arcs(logits, targets, **options)
    found = {each: along(each, blank, label) for each in paths(len(blank), len(targets))}
    path = max(found, key=found.__getitem__)
    return list(path), found[path]


@pytest.mark.parametrize(("frames", "symbols"), [(1, 0), (1, 3), (5, 0), (5, 1), (5, 4), (3, 6)])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_path_is_the_best_of_all(frames, symbols, seed):
    logits, targets, *lengths = drawn(1, frames, symbols, seed=seed)
    found = align(3 * logits, targets, *lengths)
    path, value = best(3 * logits[0], targets[0])
    assert found.frames.tolist() == [path]
    assert torch.allclose(found.log_probability, value)


def test_each_utterance_is_aligned_within_its_lengths():
    logits, targets, *_ = drawn(3, 6, 3)
    frames, symbols = torch.tensor([6, 2, 5]), torch.tensor([1, 3, 0])
    logits[1, 2:] = torch.nan
    found = align(logits, targets, frames, symbols)
    for number, (length, count) in enumerate(zip(frames, symbols, strict=True)):
        path, value = best(logits[number, :length, : count + 1], targets[number, :count])
        assert found.frames[number].tolist() == path + [-1] * (3 - int(count))
        assert torch.allclose(found.log_probability[number], value)


def test_penalties_move_the_best_path():
    logits, targets, *lengths = drawn(1, 6, 2)
    late = Penalties(label=10.0 * torch.arange(6, dtype=torch.float64)[:, None].expand(6, 2))
    found = align(logits, targets, *lengths, penalties=late)
    path, value = best(logits[0], targets[0], penalties=late)
    assert found.frames.tolist() == [path] == [[0, 0]]
    assert torch.allclose(found.log_probability, value)


def test_of_equal_paths_the_earliest_is_taken():
    logits, targets, *lengths = drawn(1, 6, 3)
    assert align(0 * logits, targets, *lengths).frames.tolist() == [[0, 0, 0]]


def test_windows_bound_the_path():
    logits, targets, *lengths = drawn(1, 3, 3)
    starts = torch.tensor([[0, 1, 2]])
    windowed = logits[:, torch.arange(3)[:, None], starts[0][:, None] + torch.arange(2)]
    found = align(windowed, targets, *lengths, starts=starts)
    blank, label = arcs(logits[0], targets[0])
    within = {
        path: along(path, blank, label)
        for path in paths(3, 3)
        if all(starts[0, frame] <= u < starts[0, frame] + 1 for u, frame in enumerate(path))
    }
    path = max(within, key=within.__getitem__)
    assert found.frames.tolist() == [list(path)]
    assert torch.allclose(found.log_probability, within[path])


def test_what_does_not_fit_is_refused_by_name():
    logits, targets, *lengths = drawn()
    logits[0, 0, 0, 0] = torch.inf
    with pytest.raises(TransducerError, match=r"^logits: utterance 0"):
        align(logits, targets, *lengths)
