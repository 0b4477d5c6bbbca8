import pickle
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from allears.asr.endpoint import Rule
from allears.asr.events import Result, Word
from allears.asr.live import LiveStream, Transcriber
from allears.asr.networks import State
from allears.asr.recogniser import RecogniserError
from allears.asr.search.words import Timing
from allears.audio import mel
from tests.asr.hearing import networks
from tests.asr.tones import GAP_S, LONG_S, Tones, spoken

STEP = 0.04
LATE = 5
LATE_TIMING = Timing(STEP, start=LATE * STEP, end=LATE * STEP)


def heard(stream: LiveStream, samples: np.ndarray, piece: int = 1600) -> list[Result]:
    parts = (samples[i : i + piece] for i in range(0, len(samples), piece))
    return [each for part in parts for each in stream.accept(part)] + list(stream.finish())


def finals(results: Iterable[Result]) -> list[Result]:
    return [each for each in results if each.final]


def said(results: Iterable[Result]) -> str:
    return " ".join(each.text for each in finals(results) if each.text)


def all_words(results: Iterable[Result]) -> list[Word]:
    return [word for each in finals(results) for word in each.words]


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("late", [0, LATE])
def test_words_and_when_they_were_said(beam: int, late: int) -> None:
    timing = Timing(STEP, start=late * STEP, end=late * STEP)
    transcriber = Transcriber(Tones(late), timing=timing, beam=beam)
    results = heard(transcriber.stream(), spoken(0.5, "ab cad f", 0.3))
    assert said(results) == "ab cad f"
    begins = 0.5
    for word in all_words(results):
        ends = begins + LONG_S * len(word.text)
        assert word.start == pytest.approx(begins, abs=STEP)
        # The last letter is told when it begins.
        assert word.end == pytest.approx(ends - LONG_S + STEP, abs=STEP)
        assert word.confidence > 0.99
        begins = ends + GAP_S


def test_partial_results_grow_and_come_only_when_words_change() -> None:
    results = heard(Transcriber(Tones(), chunk=1).stream(), spoken("ab cd", 0.2), piece=320)
    assert [each.text for each in results[:-1]] == ["a", "ab", "ab c", "ab cd"]
    assert not any(each.final for each in results[:-1])
    assert results[-1].final
    assert results[-1].reason == "end"


def test_a_word_is_told_soon_after_it_can_be_known() -> None:
    stream = Transcriber(Tones()).stream()
    samples = spoken(0.5, "a", 1.0)
    for end in range(0, len(samples), 320):
        if stream.accept(samples[end : end + 320]):
            break
    assert 0.5 < end / mel.RATE < 0.5 + 0.3


@pytest.mark.parametrize("beam", [1, 3])
def test_how_samples_come_does_not_matter(beam: int) -> None:
    samples = spoken(0.1, "ab cd", 1.0, "ef", 2.0, "a", 0.1)
    transcriber = Transcriber(Tones(LATE), timing=LATE_TIMING, beam=beam)
    whole, single, odd = (
        finals(heard(transcriber.stream(), samples, piece)) for piece in (10**9, 160, 777)
    )
    assert [each.text for each in whole] == ["ab cd", "ef", "a"]
    assert whole == single == odd


def test_the_last_word_needs_no_silence_after_it() -> None:
    transcriber = Transcriber(Tones(LATE), timing=LATE_TIMING)
    samples = spoken(0.3, "ab cd e")
    results = heard(transcriber.stream(), samples)
    assert said(results) == "ab cd e"
    assert results[-1].end == len(samples) / mel.RATE
    assert results[-1].words[-1].end <= results[-1].end


def test_listening_goes_on_after_a_phrase_and_times_keep_counting() -> None:
    results = finals(
        heard(Transcriber(Tones()).stream(), spoken("ab", 1.0, "cd", 1.8, "ef cd", 0.9, "a"))
    )
    assert [each.text for each in results] == ["ab", "cd", "ef cd", "a"]
    assert [each.reason for each in results] == ["ended", "ended", "ended", "end"]
    starts = [each.words[0].start for each in results]
    assert starts == pytest.approx([0.0, 1.24, 3.28, 4.78], abs=0.05)
    for one, other in pairwise(results):
        assert one.start <= one.words[0].start <= one.words[-1].end <= one.end == other.start


