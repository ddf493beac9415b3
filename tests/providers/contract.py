"""What a provider must bring so that the contract's tests can run on it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hastexo_lab.providers.base import CloudStack, CloudState, Launch, Provider, ProviderError
from hastexo_lab.providers.tags import tags

SITE = "contract"


@dataclass(frozen=True, kw_only=True)
class ProviderCase:
    """A provider in an empty place of its own, and templates for it."""

    provider: Provider  # of the site SITE
    stranger: Provider  # in the same place, of another site
    good: str  # comes up
    slow: str  # comes up too, but stays CREATING for some seconds
    failing: str  # is accepted, and ends in CREATE_FAILED
    failing_kind: type[ProviderError]
    no_public_ip: str  # comes up without an output `public_ip`
    rejected: str  # is YAML, but no template that the provider takes
    not_yaml: str = "resources: [1,\n: 2"
    outputs: dict[str, Any] = field(default_factory=dict)  # what `good` tells: attributes of Outputs
    unknown_ref: str = ""
    within_s: float = 60  # how long an action may take

    def launch(self, template: str, *, name: str = "", generation: int = 1, site: str = SITE) -> Launch:
        """An order for a stack of a fresh name."""
        return Launch(
            name=name or "lab-" + uuid.uuid4().hex[:12],
            template=template,
            tags=tags(site, generation),
            timeout_s=120,
        )

    async def up(self, template: str = "") -> str:
        """The ref of a stack that runs."""
        ref = await self.provider.create(self.launch(template or self.good))
        await self.until(ref, CloudState.RUNNING)
        return ref

    async def until(self, ref: str, *states: CloudState) -> CloudStack:
        """The first observation with one of these states."""

        async def seen() -> CloudStack | None:
            found = await self.provider.observe(ref)
            return found if found.state in states else None

        return await eventually(seen, self.within_s)


async def eventually(condition: Callable[[], Awaitable[Any]], within_s: float) -> Any:
    """What `condition()` gives, as soon as it is true; AssertionError when that takes too long."""
    deadline = time.monotonic() + within_s
    while not (met := await condition()):
        assert time.monotonic() < deadline, f"not met within {within_s} s"
        await asyncio.sleep(0.1)
    return met
