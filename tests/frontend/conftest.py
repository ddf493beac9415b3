"""Headless Chromium, and a page with a lab in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.frontend.pretend import Pretend, pretend_site

CHROMIUM = os.environ.get("HASTEXO_LAB_CHROMIUM", "/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What Chromium itself logs of a request that failed on purpose.
EXPECTED = ("Failed to load resource", "WebSocket connection to")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not there")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def site() -> Iterator[Pretend]:
    with pretend_site() as pretend:
        yield pretend


@pytest.fixture
def page(browser: Browser, site: Pretend) -> Iterator[Page]:
    """The page, empty yet. Fails the test if anything in it went wrong unseen."""
    faults: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED):
            faults.append(message.text)

    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{site.url}/tests/frontend/page.html")
    yield page
    context.close()
    assert faults == []
