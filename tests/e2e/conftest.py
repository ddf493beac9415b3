"""Learners with browsers, and a workbench on the local provider for the tests that can share one."""

from __future__ import annotations

import pytest

from tests.e2e.bench import Learners, running_bench


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker("e2e")


@pytest.fixture
def learners(browser):
    opened = Learners(browser)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with running_bench(tmp_path_factory.mktemp("bench")) as running:
        yield running