def test_who_hesitates_is_waited_for() -> None:
    # Something might have been said in the pause.
    nets = Tones(doubtful=_logit_beside_blank(0.3))
    results = finals(heard(Transcriber(nets).stream(), spoken("bc", 1.1, "de", 1.7, "ef")))
    assert [(each.text, each.reason) for each in results] == [("bc de", "pause"), ("ef", "end")]


def _logit_beside_blank(probability: float) -> float:
    return 20 + float(np.log(probability / (1 - probability)))


@pytest.mark.parametrize("beam", [1, 3])
def test_a_phrase_without_end_is_cut_between_words(beam: int) -> None:
    text = " ".join(["abcde fed"] * 30)
    rules = [Rule("longest", 0.0, after_words=False, at_least_s=3.01)]
    transcriber = Transcriber(Tones(), rules=rules, beam=beam)
    results = heard(transcriber.stream(), spoken(text))
    assert said(results) == text
    told = finals(results)
    assert len(told) > 8
    assert {each.reason for each in told} == {"longest", "end"}
    starts = [word.start for word in all_words(results)]
    assert starts == sorted(starts)
    for one, other in pairwise(told):
        assert one.words[-1].end <= one.end == other.start <= other.words[0].start


class Remembering(Tones):
    """Knows how many frames it remembers when it hears more."""

    def __init__(self) -> None:
        super().__init__()
        self.remembered: list[int] = []

    def encoder_state(self, batch: int) -> State:
        return (*super().encoder_state(batch), np.zeros((batch, 1), np.int64))

    def encode(self, mels: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        *tones, frames = state
        self.remembered.append(int(frames[0, 0]))
        encoded, after = super().encode(mels, tuple(tones))
        return encoded, (*after, frames + encoded.shape[1])


def test_a_phrase_after_a_pause_begins_as_a_stream_does() -> None:
    networks = Remembering()
    results = heard(Transcriber(networks).stream(), spoken("ab", 2.0, "cd", 2.0, "ef"))
    assert [each.text for each in finals(results)] == ["ab", "cd", "ef"]
    assert networks.remembered.count(0) == 3
    words = Remembering()
    rules = [Rule("longest", 0.0, after_words=False, at_least_s=1.0)]
    assert len(finals(heard(Transcriber(words, rules=rules).stream(), spoken("abcdef" * 4)))) > 2
    assert words.remembered.count(0) == 1


def test_one_endless_word_does_not_keep_its_segment_open() -> None:
    rules = [Rule("longest", 0.0, after_words=False, at_least_s=1.0)]
    results = heard(Transcriber(Tones(), rules=rules).stream(), spoken("abcdef" * 4))
    assert len(finals(results)) > 2
    assert "".join(word.text for word in all_words(results)) == "abcdef" * 4


def test_nothing_heard_is_told_where_a_rule_asks_for_it() -> None:
    results = heard(Transcriber(Tones()).stream(), spoken(10.5))
    assert [(each.text, each.reason) for each in results] == [("", "nothing heard")] * 2
    assert not heard(Transcriber(Tones(), rules=()).stream(), spoken(10.5))


@pytest.mark.parametrize("beam", [1, 3])
def test_streams_together_hear_what_each_hears_alone(beam: int) -> None:
    transcriber = Transcriber(Tones(2), beam=beam)
    sounds = [
        spoken("ab", 1.2, "cd"),
        spoken(0.33, "fe dc", 0.1),
        spoken(0.01),
        spoken(1.0, "abc"),
    ]
    alone = [finals(heard(transcriber.stream(), each)) for each in sounds]
    assert together(transcriber, sounds) == alone


def together(transcriber: Transcriber, sounds: Sequence[np.ndarray]) -> list[list[Result]]:
    streams = [transcriber.stream() for _ in sounds]
    found: list[list[Result]] = [[] for _ in sounds]
    # Each comes in pieces of its own length, and begins when it will.
    for turn in range(100):
        pairs = []
        for number, (stream, sound) in enumerate(zip(streams, sounds, strict=True)):
            piece, place = 700 + 500 * number, turn - 3 * number
            if place >= 0:
                pairs.append((stream, sound[piece * place : piece * (place + 1)]))
        members = [streams.index(stream) for stream, _ in pairs]
        for number, results in zip(members, transcriber.accept_many(pairs), strict=True):
            found[number] += results
    for number, results in enumerate(transcriber.finish_many(streams)):
        found[number] += results
    return [finals(each) for each in found]


def test_networks_of_torch_are_heard_the_same_together_and_alone() -> None:
    nets = networks("lstm", blank=6.0)
    transcriber = Transcriber(nets)
    random = np.random.default_rng(1)
    envelope = np.repeat(random.random(40), 1600)
    sounds = [
        (0.1 * envelope * random.standard_normal(64_000)).astype(np.float32) for _ in range(3)
    ]
    alone = [finals(heard(transcriber.stream(), each)) for each in sounds]
    assert all(any(each.words for each in results) for results in alone)
    joined = together(transcriber, sounds)
    for one, other in zip(joined, alone, strict=True):
        assert [each.text for each in one] == [each.text for each in other]
        assert [each.end for each in one] == [each.end for each in other]


@pytest.mark.parametrize("beam", [1, 3])
def test_a_long_stream_is_not_kept(beam: int) -> None:
    stream = Transcriber(Tones(), beam=beam).stream()
    minute = spoken("ab cd ef", 1.0, "fed cba", 2.0, "a", 6.0)
    sizes = []
    for _ in range(8):
        assert said(stream.accept(minute)) == "ab cd ef fed cba a"
        kept = (stream.segment, stream.encoder, stream._mels, stream._sound)
        sizes.append(len(pickle.dumps(kept)))
    assert max(sizes[4:]) <= max(sizes[:4]) + 100


def test_other_readings_go_with_finals() -> None:
    nets = Tones(doubtful=_logit_beside_blank(0.2))
    transcriber = Transcriber(nets, beam=4, alternatives=3)
    [*_, final] = heard(transcriber.stream(), spoken("bc", 0.2))
    assert final.text == final.alternatives[0].text
    assert len({each.text for each in final.alternatives}) == 3
    scores = [each.score for each in final.alternatives]
    assert scores == sorted(scores, reverse=True)
    assert 0 < final.words[0].confidence < 1


def test_expected_phrases_are_heard_where_it_is_close() -> None:
    close = Tones(doubtful=_logit_beside_blank(0.02))
    samples = spoken(0.16, "b", 0.1)
    plain = heard(Transcriber(close, beam=4).stream(), samples)
    biased = heard(Transcriber(close, beam=4, phrases={"a b": 8.0}).stream(), samples)
    assert said(plain) == "b"
    assert said(biased) == "a b"


def test_what_is_no_sound_is_refused_and_the_stream_goes_on() -> None:
    stream = Transcriber(Tones()).stream()
    broken = spoken("a")
    broken[7] = np.nan
    wrong = [
        broken,
        spoken("a").astype(np.float64),
        spoken("a")[None],
        [0.0],
        np.zeros(3, np.int16),
    ]
    for each in wrong:
        with pytest.raises(RecogniserError):
            stream.accept(each)  # type: ignore[arg-type]
    assert said(heard(stream, spoken("ab"))) == "ab"
    with pytest.raises(RecogniserError, match="ended"):
        stream.accept(spoken("a"))
    with pytest.raises(RecogniserError, match="ended"):
        stream.finish()


def test_streams_of_others_and_the_same_twice_are_refused() -> None:
    one, other = Transcriber(Tones()), Transcriber(Tones())
    stream = one.stream()
    with pytest.raises(RecogniserError, match="another"):
        other.accept_many([(stream, spoken("a"))])
    with pytest.raises(RecogniserError, match="twice"):
        one.accept_many([(stream, spoken("a")), (stream, spoken("a"))])
    assert said(heard(stream, spoken("b"))) == "b"


def test_arguments_that_make_no_sense_are_refused() -> None:
    for wrong in ({"chunk": 0}, {"beam": 0}, {"timing": Timing(0.03)}):
        with pytest.raises(RecogniserError):
            Transcriber(Tones(), **wrong)  # type: ignore[arg-type]


def test_who_wants_phrases_to_end_soon_has_all_their_words() -> None:
    transcriber = Transcriber(Tones(), rules=[Rule("soon", 0.2)], chunk=1)
    results = finals(heard(transcriber.stream(), spoken("ab cd", 0.4, "ef", 0.4)))
    assert [(each.text, each.reason) for each in results] == [("ab cd", "soon"), ("ef", "soon")]
