"""The local provider's case of the contract: a root of its own, and no process left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from hastexo_lab.providers.base import AuthorMistake
from hastexo_lab.providers.local import LocalProvider
from tests.providers.contract import SITE, ProviderCase

GOOD = "hosts: [{name: web}]"


def make(request: pytest.FixtureRequest) -> Iterator[ProviderCase]:
    """The case; `provider` and `stranger` share a root."""
    root: Path = request.getfixturevalue("tmp_path_factory").mktemp("local")
    provider = LocalProvider("here", {"type": "local", "root": str(root)}, site=SITE)
    stranger = LocalProvider("here", {"type": "local", "root": str(root)}, site="other")
    yield ProviderCase(
        provider=provider,
        stranger=stranger,
        good=GOOD,
        slow=GOOD + "\ncreate_s: 2",
        failing=GOOD + "\nfail: create",
        failing_kind=AuthorMistake,
        no_public_ip=GOOD + "\npublic_ip: false",
        rejected="hosts: [{name: web, flavour: m1.small}]",
        unknown_ref="nobody:00000000",
    )
    asyncio.run(provider.destroy_all())
