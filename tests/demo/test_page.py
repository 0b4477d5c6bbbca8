"""The page, opened from a file in a real browser that has no network, and the sums behind it."""

import io
import re
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab

from allears.demo import picture
from allears.demo.page import LABELS, Clip, Page, Row, Take, headline, percent, render, summary

FRAMES = 160
LOSSES = {"concealed": (50, 75), "red": (100, 110), "lbrr": (120, 126), "dred": (140, 155)}
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='broken=1'>\"{{ 7 * 7 }}"


def speech(file: str) -> tuple[np.ndarray, int]:
    with (resources.files("allears.demo") / "clips" / file).open("rb") as stream:
        samples, rate = soundfile.read(stream, dtype="float32")
    return samples[: FRAMES * rate // 50], rate


def clip(file: str = "jfk.flac", title: str = "Kennedy, 1961") -> Clip:
    samples, rate = speech(file)
    frame = rate // 50
    labels = ["received"] * FRAMES
    gapped = samples.copy()
    for label, (first, last) in LOSSES.items():
        labels[first:last] = [label] * (last - first)
    gapped[50 * frame : 75 * frame] = 0
    lost = tuple(label != "received" for label in labels)
    unaided = tuple("concealed" if gone else "received" for gone in lost)
    nothing = np.zeros_like(samples)
    mute = ("silence",) * FRAMES
    return Clip(
        title,
        "Ask not what your country can do for you.",
        "Inaugural address. Public domain.",
        (
            Take("Original", "No codec.", samples, rate, ("received",) * FRAMES, {}, 256.0, 0.0),
            Take("Unaided", "All guessed.", gapped, rate, unaided, {"PLCMOS": 2.25}, 32.0, 60.0),
            Take("RED:2", "Copies.", gapped, rate, tuple(labels), {"PLCMOS": 3.0}, 32.0, 120.0),
            Take("Cut", "No sound.", nothing, rate, mute, {"PLCMOS": None}, 32.0, 60.0),
        ),
        lost,
    )


def page(*clips: Clip) -> Page:
    return Page(
        clips or (clip(), clip("lj.flac", "A reader")),
        "bursts of 60–400 ms, 35 % of packets lost",
        "allears 0.1.0, libopus 1.5.2",
        "allears demo --loss 0.35",
        "1 May 2025",
    )


# ------------------------------------------------------------------------------- pictures, sums


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 48000])
def test_a_tone_lights_its_band(rate: int) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32)
    grid = picture.spectrogram(tone, rate)
    assert grid.shape == (101, picture.BANDS)
    band = int(grid[50].argmax())
    edges = picture.band_edges()
    assert edges[band] < 1000 < edges[band + 2]
    assert grid[50, band] > -15
    assert grid[50, band + 12 :].max() < grid[50, band] - 40
    lit = picture.levels(grid, float(grid.max()))
    assert lit.max() == 255
    assert lit[50, -1] == 0


def test_a_click_is_drawn_when_it_is_heard() -> None:
    samples = np.zeros(16000, np.float32)
    samples[8000] = 1
    loudest = picture.spectrogram(samples, 16000).max(axis=1)
    assert loudest.argmax() == 50
    columns = picture.envelope(samples, 16000)
    assert columns[:, 1].argmax() == 100


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_the_envelope_holds_every_sample(rate: int) -> None:
    samples = np.random.default_rng(rate).uniform(-0.5, 0.5, 3 * rate + 7).astype(np.float32)
    peak = float(np.abs(samples).max())
    columns = picture.envelope(samples, rate, peak)
    assert len(columns) == 601
    assert np.abs(columns.astype(int)).max() == 127
    starts = np.append(np.round(np.arange(601) * rate * picture.COLUMN_S).astype(int), len(samples))
    for (low, high), first, last in zip(columns, starts[:-1], starts[1:], strict=True):
        piece = samples[first:last] / peak * 127
        assert low <= piece.min() < low + 1 + 1e-3
        assert high - 1 - 1e-3 < piece.max() <= high


def test_silence_is_drawn_as_nothing() -> None:
    silence = np.zeros(1600, np.float32)
    assert not picture.envelope(silence, 16000, 0.0).any()
    assert not picture.levels(picture.spectrogram(silence, 16000), -100.0).any()


def test_the_headline_is_computed() -> None:
    # 56 of 160 packets are lost; of those frames RED, LBRR and DRED bring back 31.
    assert headline(page()).replace("\N{NO-BREAK SPACE}", " ") == (
        "At 35 % loss in bursts, RED:2 brings back 55 % of the lost frames; "
        "PLCMOS 2.25 (Unaided) → 3.00."
    )


