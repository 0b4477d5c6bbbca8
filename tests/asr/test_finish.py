"""What becomes of a checkpoint, and by which speech its forms are judged."""

from recipes.recognition.material import joined

from allears.asr.bundle import FLOAT16
from allears.asr.finish import finish
from tests.asr.material import taught


def test_forms_are_judged_by_more_speech_where_there_is_more():
    path, sound = taught()
    words = sum(len(each.text.split()) for each in sound.utterances)
    alone = finish(path, sound, smaller=(FLOAT16,))
    more = finish(path, sound, smaller=(FLOAT16,), more=joined((sound, sound, sound)))
    assert alone.errors[FLOAT16].words == words
    assert more.errors[FLOAT16].words == 3 * words
    assert more.errors[FLOAT16].errors == 3 * alone.errors[FLOAT16].errors
    assert more.bundle.about.form == FLOAT16
    assert (more.lowered, more.delays) == (alone.lowered, alone.delays)
