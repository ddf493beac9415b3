"""Fixtures for all tests."""

pytest_plugins = [
    "tests.browser",
    "tests.block.fixtures",
    "tests.gateway.fixtures",
    "tests.openstack.fixtures",
]