def test_the_headline_claims_nothing_that_is_not_so() -> None:
    whole = clip()
    lossless = replace(whole, lost=(False,) * FRAMES)
    assert headline(page(lossless)) == "No packet was lost."
    alternate = replace(whole, lost=(True, False) * (FRAMES // 2))
    assert "in bursts" not in headline(page(alternate))
    unaided = replace(whole, takes=whole.takes[:2])
    assert headline(page(unaided)).endswith("loss in bursts, nothing brings a lost frame back.")
    alone = replace(whole, takes=(whole.takes[0], whole.takes[2]))
    assert headline(page(alone)).endswith("of the lost frames.")


def test_counts_add_and_rates_derive() -> None:
    long, short = clip(), clip("lj.flac")
    half = short.takes[2]
    half = replace(
        half, samples=half.samples[: len(half.samples) // 2], labels=half.labels[: FRAMES // 2]
    )
    row = Row("RED:2", (long.takes[2], replace(half, kbps=20.0, scores={"PLCMOS": 4.0})))
    assert row.frames == {"received": 104 + 55, "recovered": 31, "concealed": 50}
    assert row.kbps == pytest.approx((32 * 2 + 20) / 3)
    assert row.score("PLCMOS") == 3.5
    assert row.score("STOI") is None
    assert [row.name for row in summary(page())] == ["Original", "Unaided", "RED:2", "Cut"]


def test_a_mean_needs_every_clip() -> None:
    take = clip().takes[1]
    assert Row("", (take, replace(take, scores={"PLCMOS": None}))).score("PLCMOS") is None


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 9, "0 %"), (1, 999, "<1 %"), (998, 999, ">99 %"), (9, 9, "100 %"), (1, 3, "33 %")],
)
def test_percentages_round_nothing_away(part: int, whole: int, text: str) -> None:
    assert percent(part, whole).replace("\N{NO-BREAK SPACE}", " ") == text


def test_labels_must_be_known_and_fit_the_samples() -> None:
    take = clip().takes[0]
    with pytest.raises(ValueError, match="rumoured"):
        replace(take, labels=("rumoured",) * FRAMES)
    with pytest.raises(ValueError, match="159 labels for 160 frames"):
        replace(take, labels=take.labels[1:])


def test_the_page_stands_alone_and_is_small() -> None:
    html = render(page())
    assert len(html) < 2_000_000
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", html)
    assert "@import" not in html
    flac = b64decode(re.findall(r"data:audio/flac;base64,([^\"]+)", html)[2])
    samples, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    take = clip().takes[2]
    assert rate == take.rate
    np.testing.assert_allclose(samples, take.samples, atol=1 / 32767)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_labels_stand_out_with_and_without_colour() -> None:
    marked = [label for label in LABELS.values() if label.outcome != "received"]
    assert all(contrast(label.light, "#fcfcfa") >= 3 for label in marked)
    assert all(contrast(label.dark, "#111417") >= 3 for label in marked)
    assert len({label.letter for label in LABELS.values()}) == len(LABELS)
    assert len({label.texture for label in LABELS.values()}) == len(LABELS)


