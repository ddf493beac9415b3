"""A page with a lab in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.frontend.pretend import Pretend, pretend_site

# What Chromium itself logs of a request that failed on purpose.
EXPECTED = ("Failed to load resource", "WebSocket connection to")


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


@pytest.fixture
def shell_bundle(page: Page) -> None:
    """The bundle of the native terminal, in the page."""
    page.add_script_tag(url="/hastexo_lab/static/shell.js")
