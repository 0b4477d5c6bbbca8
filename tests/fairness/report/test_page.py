"""The page, opened from a file in a real browser that has no network."""

import re
from dataclasses import replace
from functools import cache

import pytest
from playwright.sync_api import Page, expect

from allears.fairness.findings import Audit, Comparison, Example, LeftOut
from allears.fairness.report.page import CHART, render
from allears.fairness.report.sentences import headline
from tests.fairness.report.conftest import Open
from tests.fairness.report.made import HOSTILE, accents, audit, full, group, grouping, regions


@cache
def html() -> str:
    return render(full())


def hostile() -> Audit:
    """Every text of it comes from somebody else."""
    found = full()
    named = replace(accents().groups[0], name=HOSTILE, about=HOSTILE)
    by = grouping(HOSTILE, named, *accents().groups[1:])
    moved = regions()
    region = replace(moved.regions[0], group=HOSTILE)
    place = replace(
        moved, by="place", worst=HOSTILE, groups=(replace(moved.groups[0], name=HOSTILE), *moved.groups[1:]),
        regions=(region, *moved.regions[1:]),
    )  # fmt: skip
    assert found.comparison
    three = found.comparison.overall
    return replace(
        found, source=HOSTILE, groupings=(by, place), notes=(HOSTILE,), settings={HOSTILE: HOSTILE},
        left_out=(LeftOut(HOSTILE, 1, (1,)),), examples=(Example(HOSTILE, HOSTILE, HOSTILE, 1, 2),),
        comparison=Comparison(HOSTILE, HOSTILE, three, {HOSTILE: {HOSTILE: three}}),
    )  # fmt: skip


def test_the_page_stands_alone_and_is_small() -> None:
    assert len(html()) < 600_000
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", html())
    assert "@import" not in html() and not re.findall(r"url\((?!#)", html())
    # Names of namespaces are no addresses that anybody goes to.
    assert not re.findall(r"https?://(?!www\.w3\.org/)", html())


def test_what_others_wrote_does_nothing(open_html: Open) -> None:
    found = render(hostile())
    assert (
        "<img" not in found and "49" not in re.findall(r"<title>(.*?)</title>", found, re.DOTALL)[0]
    )
    tab = open_html(found)
    assert tab.evaluate("window.broken") is None
    assert HOSTILE in tab.locator("h1").inner_text()
    expect(tab.locator(".examples dd").first).to_contain_text("window.broken = 1")


def test_all_parts_are_there(open_html: Open) -> None:
    tab = open_html(html())
    assert tab.locator("h1").inner_text() == headline(full())
    assert tab.locator("h2").all_inner_texts() == [
        "At a glance", "Accent", "Where speakers live", "The group served worst", "What went wrong",
        "small and large, compared", "What it would take to know more", "What was left out",
    ]  # fmt: skip
    row = tab.locator("#table-1 tbody tr").first
    expect(row).to_contain_text("Indian English")
    expect(row).to_contain_text("served worse")
    left = tab.locator("section", has_text="What was left out").locator("tbody tr")
    assert left.nth(0).inner_text().split("\t") == [
        "no words in the reference",
        "3",
        "17, 230, 1004",
    ]
    assert left.nth(1).inner_text().endswith("5, 6, 7 …")
    expect(tab.locator(".examples del").first).to_contain_text("call")
    expect(tab.locator(".examples ins").first).to_contain_text("fall")
    expect(tab.locator(".examples")).to_contain_text("nothing")


def test_groups_that_are_too_small_are_counted_and_not_named() -> None:
    assert "2 groups of too few speakers are not shown" in html()


def test_an_audit_with_nothing_in_it_has_a_page(open_html: Open) -> None:
    nothing = audit(grouping("age", suppressed=4), settings=None)
    tab = open_html(render(nothing))
    expect(tab.locator("h1")).to_contain_text("no group has enough speakers")
    assert "Nothing: every row was counted." in tab.locator("main").inner_text()
    assert tab.locator(".examples, .map, #compared, #worst").count() == 0
    open_html(render(replace(nothing, groupings=())))


PLACES = """row => {
  const [point, whole] = [".point", ".chart"].map(each => row.querySelector(each).getBoundingClientRect());
  return point.x + point.width / 2;
}"""


def test_intervals_are_drawn_where_they_are(open_html: Open) -> None:
    """31.2, 28, 21 and 12 per cent: distances go as differences do, the marks by what is sure."""
    tab = open_html(html())
    rows = tab.locator("#table-1 tbody tr")
    first, second, third, last = (rows.nth(each).evaluate(PLACES) for each in range(4))
    assert (first - second) / (first - last) == pytest.approx((31.2 - 28) / (31.2 - 12), abs=0.01)
    assert (second - third) / (first - last) == pytest.approx((28 - 21) / (31.2 - 12), abs=0.01)
    span = rows.nth(1).locator(".span").evaluate("each => each.getBoundingClientRect().width")
    assert span / (first - last) == pytest.approx(2 * 2.8 / (31.2 - 12), abs=0.01)
    assert rows.nth(1).locator("circle.point").count() == 1
    assert rows.nth(0).locator("path.point").count() == 1


