import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allears.corpus.text import lost, normalise


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("  He said: “Don’t!”  ", "he said don't"),
        ("The boys' café—well-known", "the boys' cafe well known"),
        ("ROCK 'N' ROLL", "rock 'n' roll"),
        ("either/or…then", "either or then"),
        ("wait...what", "wait what"),
        ("U.S.A.", "usa"),
        ("it''s ' a '", "it's a"),
        ("ﬁne", "fine"),
        ("room 101", "room"),
        ("", ""),
    ],
)
def test_texts_become_plain_words(written, spoken):
    assert normalise(written) == spoken


def test_what_is_spoken_but_not_kept_is_told():
    assert lost("48 Ridge Rd. — 48% of “Straße” & Мир!") == "48%ß&мир"
    assert lost("Don’t, “naïve” (well-known)…") == ""


@given(st.text())
def test_nothing_else_is_left_and_plain_text_stays(text):
    plain = normalise(text)
    assert re.fullmatch(r"([a-z']+( [a-z']+)*)?", plain)
    assert normalise(plain) == plain
    assert not lost(plain)
