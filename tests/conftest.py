"""Fixtures for all tests."""

pytest_plugins = ["tests.gateway.fixtures", "tests.openstack.fixtures"]
