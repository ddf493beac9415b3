"""A browser for the session, and a workbench on the local provider for the tests that can share one."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.bench import Learners, running_bench

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def learners(browser):
    opened = Learners(browser)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with running_bench(tmp_path_factory.mktemp("bench")) as running:
        yield running
