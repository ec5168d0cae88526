"""The lab in a real Chromium: play, pause, keyboard input and edited bytes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.needs("lab")]

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def address(repository) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "runner.lab", "pretrained=breakout_ram", "port=0"],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield next(m[1] for line in process.stdout if (m := re.match(r"page: (\S+)", line)))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130


@pytest.fixture(scope="module")
def browser(address, tmp_path_factory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    started.get(address)
    wait(started, "now !== null && now.past > 5")
    yield started
    errors = started.get_log("browser")
    started.quit()
    assert errors == []


def wait(browser: webdriver.Chrome, condition: str) -> None:
    WebDriverWait(browser, 30).until(lambda b: b.execute_script(f"return {condition};"))


def press(browser: webdriver.Chrome, kind: str, key: str) -> None:
    browser.execute_script(f"dispatchEvent(new KeyboardEvent({kind!r}, {{key: {key!r}}}))")


def pause(browser: webdriver.Chrome) -> None:
    if browser.execute_script("return now.playing"):
        browser.find_element(By.ID, "play").click()
    wait(browser, "!now.playing")


def test_the_lab_plays_and_pauses(browser):
    pause(browser)
    past = browser.execute_script("return now.past")
    browser.find_element(By.ID, "step").click()
    wait(browser, f"now.past === {past + 1}")
    browser.find_element(By.ID, "back").click()
    wait(browser, f"now.past === {past}")
    browser.find_element(By.ID, "play").click()
    wait(browser, f"now.playing && now.past > {past + 3}")


def test_a_key_reaches_the_game(browser):
    pause(browser)
    browser.find_element(By.ID, "take").click()
    wait(browser, "now.taken_over")
    press(browser, "keydown", "ArrowLeft")
    browser.find_element(By.ID, "step").click()
    wait(browser, "now.actions[now.action] === 'LEFT'")
    press(browser, "keyup", "ArrowLeft")
    browser.find_element(By.ID, "take").click()
    wait(browser, "!now.taken_over")


def test_an_edited_byte_changes_the_screen(browser):
    pause(browser)
    picture = "document.getElementById('screen').toDataURL()"
    browser.execute_script("choose(72)")  # the paddle
    paddle = browser.execute_script("return now.ram[72]")
    browser.execute_script(f"window.before = {picture}")
    browser.execute_script(f"document.getElementById('value').value = {(paddle + 60) % 120 + 60}")
    browser.find_element(By.ID, "write").click()
    browser.find_element(By.ID, "step").click()
    wait(browser, f"window.before !== {picture}")


def test_sprites_moved_by_a_byte_are_outlined(browser):
    pause(browser)
    # At the edge of the screen the game resets its paddle immediately.
    browser.find_element(By.ID, "reset").click()
    wait(browser, "now.past === 0")
    browser.execute_script("choose(72)")
    browser.find_element(By.ID, "probe").click()
    wait(browser, "/72\\)? \\+ 8: [1-9]/.test(document.getElementById('said').textContent)")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window(browser, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width, json.dumps(metrics)
