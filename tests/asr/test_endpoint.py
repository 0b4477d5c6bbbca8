import pytest

from allears.asr.endpoint import RULES, Heard, Rule, ended
from allears.asr.recogniser import RecogniserError


def fired(timeline: list[float], until: float, doubt: float = 0.0) -> tuple[str, float] | None:
    """Which of the usual rules ends a segment of words at these seconds, and when."""
    for tick in range(int(until * 25)):
        now = tick / 25
        so_far = [second for second in timeline if second <= now]
        silence = now - so_far[-1] if so_far else now
        rule = ended(RULES, Heard(now, silence, len(so_far), doubt))
        if rule:
            return rule.name, now
    return None


@pytest.mark.parametrize(
    ("timeline", "doubt", "expected"),
    [
        ([], 0.0, ("nothing heard", 5.0)),
        ([0.4, 0.9], 0.0, ("ended", 1.7)),
        ([0.4, 1.1, 1.8], 0.0, ("ended", 2.6)),
        ([0.4, 0.9], 0.5, ("pause", 2.3)),
        ([0.4, 1.7, 3.0], 0.5, ("pause", 4.4)),
        ([4.9], 0.0, ("ended", 5.7)),
        ([each / 2 for each in range(60)], 0.0, ("long", 15.3)),
        ([each / 5 for each in range(200)], 0.0, ("longest", 20.0)),
    ],
)
def test_when_the_usual_rules_end_a_segment(
    timeline: list[float], doubt: float, expected: tuple[str, float]
) -> None:
    found = fired(timeline, 30.0, doubt)
    assert found is not None
    assert found[0] == expected[0]
    assert found[1] == pytest.approx(expected[1], abs=0.05)


def test_pauses_between_words_end_nothing() -> None:
    assert fired([0.4, 1.1, 1.8, 2.5, 3.2], 3.9) is None


def test_a_rule_waits_for_all_it_asks_for() -> None:
    rule = Rule("mine", 0.5, after_words=True, at_least_s=2.0, doubt=0.2)
    assert rule.holds(Heard(2.0, 0.5, 1, 0.2))
    assert not rule.holds(Heard(1.9, 0.5, 1, 0.2))
    assert not rule.holds(Heard(2.0, 0.4, 1, 0.2))
    assert not rule.holds(Heard(2.0, 0.5, 0, 0.2))
    assert not rule.holds(Heard(2.0, 0.5, 1, 0.3))
    assert Rule("mine", 0.5, after_words=False).holds(Heard(0.5, 0.5, 0))
    assert ended([], Heard(100.0, 100.0, 9)) is None


def test_rules_that_make_no_sense_are_refused() -> None:
    for wrong in ((-1.0, 1.0, 0.5), (1.0, -1.0, 0.5), (1.0, 1.0, 1.5), (0.0, 0.0, 0.5)):
        silence, least, doubt = wrong
        with pytest.raises(RecogniserError, match="mine"):
            Rule("mine", silence, at_least_s=least, doubt=doubt)
