"""What a pipeline fails by."""

from dataclasses import replace

import pytest

from allears.fairness.refusal import AuditError
from allears.fairness.report.limits import MEASURES, parse
from tests.fairness.report.made import NOTHING, accents, audit, full, grouping, regions


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("gap>1.5", ["accent"]),  # 1.6 by accent, 1.38 by region
        ("gap>1.3", ["accent", "latitude, longitude"]),
        ("accent.gap > 160.1%", []),
        ("accent.gap>=1.6", ["accent"]),
        ("latitude, longitude.gap>1", ["latitude, longitude"]),
        ("worst>.3", ["accent"]),
        ("accent.worst_high > 0.34", ["accent"]),
        ("accent.ratio_low > 1.3", []),
        ("p<0.001", ["accent"]),
        ("worse>=1", ["accent", "latitude, longitude"]),
        ("unseen<0.2", []),
        ("wer>18%", [""]),
        ("wer_high>0.204", []),
        ("change_high<0", [""]),
    ],
)
def test_a_limit_is_broken_where_it_is(text: str, broken: list[str]) -> None:
    lines = list(parse(text).broken(full()))
    assert len(lines) == len(broken)
    for line, by in zip(lines, broken, strict=True):
        assert line.startswith(f"{by}: " if by else parse(text).measure) and text in line


def test_groupings_may_have_signs_in_their_names() -> None:
    crossed = replace(accents(), by="gender*v1.accent")
    assert len(list(parse("gender*v1.accent.gap>1").broken(audit(crossed)))) == 1


def test_what_cannot_be_had_breaks_nothing_and_is_said() -> None:
    unknown = audit(replace(accents(), gap=NOTHING))
    for text in ("gap>0", "gap<1", "gap_low>0"):
        assert not list(parse(text).broken(unknown))
        (line,) = parse(text).unjudged(unknown)
        assert "could not be judged" in line
    half = audit(replace(accents(), gap=NOTHING), regions())
    assert not list(parse("gap>0").unjudged(half))
    assert list(parse("accent.gap>0").unjudged(half))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("gap", "like gap>0.3"),
        ("gap>", "like gap>0.3"),
        ("gap=0.3", "like gap>0.3"),
        ("gap>0.3 or p<1", "like gap>0.3"),
        ("", "like gap>0.3"),
        ("gep>0.3", "choose one of gap, gap_low"),
        ("accent.wer>0.3", "leave 'accent' out"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(AuditError, match="--fail-if") as refused:
        parse(text)
    assert remedy in str(refused.value)


def test_a_limit_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(AuditError, match=r"there is: accent, latitude, longitude"):
        list(parse("age.gap>0.3").broken(audit(accents(), regions())))
    with pytest.raises(AuditError, match="give --compare"):
        list(parse("change>0").broken(audit()))


def test_every_measure_can_be_had() -> None:
    for measure in MEASURES:
        assert not list(parse(f"{measure}<-9").broken(full()))
        assert not list(parse(f"{measure}<0").unjudged(full()))
    assert not list(parse("worst>0").broken(audit(grouping("age"))))
