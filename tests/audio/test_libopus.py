import subprocess
import sys

import numpy as np
import pytest

from allears.audio import libopus
from allears.audio.libopus import Bandwidth, Decoder, Encoder, OpusError
from allears.wire.opus import OpusPacket
from tests.real import packets, speech


@pytest.mark.parametrize("frame_ms", libopus.FRAME_MS)
@pytest.mark.parametrize("rate", libopus.RATES)
def test_speech_survives_every_rate_and_frame(rate: int, frame_ms: float) -> None:
    """Encoder and decoder agree on the entropy coder's state after every single packet."""
    from allears.audio.resample import resample

    said = resample(speech(seconds=1.5), 16_000, rate)
    encoder, decoder = Encoder(rate, frame_ms=frame_ms, bitrate=48_000), Decoder(rate)
    heard = []
    for at in range(0, len(said) - encoder.frame_size + 1, encoder.frame_size):
        packet = encoder.encode(said[at : at + encoder.frame_size])
        heard.append(decoder.decode(packet))
        assert decoder.final_range == encoder.final_range
        assert decoder.last_packet_duration == encoder.frame_size == len(heard[-1])
    both = np.concatenate(heard)[encoder.lookahead :]
    correlation = np.corrcoef(both, said[: len(both)])[0, 1]
    assert correlation > 0.8


def test_settings_reach_the_encoder() -> None:
    said = speech(seconds=3).reshape(-1, 320)

    def sizes(**settings: object) -> list[int]:
        encoder = Encoder(16_000, **settings)  # type: ignore[arg-type]
        return [len(encoder.encode(frame)) for frame in said]

    assert np.mean(sizes(bitrate=40_000)) == pytest.approx(100, rel=0.1)
    assert np.mean(sizes(bitrate=12_000)) == pytest.approx(30, rel=0.15)
    assert set(sizes(bitrate=32_000, vbr=False)) == {80}
    narrow = Encoder(16_000, bandwidth=Bandwidth.NARROWBAND)
    assert OpusPacket.parse(narrow.encode(said[50])).bandwidth == "nb"
    limited = Encoder(16_000, max_bandwidth=Bandwidth.MEDIUMBAND)
    assert OpusPacket.parse(limited.encode(said[50])).bandwidth in ("nb", "mb")


def test_settings_change_between_packets() -> None:
    encoder = Encoder(16_000, bitrate=16_000)
    said = speech(seconds=4).reshape(-1, 320)
    before = [encoder.encode(frame) for frame in said[:100]]
    encoder.set_bitrate(48_000)
    encoder.set_redundancy(inband_fec=True, expected_loss=0.3)
    after = [encoder.encode(frame) for frame in said[100:]]
    assert sum(map(len, after)) > 2 * sum(map(len, before))
    assert not any(OpusPacket.parse(packet).lbrr[0] for packet in before)
    assert any(OpusPacket.parse(packet).lbrr[0] for packet in after)


def test_silence_under_dtx_says_so() -> None:
    encoder = Encoder(16_000, dtx=True)
    for frame in speech(seconds=1).reshape(-1, 320):
        encoder.encode(frame)
    sizes = [len(encoder.encode(np.zeros(320, np.float32))) for _ in range(60)]
    assert sizes[-1] <= libopus.DTX_BYTES and encoder.in_dtx


def test_lbrr_brings_back_what_concealment_guesses() -> None:
    """Every third packet lost: the in-band copy is nearer to what was said than a guess."""
    real = packets(32_000, True)
    clean, fec, guess = Decoder(16_000), Decoder(16_000), Decoder(16_000)
    errors = {"fec": 0.0, "guess": 0.0}
    for number, packet in enumerate(real[:-1]):
        truth = clean.decode(packet)
        if number % 3:
            fec.decode(packet)
            guess.decode(packet)
            continue
        errors["fec"] += float(np.sum((fec.decode_fec(real[number + 1], 320) - truth) ** 2))
        errors["guess"] += float(np.sum((guess.conceal(320) - truth) ** 2))
    assert errors["fec"] < 0.5 * errors["guess"]


def test_loud_speech_is_bent_not_cut() -> None:
    """As libopus' 16-bit interface does it, though decoded as floats."""
    loud = np.clip(speech(seconds=2) * 6, -1, 1)
    encoder, decoder = Encoder(16_000, bitrate=16_000), Decoder(16_000)
    heard = np.concatenate([decoder.decode(encoder.encode(f)) for f in loud.reshape(-1, 320)])
    assert 0.9 < np.abs(heard).max() <= 1.0


def test_decoder_resets() -> None:
    first, second = Decoder(16_000), Decoder(16_000)
    for packet in packets()[:50]:
        first.decode(packet)
    first.reset()
    assert (first.decode(packets()[100]) == second.decode(packets()[100])).all()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: Encoder(44_100), "44100 Hz.*resample"),
        (lambda: Decoder(22_050), "22050 Hz"),
        (lambda: Encoder(16_000, frame_ms=30), "30 ms: choose"),
        (lambda: Encoder(16_000, bitrate=-5), "SET_BITRATE -5"),
        (lambda: Encoder(16_000).encode(np.zeros(100, np.float32)), "100 samples.*320"),
        (lambda: Decoder(16_000).decode(b"\xff\xff\xff"), "corrupted"),
    ],
)
def test_refusals_say_why(call, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OpusError, match=reason):
        call()


def test_the_library_says_what_it_is() -> None:
    found = libopus.features()
    assert found.version.startswith("libopus 1.")
    assert "opus" in found.path


def test_no_library_is_said_with_the_remedy() -> None:
    code = "from allears.audio.libopus import features; features()"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"ALLEARS_LIBOPUS": "/nowhere/libopus.so", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no libopus found: install PyAV" in run.stderr
    assert "/nowhere/libopus.so" in run.stderr
