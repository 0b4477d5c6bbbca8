"""Columns by their usual names, or as named."""

import pytest

from allears.fairness.columns import Columns, find
from allears.fairness.refusal import AuditError


def test_usual_names_in_any_case() -> None:
    there = ["Sentence", "PREDICTION", "client_id", "Lat", "lng", "ZipCode", "path", "gender"]
    found = find("r.csv", there, Columns(by=("Gender",)))
    assert found == Columns(
        reference="Sentence",
        hypothesis="PREDICTION",
        speaker="client_id",
        utterance="path",
        latitude="Lat",
        longitude="lng",
        zip="ZipCode",
        by=("gender",),
    )
    assert not found.counted
    assert found.labels == ("gender", "ZipCode")


def test_counts_where_there_is_no_text() -> None:
    found = find("r.csv", ["speaker", "errors", "n_words", "reference"])
    assert (found.errors, found.words, found.reference) == ("errors", "n_words", None)
    assert found.counted


def test_texts_go_before_counts_unless_named() -> None:
    there = ["speaker", "errors", "words", "ref", "hyp"]
    assert find("r.csv", there).reference == "ref"
    named = find("r.csv", there, Columns(errors="errors"))
    assert (named.errors, named.words, named.reference) == ("errors", "words", None)
    with pytest.raises(AuditError, match="both named"):
        find("r.csv", there, Columns(errors="errors", reference="ref"))


def test_the_own_name_goes_before_others() -> None:
    there = ["reference", "text", "hypothesis", "speaker"]
    assert find("r.csv", there).reference == "reference"


def test_what_could_be_two_is_refused() -> None:
    there = ["sentence", "text", "hypothesis", "speaker"]
    with pytest.raises(
        AuditError, match=r"r\.csv: the reference could be sentence or text.*--reference"
    ):
        find("r.csv", there)
    assert find("r.csv", there, Columns(reference="text")).reference == "text"
    with pytest.raises(AuditError, match="2 columns 'TEXT'"):
        find("r.csv", ["Text", "text", "hyp", "speaker"], Columns(reference="TEXT"))


@pytest.mark.parametrize(
    ("there", "wish", "says"),
    [
        (["text", "hyp"], Columns(), "no column looks like the speaker.*there are text, hyp.*--speaker"),
        (["text", "speaker"], Columns(), "looks like the hypothesis"),
        (["speaker", "errors"], Columns(), "looks like the words"),
        (["ref", "hyp", "spk"], Columns(by=("age",)), "no column 'age' .--by.; there are ref, hyp, spk"),
        (["ref", "hyp", "spk", "lat"], Columns(latitude="lat"), "looks like the longitude"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(there: list[str], wish: Columns, says: str) -> None:
    with pytest.raises(AuditError, match=says):
        find("results.csv", there, wish)


def test_half_a_place_that_nobody_asked_for_is_none() -> None:
    found = find("r.csv", ["ref", "hyp", "spk", "lat"])
    assert (found.latitude, found.longitude) == (None, None)
