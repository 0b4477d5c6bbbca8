from dataclasses import replace

import numpy as np
import pytest
import soundfile

from allears.asr.bundle import serialise
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import Characters, Marked
from allears.audio.files import AudioFileError
from allears.parties import opening
from allears.parties.events import Kind
from allears.parties.opening import enrol, open_converser
from allears.parties.who import Speakers
from allears.speaker import embedder as network
from allears.speaker.bundle import serialise as voices_file
from allears.speaker.refusal import SpeakerError
from allears.speaker.verifier import Verifier
from tests.asr import small as single
from tests.asr.small import TOKENS
from tests.parties.small import MARKED, STEP, events, exported
from tests.real import speech
from tests.speaker import small as voices

RATE = 16_000


class Loudness:
    """Knows voices by the share of their power below 500 Hz: as real an embedder as a test needs."""

    def __init__(self):
        self.heard = []

    def embed(self, samples):
        self.heard.append(len(samples))
        power = np.abs(np.fft.rfft(samples)) ** 2
        if power.sum() / len(samples) < 1e-3:
            raise RecogniserError("nobody speaks")
        low = power[: 500 * len(samples) // RATE].sum() / power.sum()
        return np.array([np.cos(np.pi * low / 2), np.sin(np.pi * low / 2)], np.float32)

    def same(self, first, second):
        return 50 * (float(first @ second) - 0.98)


@pytest.fixture
def room(tmp_path):
    (tmp_path / "small.safetensors").write_bytes(serialise(exported()))
    soundfile.write(tmp_path / "ann.wav", speech("lj", 3), RATE)
    soundfile.write(tmp_path / "ben.flac", np.stack([speech("jfk", 2)] * 2, 1), RATE)
    return tmp_path


def refusal(*arguments, **options):
    with pytest.raises(RecogniserError) as error:
        open_converser(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_opens_as_it_was_made(room, monkeypatch):
    assert open_converser(room / "small.safetensors").meet is not None  # by the voices that ship
    monkeypatch.setattr(opening, "EMBEDDER_FILE", room / "none.safetensors")
    found = open_converser(room / "small.safetensors", chunk_s=0.4)
    assert found.chunk == 10 and found.meet is None and found.networks.branches == 2
    assert (found.manner.start, found.manner.end, found.manner.step) == (0, 0, STEP)
    kinds = [each.kind for each in events(found, [speech("lj", 2)])]
    assert Kind.PARTIAL in kinds and kinds[-1] is Kind.TURN_END


def test_delays_are_taken_off(room):
    about = replace(
        exported().about,
        start_delay_s=0.1,
        end_delay_s=0.2,
        turn_start_delay_s=0.3,
        turn_end_delay_s=-0.4,
    )
    path = room / "late.safetensors"
    path.write_bytes(serialise(replace(exported(), about=about)))
    manner = open_converser(path).manner
    assert (manner.words.start, manner.words.end, manner.start, manner.end) == (0.1, 0.2, 0.3, -0.4)


@pytest.mark.parametrize("delay", ["turn_start_delay_s", "turn_end_delay_s"])
def test_delays_that_are_none_are_refused(delay):
    for wrong in (10.0, float("nan")):
        with pytest.raises(ValueError, match="delays of"):
            replace(exported().about, **{delay: wrong})


def test_files_that_cannot_hear_conversations(room):
    files = {
        "single": (single.exported(), "one talker at a time; hear it with allears transcribe"),
        "words": (replace_tokens(), "tells words, but no turns"),
        "changes": (exported(2, Marked(TOKENS, 1)), "has 1 marks"),
    }
    for name, (bundle, why) in files.items():
        path = room / f"{name}.safetensors"
        path.write_bytes(serialise(bundle))
        said = refusal(path)
        assert why in said and said.startswith(f"{path}: ")
    for path in (room / "ann.wav", room / "none"):
        said = refusal(path)
        assert str(path) in said and "allears export" in said


def replace_tokens():
    """Two branches, but as many plain symbols as there are letters and marks."""
    return replace(
        exported(2, Marked(TOKENS, 2)), tokens=Characters("abcde'"[: (MARKED.size - 1) // 2])
    )


def test_the_one_that_ships_needs_no_name(room, monkeypatch):
    monkeypatch.setattr(opening, "SHIPPED_FILE", room / "none.safetensors")
    assert "--model FILE.safetensors" in refusal()
    monkeypatch.setattr(opening, "SHIPPED_FILE", room / "small.safetensors")
    assert open_converser().networks.branches == 2


def test_nobody_can_be_enrolled_where_no_voice_is_known(room, monkeypatch):
    monkeypatch.setattr(opening, "EMBEDDER_FILE", room / "none.safetensors")
    said = refusal(room / "small.safetensors", enrolled={"Ann": room / "ann.wav"})
    assert "--embedder FILE" in said and "--enrol" in said


def test_those_who_are_enrolled_may_be_met_in_every_stream(room, monkeypatch):
    knowing = Loudness()
    monkeypatch.setattr(opening, "Verifier", lambda _: knowing)
    monkeypatch.setattr(network, "Embedder", lambda _: None)
    clips = {"Ann": room / "ann.wav", "Ben": room / "ben.flac"}
    found = open_converser(room / "small.safetensors", embedder=room / "x", enrolled=clips)
    assert knowing.heard == [3 * RATE, 2 * RATE]
    first, second = found.meet(), found.meet()
    assert isinstance(first, Speakers) and first is not second
    assert first.guess(knowing.embed(speech("lj", 3))) == "Ann"
    assert first.guess(knowing.embed(speech("jfk", 2))) == "Ben"
    told = events(found, [speech("lj", 4)])
    assert {each.speaker for each in told if each.kind is Kind.FINAL} & {"Ann", "speaker 1"}


def test_clips_that_nobody_can_be_known_by(room):
    soundfile.write(room / "short.wav", speech("lj", 0.9), RATE)
    soundfile.write(room / "silence.wav", np.zeros(2 * RATE), RATE)
    (room / "text.wav").write_text("no sound\n" * 99)
    for clip, error, why in (
        ("short.wav", RecogniserError, "0.9 s are too short to know Ann by; enrol a clip of 1 s"),
        ("silence.wav", RecogniserError, "Ann cannot be known by it: nobody speaks"),
        ("text.wav", AudioFileError, "not audio"),
        ("none.wav", AudioFileError, "cannot be opened"),
    ):
        with pytest.raises(error, match=why) as found:
            enrol(Loudness(), "Ann", room / clip)
        assert str(found.value).startswith(str(room / clip))


def test_of_a_long_clip_a_minute_is_heard(room):
    soundfile.write(room / "long.wav", np.tile(speech("lj", 8), 10), RATE)
    knowing = Loudness()
    enrol(knowing, "Ann", room / "long.wav")
    assert knowing.heard == [60 * RATE]


def test_who_is_enrolled_as_a_number_is_no_stranger():
    knowing = Loudness()
    voices = {"speaker 1": np.array([1, 0], np.float32)}
    speakers = Speakers(knowing, voices)
    assert speakers.name(np.array([0, 1], np.float32), 3.0) == "speaker 2"
    assert speakers.name(np.array([1, 0], np.float32), 3.0) == "speaker 1"


# A network of voices


def test_a_network_of_voices_out_of_its_file_knows_who_is_enrolled(room):
    (room / "voices.safetensors").write_bytes(voices_file(voices.exported()))
    found = open_converser(
        room / "small.safetensors",
        embedder=room / "voices.safetensors",
        enrolled={"Ann": room / "ann.wav"},
    )
    heard = network.Embedder(room / "voices.safetensors").embed(speech("lj", 3))
    assert found.meet()._likeliest(heard, ())[0] == "Ann"
    assert found.meet()._likeliest(heard, ["Ann"])[0] == ""
    soundfile.write(room / "silence.wav", np.zeros(2 * RATE), RATE)
    with pytest.raises(
        RecogniserError, match=r"silence.wav: Ann .* 0.00 s of voice .* give a clip"
    ):
        enrol(Verifier(network.Embedder(room / "voices.safetensors")), "Ann", room / "silence.wav")
    with pytest.raises(SpeakerError, match=r"small.safetensors: "):
        open_converser(room / "small.safetensors", embedder=room / "small.safetensors")
