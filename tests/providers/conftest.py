"""`provider_case`: each provider in turn. A case is a module case_<name>.py with `make(request)`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.providers.contract import ProviderCase
from tests.providers.local_labs import new_lab

__all__ = ["new_lab"]

MARKS = {"heat": [pytest.mark.openstack]}
CASES = sorted(path.stem.removeprefix("case_") for path in Path(__file__).parent.glob("case_*.py"))


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in CASES])
def provider_case(request: pytest.FixtureRequest) -> Iterator[ProviderCase]:
    """A provider in an empty place of its own."""
    yield from import_module(f"tests.providers.case_{request.param}").make(request)