def names(tab: Page, table: int) -> list[str]:
    return tab.locator(f"#table-{table} tbody th").all_inner_texts()


def test_tables_are_sorted_by_keyboard(open_html: Open) -> None:
    tab = open_html(html())
    before = names(tab, 1)
    button = tab.locator("#table-1").get_by_role("button", name="Words wrong")
    heading = tab.locator("#table-1 th").filter(has_text="Words wrong")
    button.focus()
    tab.keyboard.press("Enter")
    assert names(tab, 1) == before
    expect(heading).to_have_attribute("aria-sort", "descending")
    tab.keyboard.press("Enter")
    assert names(tab, 1) == before[::-1]
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(tab.get_by_role("status")).to_have_text("Sorted by Words wrong, ascending")
    tab.locator("#table-1").get_by_role("button", name="Group").press("Space")
    assert [each.split("\n")[0] for each in names(tab, 1)] == [
        "Indian English", "Nigerian English", "Scottish English", "US English",
    ]  # fmt: skip
    expect(heading).not_to_have_attribute("aria-sort", "ascending")


def test_what_is_unknown_comes_last_however_it_is_sorted(open_html: Open) -> None:
    unknown = replace(
        group("unknown", 0.2, 1, 0.5), wer=accents().groups[0].wer._replace(value=float("nan"))
    )
    tab = open_html(
        render(audit(grouping("age", unknown, group("b", 0.3, 1, 0.5), group("a", 0.1, 1, 0.5))))
    )
    button = tab.get_by_role("button", name="Words wrong")
    button.click()
    assert names(tab, 1) == ["b", "a", "unknown"]
    button.click()
    assert names(tab, 1) == ["a", "b", "unknown"]


def test_more_figures_and_more_groups_on_demand(open_html: Open) -> None:
    many = grouping("age", *(group(f"group {each}", 0.3, 1.0, 0.5) for each in range(CHART + 5)))
    tab = open_html(render(audit(many)))
    table = tab.locator("#table-1")
    expect(table.locator("tbody tr:visible")).to_have_count(CHART)
    tab.get_by_label(f"Show all {CHART + 5} groups").press("Space")
    expect(table.locator("tbody tr:visible")).to_have_count(CHART + 5)
    expect(table.locator("thead th:visible")).to_have_count(7)
    tab.get_by_label("All figures").press("Space")
    expect(table.locator("thead th:visible")).to_have_count(14)


def test_the_map_is_moved_by_keyboard(open_html: Open) -> None:
    tab = open_html(html())
    box = "map => map.viewBox.baseVal.width"
    chart = tab.locator(".map")
    assert chart.evaluate(box) == 1000
    nearer = tab.get_by_role("button", name="Nearer")
    west = tab.get_by_role("button", name="West")
    expect(west).to_be_disabled()
    nearer.press("Enter")
    assert chart.evaluate(box) == 500
    middle = chart.evaluate("map => map.viewBox.baseVal.x")
    west.press("Enter")
    assert chart.evaluate("map => map.viewBox.baseVal.x") < middle
    west.press("Enter")
    expect(west).to_be_disabled()
    assert tab.evaluate(
        "document.activeElement.dataset.zoom"
    )  # the focus did not go with the button
    tab.get_by_role("button", name="Farther").press("Enter")
    assert chart.evaluate(box) == 1000


def test_a_row_points_at_its_region(open_html: Open) -> None:
    tab = open_html(html())
    tab.locator("#table-2 tbody tr").nth(3).hover()
    assert tab.locator(".region.pointed").get_attribute("data-group") == "region 4"
    region = tab.locator(".region[data-group='region 1']")
    region.hover(position={"x": 40, "y": 40})
    assert tab.locator("tr.pointed th").inner_text() == "region 1"


def test_without_script_nothing_is_lost(open_html: Open) -> None:
    tab = open_html(html(), java_script_enabled=False)
    expect(tab.locator("#table-2 tbody tr")).to_have_count(7)
    expect(tab.locator(".map .region")).to_have_count(7)
    expect(tab.locator(".zoom")).to_be_hidden()
    tab.get_by_label("All figures").first.check()
    expect(tab.locator("#table-1 thead th:visible")).to_have_count(14)


@pytest.mark.parametrize("width", [320, 390, 768, 1200, 1920])
def test_nothing_sticks_out(open_html: Open, width: int) -> None:
    tab = open_html(html(), viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_print_shows_all_that_is_folded(open_html: Open) -> None:
    tab = open_html(html())
    tab.emulate_media(media="print")
    expect(tab.locator(".zoom")).to_be_hidden()
    for text in ("Word error rate: words replaced", "Speakers drawn anew"):
        shown = tab.get_by_text(text)
        assert shown.bounding_box() is not None
        assert shown.evaluate("each => each.checkVisibility({ contentVisibilityAuto: true })")
