"""What a recogniser is trained by: its size, its symbols, its material; and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from allears.asr import checkpoint, material, training
from allears.asr.judging import Errors, judge
from allears.asr.task import Lesson
from allears.asr.tokens import Pieces, TokenError
from allears.asr.torch_networks import TorchNetworks
from allears.corpus import recordings
from allears.corpus.recordings import CorpusError
from allears.corpus.text import normalise
from allears.train.average import averaged
from allears.train.schedule import Plan
from allears.train.task import TrainingError
from tests.asr.material import FOUR, PHRASES, table, taught

TEXTS = [normalise(text) for *_, text in PHRASES]


def test_a_few_phrases_are_learnt_by_heart():
    path, sound = taught()
    errors = judge(TorchNetworks(*checkpoint.load(path)), sound)
    assert errors.words == sum(len(normalise(text).split()) for *_, text in FOUR)
    assert errors.rate < 0.5


def test_a_training_begins_as_another_has_ended(tmp_path):
    path, sound = taught()
    before, tokens = checkpoint.load(path)
    config = before.config
    course = training.Course(
        "on", config.encoder_kind, config.encoder, Plan(1, rate=0.0, warmup=0),
        predictor=config.predictor, joint=config.joint, lesson=Lesson(plainly=1000),
    )  # fmt: skip
    with torch.random.fork_rng():
        after = training.teach(
            course, sound, None, tokens, tmp_path, distort=None, begin=path.parent
        )
    assert after is not None
    # What only training needs is among them: without it a model would have to learn anew where to look.
    first, last = averaged(path.parent), averaged(after.parent)
    assert len(first) > len(before.state_dict())
    assert all(torch.allclose(last[name], value, atol=1e-6) for name, value in first.items())
    with torch.random.fork_rng(), pytest.raises(TrainingError, match="is another model"):
        other = replace(course, joint=config.joint + 32)
        training.teach(
            other, sound, None, tokens, tmp_path / "other", distort=None, begin=path.parent
        )


def test_errors_are_counted_and_rates_derived():
    assert str(Errors(3, 12)) == "WER 25.0% (3 errors in 12 words)"
    assert Errors(0, 0).rate == 0


@pytest.mark.parametrize(
    ("kind", "wanted", "within"),
    [("lstm", 20_000, 0.1), ("convrnn", 400_000, 0.03), ("conformer", 1_500_000, 0.03)],
)
def test_a_model_is_as_large_as_wanted(kind, wanted, within):
    course = training.course_of(kind, wanted, 160, Plan(10), Lesson())
    assert abs(training.parameters(course.config(160)) / wanted - 1) < within


def test_a_size_or_an_encoder_that_is_not_there_is_named():
    with pytest.raises(TrainingError, match="no convrnn of 20,000 parameters"):
        training.course_of("convrnn", 20_000, 160, Plan(10), Lesson())
    with pytest.raises(TrainingError, match="choose one of lstm, vgglstm, convrnn"):
        training.course_of("wavenet", 1_000_000, 160, Plan(10), Lesson())


def test_pieces_are_made_once_and_kept(tmp_path):
    utterances, kept = recordings.read(table(tmp_path)), tmp_path / "kept.model"
    made = training.symbols("pieces:40", utterances, kept)
    assert not kept.exists()
    training.keep_pieces(made, kept)
    again = training.symbols("pieces:40", utterances[:1], kept)
    assert [again.encode(each) for each in TEXTS] == [made.encode(each) for each in TEXTS]


def test_what_foreign_symbols_cannot_write_is_named_with_its_line(tmp_path):
    foreign = tmp_path / "foreign.model"
    foreign.write_bytes(Pieces.train(TEXTS[:2] * 9, 20).arrays()["tokens.pieces"].tobytes())
    with pytest.raises(TokenError, match=r"utterances.csv, line 4: .*'what' cannot be written"):
        training.symbols(str(foreign), recordings.read(table(tmp_path)), tmp_path / "none")


@pytest.mark.parametrize("wish", ["letters", "pieces:many", "pieces:", "none.model"])
def test_symbols_that_are_none_are_named(wish, tmp_path):
    with pytest.raises(TokenError, match=wish):
        training.symbols(wish, recordings.read(table(tmp_path)), tmp_path / "none")


def test_any_device_that_is_not_there_is_named():
    assert training.usable("cpu") == "cpu"
    with pytest.raises(TrainingError, match="'abacus' cannot be used"):
        training.usable("abacus")


def test_speech_is_made_harder_in_the_same_way_each_time():
    speech = np.sin(np.arange(16_000, dtype=np.float32) / 9) / 3
    made = [training.harder(None, network=True) for _ in range(2)]
    one, other = (each(speech, np.random.default_rng(4)) for each in made)
    assert np.array_equal(one, other)
    assert one.shape != speech.shape or not np.allclose(one, speech)


def test_a_folder_without_noise_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"neither noise.csv nor rir.csv"):
        training.harder(tmp_path, network=False)


def test_the_rest_of_a_manifest_is_not_learnt_from(tmp_path):
    folder = _mixed(tmp_path)
    chosen = material.training([folder])
    assert [each.split for each in chosen.utterances] == ["train"] * 5 + ["train-other"]
    aside = material.development([folder], chosen.utterances)
    assert [each.split for each in aside.utterances] == ["dev"]


def _mixed(folder):
    table(folder, split="train")
    place = folder / recordings.TABLE
    lines = place.read_text().splitlines()
    lines[1] = lines[1].replace(",train,", ",dev,")
    lines[7] = lines[7].replace(",train,", ",train-other,")
    place.write_text("\n".join(lines) + "\n")
    return folder


def test_who_is_judged_by_what_it_learnt_is_told(tmp_path):
    folder = table(tmp_path)
    chosen = material.training([folder])
    with pytest.raises(CorpusError, match=r"line 2: .* learnt from and .* judged by"):
        material.development([folder], chosen.utterances)


def test_texts_that_cannot_be_written_are_left_out_where_wished(tmp_path):
    folder = table(tmp_path, text="ask 2")
    with pytest.raises(CorpusError, match=r"line 3: .*'2' in 'ask 2'"):
        material.training([folder])
    chosen = material.training([folder], leave_out=True)
    assert (len(chosen.utterances), chosen.left_out) == (len(PHRASES) - 1, 1)


def test_packs_are_made_once_for_the_same_utterances(tmp_path):
    utterances = recordings.read(table(tmp_path / "table"))
    shares = []
    first = material.packed(utterances, tmp_path / "packs", shares.append)
    assert shares[-1] == 1 and len(shares) == len(PHRASES)
    second = material.packed(utterances, tmp_path / "packs", shares.append)
    assert len(shares) == len(PHRASES) and np.array_equal(first.data, second.data)
    material.packed(utterances[:2], tmp_path / "packs")
    assert len(list((tmp_path / "packs").iterdir())) == 2


def test_a_pack_that_fails_leaves_nothing(tmp_path):
    utterances = recordings.read(table(tmp_path / "table", start_s="99"))
    with pytest.raises(CorpusError, match="line 3"):
        material.packed(utterances, tmp_path / "new" / "packs")
    assert [each.name for each in tmp_path.iterdir()] == ["table"]
