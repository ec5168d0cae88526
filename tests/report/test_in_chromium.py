"""The page in a real Chromium, from disk: no errors, no network, the figures of summary.csv."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_figures import assert_shown, in_summary
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.needs("chromium")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    browser.get("about:blank")  # leaves the page of a new tab, which loads for a while
    yield browser
    browser.quit()


@pytest.fixture
def page(chromium: webdriver.Chrome, swept: Path) -> webdriver.Chrome:
    """The report, freshly opened on a wide screen in the light scheme."""
    show(chromium, width=1200)
    for kind in ("browser", "performance"):
        chromium.get_log(kind)  # discards earlier messages
    chromium.get((swept / "report.html").as_uri())
    return chromium


def show(browser: webdriver.Chrome, *, width: int, scheme: str = "light", media: str = "") -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def test_no_errors_and_no_network(page, swept):
    assert page.title.startswith("breakout, space_invaders: obs=pixel against obs=ram")
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"].endswith("BeSent")]
    assert asked[0] == (swept / "report.html").as_uri()
    assert [url for url in asked[1:] if not url.startswith("data:")] == []
    assert page.get_log("browser") == []


def test_printed_figures_match_the_summary(page, swept):
    shown = page.execute_script("""
        return [...document.querySelectorAll("[data-measure] [data-column]")].map(each => {
            const cell = each.closest("[data-measure]").dataset;
            const visible = each.getClientRects().length > 0;
            return [cell.game, cell.side, cell.measure, each.dataset.column,
                    visible ? each.innerText : "(hidden)"];
        })""")
    numbers = in_summary(swept)
    assert {tuple(each[:4]) for each in shown} == set(numbers)
    for *name, text in shown:
        assert_shown(text, numbers[tuple(name)])


@pytest.mark.parametrize("width", [320, 390, 800, 1200])
def test_the_page_fits_every_screen_width(page, width):
    show(page, width=width)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    sizes = page.execute_script("""
        return [...document.querySelectorAll("figure svg text")].map(each => {
            const to = each.getScreenCTM();
            return parseFloat(getComputedStyle(each).fontSize) * Math.hypot(to.a, to.b);
        })""")
    assert len(sizes) > 50
    assert min(sizes) >= 8.5  # pixels


# Contrast of every text with the nearest background (WCAG 2, 1.4.3).
CONTRASTS = """
    const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const behind = node => {
        for (; node; node = node.parentElement) {
            const found = channels(getComputedStyle(node).backgroundColor);
            if (found.length === 3 || found[3] === 1) return found;
        }
        return [255, 255, 255];
    };
    const seen = {};
    for (const node of document.querySelectorAll("body *:not(style)")) {
        const own = [...node.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        const line = node.closest("figure svg") && node.matches("path, use");
        const style = getComputedStyle(node);
        const inks = own ? [node.closest("svg") ? style.fill : style.color]
            : line ? [style.stroke] : [];
        for (const ink of inks.filter(ink => ink.startsWith("rgb"))) {
            const key = (own ? "text " : "line ") + ink + " on " + behind(node);
            seen[key] = ratio(light(channels(ink)), light(behind(node)));
        }
    }
    return [Object.entries(seen), getComputedStyle(document.querySelector(":root"))
        .getPropertyValue("--grid").trim()];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrasts(page, scheme):
    """Text has 4.5:1, lines of sides and axes 3:1; the grid may be fainter."""
    show(page, width=1200, scheme=scheme)
    found, grid = page.execute_script(CONTRASTS)
    faint = ", ".join(str(int(grid[i : i + 2], 16)) for i in (1, 3, 5))
    assert len([name for name, _ in found if name.startswith("line")]) >= 3
    for name, ratio in found:
        if f"({faint})" not in name:
            assert ratio >= (4.5 if name.startswith("text") else 3), name


def test_dark_mode(page):
    background = "return getComputedStyle(document.body).backgroundColor"
    assert page.execute_script(background) == "rgb(255, 255, 255)"
    show(page, width=1200, scheme="dark")
    assert page.execute_script(background) == "rgb(21, 23, 27)"
    show(page, width=1200, scheme="dark", media="print")  # paper is white
    assert page.execute_script(background) == "rgb(255, 255, 255)"


def test_keyboard_navigation(page):
    """The first stop is the skip link, visible when focused; then come the sections."""
    keyboard = webdriver.ActionChains
    keyboard(page).send_keys(Keys.TAB).perform()
    first = page.switch_to.active_element
    assert first.text == "Skip to the report"
    assert first.rect["x"] >= 0
    assert page.execute_script("return getComputedStyle(arguments[0]).outlineWidth", first) == "3px"
    keyboard(page).send_keys(Keys.TAB).perform()
    assert page.switch_to.active_element.text == "What differs"
    back = keyboard(page).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT)
    back.send_keys(Keys.ENTER).perform()
    assert page.switch_to.active_element.get_attribute("id") == "main"


def test_for_screen_readers(page):
    levels = page.execute_script("""
        return [...document.querySelectorAll("h1, h2, h3")].map(each => +each.tagName[1])""")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    pictures = page.execute_script("""
        return [...document.querySelectorAll("[role=img]")].map(each => each.ariaLabel)""")
    assert len(pictures) == 8
    assert all("obs=ram" in text and "points" in text for text in pictures)
    assert page.execute_script("""
        return [...document.querySelectorAll("table")].every(table => table.caption
            && [...table.querySelectorAll("thead th")].every(th => th.scope === "col")
            && [...table.querySelectorAll("tbody tr")].every(tr => tr.cells[0].scope === "row"))
    """)
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    links = page.execute_script("""
        return [...document.querySelectorAll("a")].map(a => a.getAttribute("href").slice(1))""")
    assert set(links) <= set(ids)


def test_a_league_is_sorted_without_a_network(chromium, league):
    show(chromium, width=1200)
    chromium.get((league / "report.html").as_uri())
    buttons = chromium.find_elements("css selector", ".sortable button")
    assert [button.text for button in buttons][:2] == ["Game", "Score"]

    def order() -> list[str]:
        rows = chromium.find_elements("css selector", ".sortable tbody th")
        return [row.text for row in rows]

    buttons[1].click()  # by score, highest first
    assert order() == ["alien", "boxing", "breakout", "pong", "tetris"]
    buttons[1].click()
    assert order() == ["tetris", "pong", "breakout", "boxing", "alien"]
    buttons[3].click()  # by human-normalised score; unknown ones come last
    assert order() == ["boxing", "pong", "breakout", "alien", "tetris"]
    buttons[0].send_keys(Keys.ENTER)
    buttons[0].send_keys(Keys.ENTER)
    assert order() == ["alien", "boxing", "breakout", "pong", "tetris"]
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize("name", ["single", "league"])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_the_other_pages_fit_too(chromium, single, league, name, width):
    show(chromium, width=width)
    folder = {"single": single, "league": league}[name]
    chromium.get((folder / "report.html").as_uri())
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
