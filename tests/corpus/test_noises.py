import numpy as np
import pytest
import soundfile

from allears.corpus import noises
from allears.corpus.augment import Noise, Reverberation, active_power
from allears.corpus.recordings import CorpusError
from tests.real import REPOSITORY, speech

SHARED = REPOSITORY.parent / "shared/data/noise"


def test_clips_are_read_at_16_khz_in_their_order(tmp_path):
    soundfile.write(tmp_path / "a.wav", speech("lj")[:8000], 8000)
    soundfile.write(tmp_path / "b.wav", speech("lj")[:8000], 16_000)
    (tmp_path / "noise.csv").write_text("path,label\na.wav,voice\nb.wav,voice\n")
    assert [len(clip) for clip in noises.noises(tmp_path)] == [16_000, 8000]


def test_what_is_missing_or_silent_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"rir\.csv: cannot be read"):
        noises.responses(tmp_path)
    (tmp_path / "rir.csv").write_text("path\n")
    with pytest.raises(CorpusError, match=r"rir\.csv: has no clip"):
        noises.responses(tmp_path)
    soundfile.write(tmp_path / "still.wav", np.zeros(100), 16_000)
    (tmp_path / "rir.csv").write_text("path\nstill.wav\n")
    with pytest.raises(CorpusError, match=r"rir\.csv, line 2: .*still\.wav: is silent"):
        noises.responses(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no noises lie beside this checkout")
def test_real_rooms_and_noises_keep_the_energy_of_speech():
    random, dry = np.random.default_rng(0), speech("lj")
    rooms, clips = noises.responses(SHARED), noises.noises(SHARED)
    assert (len(rooms), len(clips)) == (8, 108)
    for room in rooms:
        wet = Reverberation((room,))(dry, random)
        assert wet @ wet == pytest.approx(dry @ dry, rel=1e-3)
        assert abs(np.corrcoef(wet, dry)[0, 1]) < 0.95
    for clip in clips:
        added = Noise((clip,), (10, 10))(dry, random) - dry
        assert active_power(dry) / active_power(added) == pytest.approx(10, rel=0.01)
