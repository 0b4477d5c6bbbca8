"""Whoever cannot see colours, the page or a pointer: names, headings, tables, contrast, focus."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import Page

from allears.fairness.report.page import render
from tests.fairness.report.conftest import Open
from tests.fairness.report.made import full

TEXTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *:not(script):not(style)")) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || element.closest(".skip, .hidden, title, desc") || element.disabled) continue;
    const style = getComputedStyle(element);
    if (!element.checkVisibility()) continue;
    // Letters on a map have a rim of paper around them.
    const svg = element.namespaceURI.endsWith("svg");
    const rim = svg && style.stroke !== "none" ? rgba(style.stroke) : null;
    const text = element.textContent.trim().slice(0, 40);
    found.push([text, rgba(svg ? style.fill : style.color), rim ?? ground(element)]);
  }
  return found;
}"""


@cache
def html() -> str:
    return render(full())


def contrast(one: list[int], other: list[int]) -> float:
    """Of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: list[int]) -> float:
        channels = np.array(colour[:3]) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(open_html: Open, scheme: str) -> None:
    tab = open_html(html(), color_scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    tab.evaluate("document.querySelectorAll('.more').forEach(each => each.click())")
    texts = tab.evaluate(TEXTS)
    assert len(texts) > 150
    faint = [
        (text, round(contrast(ink, paper), 2))
        for text, ink, paper in texts
        if contrast(ink, paper) < 4.5
    ]
    assert not faint


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stand_out(open_html: Open, scheme: str) -> None:
    tab = open_html(html(), color_scheme=scheme)
    colours = tab.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          return ["--paper", "--worse", "--better", "--unsure"].map((each) => {
            const colour = style.getPropertyValue(each).trim();
            return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
          });
        }"""
    )
    paper, *marks = colours
    assert all(contrast(mark, paper) >= 3 for mark in marks)


def test_every_picture_has_a_name_or_is_hidden(open_html: Open) -> None:
    tab = open_html(html())
    unnamed = tab.evaluate(
        """() => [...document.querySelectorAll("svg")].filter((svg) => {
          if (svg.closest("[aria-hidden=true]")) return false;
          const ids = (svg.getAttribute("aria-labelledby") ?? "").split(" ");
          const names = ids.map((id) => document.getElementById(id)?.textContent.trim());
          return svg.getAttribute("role") !== "img" || names.length < 2 || !names.every(Boolean);
        }).length"""
    )
    assert unnamed == 0
    assert tab.get_by_role("img").count() == 1
    assert "region 1: 26" in tab.locator(".map desc").inner_html()


def test_headings_and_landmarks_are_in_order(open_html: Open) -> None:
    tab = open_html(html())
    levels = [
        int(each[1])
        for each in tab.locator("h1, h2, h3, h4").evaluate_all("all => all.map(e => e.tagName)")
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tab.locator("main").count() == tab.locator("header").count() == 1
    assert tab.locator("html").get_attribute("lang") == "en"
    ids = tab.locator("[id]").evaluate_all("all => all.map(each => each.id)")
    assert len(ids) == len(set(ids))
    pointed = tab.evaluate(
        """() => [...document.querySelectorAll("[aria-labelledby], [aria-controls]")].flatMap((each) =>
          [...(each.getAttribute("aria-labelledby") ?? "").split(" "), each.getAttribute("aria-controls")]
        ).filter((id) => id && !document.getElementById(id))"""
    )
    assert not pointed


def test_tables_are_tables(open_html: Open) -> None:
    tab = open_html(html())
    for table in tab.locator("table").all():
        assert table.locator("caption").inner_text().strip()
        assert table.locator("thead th:not([scope=col])").count() == 0
        rows = table.locator("tbody tr")
        assert rows.locator("> th[scope=row]").count() == rows.count() > 0
        columns = table.locator("thead th").count()
        counts = rows.evaluate_all("all => all.map(each => each.cells.length)")
        assert set(counts) == {columns}


def reached(tab: Page) -> list[str]:
    """What Tab comes to, from the beginning to the end of the page."""
    found: list[str] = []
    for _ in range(200):
        tab.keyboard.press("Tab")
        name = tab.evaluate(
            """() => {
              const at = document.activeElement;
              if (at === document.body) return "";
              const ring = getComputedStyle(at).outlineStyle !== "none";
              const name = at.getAttribute("aria-label") || at.innerText || at.labels?.[0]?.innerText;
              return (ring ? "" : "no ring: ") + name.trim();
            }"""
        )
        if not name:
            return found
        found.append(name)
    raise AssertionError("the page has no end")


def test_the_keyboard_reaches_all_and_shows_where_it_is(open_html: Open) -> None:
    tab = open_html(html())
    found = reached(tab)
    assert found[0] == "To the findings"
    assert not [each for each in found if each.startswith("no ring")]
    for name in (
        "Accent",
        "All figures",
        "Groups by Accent",
        "Words wrong",
        "Nearer",
        "How to read this",
    ):
        assert name in found, name
    assert found.index("Accent") < found.index("Groups by Accent") < found.index("Nearer")


def test_the_first_link_leads_to_the_findings(open_html: Open) -> None:
    tab = open_html(html())
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_what_is_sure_is_told_without_colour(open_html: Open) -> None:
    """By shape in charts, by hatching and signs on maps, in words in tables."""
    tab = open_html(html())
    shapes = tab.locator("#table-1 .point").evaluate_all(
        "all => all.map(each => each.tagName + (each.getAttribute('d') ?? ''))"
    )
    assert len(set(shapes)) == 3
    fills = tab.locator("figure .region").evaluate_all(
        "all => all.map(each => [each.classList[1], getComputedStyle(each).fill.startsWith('url')])"
    )
    assert {(how, hatched) for how, hatched in fills} == {
        ("worse", False), ("better", False), ("unsure", True),
    }  # fmt: skip
    assert {each[-1] for each in tab.locator(".label").all_text_contents()} == {"▲", "▼", "%"}
    verdicts = tab.locator("#table-1 .verdict").all_inner_texts()
    assert verdicts == ["served worse", "could be chance", "could be chance", "served better"]


def test_colours_differ_for_those_who_see_fewer() -> None:
    """Vermilion and blue after Okabe and Ito, as deuteranopes and protanopes see them (Viénot et al. 1999)."""
    seen = {
        "protan": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
        "deutan": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
    }
    for worse, better in (
        ((0xC2, 0x4F, 0x00), (0x00, 0x72, 0xB2)),
        ((0xEF, 0x7D, 0x2D), (0x4D, 0xA6, 0xE0)),
    ):
        assert all(f"#{bytes(each).hex()}" in html() for each in (worse, better))
        for matrix in seen.values():
            one, other = (matrix @ (np.array(each) / 255) ** 2.2 for each in (worse, better))
            assert np.abs(one - other).max() > 0.2