# ------------------------------------------------------------------------------------- browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "google-chrome", "chromium-browser")
    executable = next((path for name in names if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the PATH")
    switches = (
        "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
        "disable-component-update disable-sync autoplay-policy=no-user-gesture-required"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=[f"--{switch}" for switch in switches.split()]
        )
        yield browser
        browser.close()


Open = Callable[..., Tab]

# What goes to the loudspeaker also goes here, so that a test can hear it.
LISTEN = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode) {
    window.ear ??= new AnalyserNode(to.context, { fftSize: 2048 });
    connect.call(this, window.ear);
  }
  return connect.call(this, to, ...rest);
};
window.loudness = () => {
  const heard = new Float32Array(2048);
  window.ear.getFloatTimeDomainData(heard);
  return Math.max(...heard.map(Math.abs));
};
"""


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page in a tab of its own, and fails if it complains or reaches for the network."""
    contexts, complaints = [], []

    def open_page(content: Page | None = None, **options: object) -> Tab:
        file = tmp_path / "page.html"
        file.write_text(render(content or page()), "utf-8")
        settings = {"viewport": {"width": 1200, "height": 900}, "offline": True, **options}
        context = browser.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_init_script(LISTEN)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:"))
                or complaints.append(f"request for {request.url}")
            ),
        )
        tab.goto(file.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def time(tab: Tab) -> float:
    return float(tab.locator(".seek").first.input_value())


def wait_for_time(tab: Tab, seconds: float) -> None:
    tab.wait_for_function(
        "seconds => document.querySelector('.seek').valueAsNumber > seconds", arg=seconds
    )


def chosen(tab: Tab) -> str:
    return tab.locator(".clip").first.locator(".chosen").inner_text()


PIXELS = """
([selector, row]) => {
  const canvas = document.querySelectorAll(selector)[row];
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const pieces = [];
  for (let i = 0; i < data.length; i += 8192) {
    pieces.push(String.fromCharCode(...data.subarray(i, i + 8192)));
  }
  return [canvas.width, canvas.height, btoa(pieces.join(""))];
}
"""


def pixels(tab: Tab, selector: str, row: int) -> np.ndarray:
    tab.wait_for_function(
        "([selector, row]) => document.querySelectorAll(selector)[row].width > 400",
        arg=[selector, row],
    )
    width, height, content = tab.evaluate(PIXELS, [selector, row])
    return np.frombuffer(b64decode(content), np.uint8).reshape(height, width, 4)


def test_spans_are_coloured_where_they_happened(open_page: Open) -> None:
    tab = open_page(color_scheme="light")
    assert not pixels(tab, ".wave", 0)[0, :, 3].any(), "the original has no span to colour"
    image = pixels(tab, ".wave", 2)
    top = image[0]
    for label, (first, last) in LOSSES.items():
        left, right = (round(k / FRAMES * len(top)) for k in (first, last))
        assert not top[left - 2, 3]
        assert not top[right + 2, 3]
        assert top[left + 1 : right - 1, 3].all()
        tint = image[14:22, left + 1 : right - 1].reshape(-1, 4)
        # Below the letter, the texture's bolder pixels show the label's own colour.
        boldest = tint[tint[:, 3].argmax(), :3].astype(int)
        colours = {
            key: [int(known.light[k : k + 2], 16) for k in (1, 3, 5)]
            for key, known in LABELS.items()
        }
        nearest = min(colours, key=lambda key: np.abs(boldest - colours[key]).sum())
        assert nearest == label


def test_waves_and_spectrograms_show_the_speech(open_page: Open) -> None:
    tab = open_page(color_scheme="light")
    wave = pixels(tab, ".wave", 0)
    drawn = (wave[..., 3] > 0).sum(axis=0)
    samples, rate = speech("jfk.flac")
    moments = (np.arange(len(drawn)) / len(drawn) * len(samples)).astype(int)
    loudness = np.array([np.abs(samples[m : m + rate // 50]).max() for m in moments])
    assert np.corrcoef(drawn, loudness)[0, 1] > 0.9
    spectrogram = pixels(tab, ".spectrogram", 0)[..., :3]
    assert len(np.unique(spectrogram.reshape(-1, 3), axis=0)) > 100
    gap = pixels(tab, ".spectrogram", 1)[:, :, :3].astype(int).sum(axis=2)
    left, right = (round(k / FRAMES * gap.shape[1]) for k in (53, 72))
    assert gap[:, left:right].min() > 700, "a gap is bare paper"


def test_by_night_the_pictures_turn(open_page: Open) -> None:
    day, night = open_page(color_scheme="light"), open_page(color_scheme="dark")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert day.evaluate(background) == "rgb(252, 252, 250)"
    assert night.evaluate(background) == "rgb(17, 20, 23)"
    light, dark = (
        pixels(tab, ".spectrogram", 0)[..., :3].mean(axis=(0, 1)).mean() for tab in (day, night)
    )
    assert dark < 100 < light
    night.emulate_media(color_scheme="light")
    night.wait_for_timeout(200)
    assert pixels(night, ".spectrogram", 0)[..., :3].mean() == pytest.approx(light, abs=2)


def test_play_is_heard_and_a_switch_keeps_the_place(open_page: Open) -> None:
    tab = open_page()
    tab.get_by_role("button", name="Play Kennedy, 1961").click()
    wait_for_time(tab, 0.4)
    tab.wait_for_function("() => loudness() > 0.01")
    drift = tab.evaluate(
        """async () => {
          const seek = document.querySelector(".seek");
          const frame = () => new Promise(requestAnimationFrame);
          await frame();
          const [place, moment] = [seek.valueAsNumber, performance.now()];
          document.querySelectorAll(".choose")[3].click();
          await frame();
          await frame();
          return seek.valueAsNumber - place - (performance.now() - moment) / 1000;
        }"""
    )
    assert abs(drift) < 0.05
    assert chosen(tab) == "Cut"
    tab.wait_for_function("() => loudness() < 1e-4")
    before = time(tab)
    wait_for_time(tab, before + 0.1)
    tab.get_by_role("button", name="Listen to Original").first.click()
    tab.wait_for_function("() => loudness() > 0.01")
    assert time(tab) > before
    tab.get_by_role("button", name="Pause Kennedy, 1961").click()
    paused = time(tab)
    tab.wait_for_timeout(150)
    assert time(tab) == paused


def test_the_sound_is_where_the_playhead_is(open_page: Open) -> None:
    """The unaided take is cut from 1.0 to 1.5 s."""
    tab = open_page()
    tab.locator(".seek").first.fill("1.05")
    heard = tab.evaluate(
        """async () => {
          const seek = document.querySelector(".seek");
          const heard = [];
          document.querySelectorAll(".choose")[1].click();
          while (seek.valueAsNumber < 1.9) {
            await new Promise(requestAnimationFrame);
            if (window.ear) heard.push([seek.valueAsNumber, loudness()]);
          }
          return heard;
        }"""
    )
    within = [level for moment, level in heard if 1.1 < moment < 1.47]
    after = [level for moment, level in heard if moment > 1.56]
    assert max(within) < 1e-4
    assert min(after) > 1e-3
    assert max(after) > 0.03


def test_the_end_comes_and_play_begins_again(open_page: Open) -> None:
    tab = open_page()
    tab.locator(".seek").first.fill("3.1")
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Play Kennedy, 1961")).to_be_visible()
    assert time(tab) == 0


def test_one_clip_at_a_time(open_page: Open) -> None:
    tab = open_page()
    tab.get_by_role("button", name="Play Kennedy, 1961").click()
    wait_for_time(tab, 0.05)
    tab.get_by_role("button", name="Listen to RED:2").nth(1).click()
    expect(tab.get_by_role("button", name="Pause A reader")).to_be_visible()
    expect(tab.get_by_role("button", name="Play Kennedy, 1961")).to_be_visible()


def test_the_keyboard_does_it_all(open_page: Open) -> None:
    tab = open_page()
    tab.keyboard.press("3")
    assert chosen(tab) == "RED:2"
    tab.keyboard.press("9")
    assert chosen(tab) == "RED:2"
    tab.keyboard.press("ArrowRight")
    assert time(tab) == pytest.approx(1)
    tab.keyboard.press("Shift+ArrowRight")
    assert time(tab) == pytest.approx(1.1)
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    assert time(tab) == 0
    loop = tab.get_by_role("button", name="Loop").first
    tab.keyboard.press("l")
    expect(loop).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("Escape")
    expect(loop).to_have_attribute("aria-pressed", "false")
    tab.keyboard.press(" ")
    wait_for_time(tab, 0.1)
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Play Kennedy, 1961")).to_be_visible()
    assert tab.evaluate("scrollY") == 0
    # A focused button keeps its own meaning of Space, and shows that it has the focus.
    button = tab.get_by_role("button", name="Listen to Unaided").first
    button.focus()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Shift+Tab")
    assert button.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    tab.keyboard.press(" ")
    expect(tab.get_by_role("button", name="Pause Kennedy, 1961")).to_be_visible()
    assert chosen(tab) == "Unaided"


def test_a_click_seeks_and_a_drag_loops(open_page: Open) -> None:
    tab = open_page()
    lane = tab.locator(".take .lanes").nth(1)
    lane.scroll_into_view_if_needed()
    box = lane.bounding_box()
    assert box
    y = box["y"] + 40
    tab.mouse.click(box["x"] + box["width"] / 2, y)
    assert time(tab) == pytest.approx(1.6, abs=0.02)
    assert chosen(tab) == "Unaided"
    tab.mouse.move(box["x"] + box["width"] * 0.5, y)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.4, y, steps=4)
    tab.mouse.up()
    expect(tab.get_by_role("button", name="Loop").first).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press(" ")
    heard = set()
    for _ in range(30):
        tab.wait_for_timeout(30)
        heard.add(time(tab))
    assert len(heard) > 10
    assert 1.26 < min(heard) < max(heard) < 1.62


def test_spectrograms_fold_away(open_page: Open) -> None:
    tab = open_page()
    picture_of_first = tab.locator(".spectrogram").first
    expect(picture_of_first).to_be_visible()
    tab.get_by_role("button", name="Spectrogram").first.click()
    expect(picture_of_first).to_be_hidden()
    tab.get_by_role("button", name="Spectrogram").first.click()
    expect(picture_of_first).to_be_visible()
    assert len(np.unique(pixels(tab, ".spectrogram", 0)[..., :3].reshape(-1, 3), axis=0)) > 100


def test_a_take_can_be_saved(open_page: Open) -> None:
    tab = open_page()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save RED:2 as FLAC").first.click()
    assert download.value.suggested_filename == "kennedy-1961-red-2.flac"
    samples, _ = soundfile.read(download.value.path(), dtype="float32")
    np.testing.assert_allclose(samples, clip().takes[2].samples, atol=1 / 32767)


def test_everything_that_acts_or_shows_has_a_name(open_page: Open) -> None:
    tab = open_page()
    tree = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")
    nodes = [node for node in tree["nodes"] if not node["ignored"]]
    named: dict[str, list[str]] = {}
    for node in nodes:
        named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for role in ("button", "slider", "image", "region", "heading", "RootWebArea"):
        assert named[role]
        assert all(named[role]), f"every {role} needs a name"
    assert len(named["button"]) == 2 * (1 + 2 + 4 + 4)
    assert len(named["rowheader"]) == 4
    assert named["columnheader"][:2] == ["Condition", "Frames of 20 ms"]
    assert "2 of 2" not in named["image"]
    assert tab.evaluate("document.documentElement.lang") == "en"


def test_the_table_marks_the_best_condition(open_page: Open) -> None:
    tab = open_page()
    cells = tab.locator("tbody tr").filter(has_text="RED:2").locator("td").all_inner_texts()
    plain = [" ".join(cell.split()) for cell in cells[1:]]
    assert plain == ["65 %", "19 %", "16 %", "3.00 (best)", "32.0", "120"]
    assert tab.locator("tbody strong").count() == 1


def test_hostile_words_stay_words(open_page: Open) -> None:
    whole = clip(title=HOSTILE)
    takes = tuple(
        replace(take, name=HOSTILE + take.name, summary=HOSTILE, scores={HOSTILE: 1.0})
        for take in whole.takes
    )
    hostile = replace(whole, text=HOSTILE, source=HOSTILE, takes=takes)
    tab = open_page(Page((hostile,), HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    assert tab.locator(".clip h2").inner_text() == HOSTILE
    assert tab.locator("blockquote").inner_text() == HOSTILE
    assert HOSTILE in tab.title()
    assert tab.locator(".chosen").inner_text() == HOSTILE + "Original"
    assert tab.locator("img").count() == 0
    assert tab.evaluate("window.broken") is None
    assert tab.locator(".wave").count() == 4


def test_without_a_script_it_can_be_read_and_heard(open_page: Open) -> None:
    tab = open_page(java_script_enabled=False)
    expect(tab.locator("audio")).to_have_count(8)
    expect(tab.locator("audio").first).to_be_visible()
    expect(tab.get_by_role("table")).to_be_visible()
    expect(tab.locator(".transport").first).to_be_hidden()
    expect(tab.get_by_role("button", name="Save RED:2 as FLAC").first).to_be_hidden()


def test_the_browser_can_play_every_take_by_itself(open_page: Open) -> None:
    tab = open_page()
    durations = tab.evaluate(
        """() => Promise.all(Array.from(document.querySelectorAll("audio"), (audio) =>
          new Promise((resolve, reject) => {
            audio.onloadedmetadata = () => resolve(audio.duration);
            audio.onerror = () => reject(new Error(audio.error.message));
            audio.preload = "metadata";
            audio.load();
          })))"""
    )
    assert durations == pytest.approx([FRAMES * 0.02] * 8, abs=0.01)


def test_without_web_audio_the_plain_players_come_back(open_page: Open) -> None:
    tab = open_page()
    tab.evaluate("window.AudioContext = undefined")
    expect(tab.locator("audio").first).to_be_hidden()
    tab.get_by_role("button", name="Play Kennedy, 1961").click()
    expect(tab.locator("audio").first).to_be_visible()


def test_it_fits_a_narrow_screen_and_paper(open_page: Open) -> None:
    tab = open_page(viewport={"width": 400, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 400
    tab.set_viewport_size({"width": 700, "height": 990})  # A4 within its margins
    tab.emulate_media(media="print", color_scheme="dark")
    expect(tab.locator(".transport").first).to_be_hidden()
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert tab.evaluate(background) == "rgb(255, 255, 255)"
    assert tab.evaluate("document.documentElement.scrollWidth") == 700


def test_calm_playback_still_moves(open_page: Open) -> None:
    tab = open_page(reduced_motion="reduce")
    tab.keyboard.press(" ")
    wait_for_time(tab, 0.3)
    assert (
        tab.locator(".wave").first.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"
    )
