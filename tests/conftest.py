"""Fixtures for all tests, and how they are shared out to the worker processes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.browser",
    "tests.block.fixtures",
    "tests.gateway.fixtures",
    "tests.firefox",
    "tests.openstack.fixtures",
]

# A busy machine is slow; that is no finding.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# What takes longest comes first, so that no worker is left with it at the end.
LONG = ("tests/databases/", "tests/e2e/", "tests/frontend/", "tests/gateway/", "tests/test_house", "tests/stacks/")


def _place(item: pytest.Item) -> int:
    if item.get_closest_marker("openstack"):
        return 0
    return next((i for i, path in enumerate(LONG, 1) if item.nodeid.startswith(path)), len(LONG) + 1)


def _group(item: pytest.Item) -> str:
    """One cloud is enough; every server database by itself; else a file, for the fixtures of its module."""
    if item.get_closest_marker("openstack"):
        return "openstack"
    return item.nodeid if item.nodeid.startswith("tests/databases/") else item.nodeid.partition("::")[0]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Say which tests stay together in one worker process."""
    item.add_marker(pytest.mark.xdist_group(_group(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order them, after they were shuffled."""
    items.sort(key=_place)
