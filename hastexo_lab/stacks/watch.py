"""What the clouds show of our stacks: one list for many, a look for few."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from hastexo_lab.models import Stack
from hastexo_lab.providers.base import CloudStack, CloudState, Provider, ProviderError, Transient
from hastexo_lab.stacks.registry import providers

log = logging.getLogger("hastexo_lab.stacks")

T = TypeVar("T")


class Watch:
    """The observations of one tend (and event loop)."""

    def __init__(self) -> None:
        self._sweeps: dict[str, Sweep] = {}

    async def see(self, stack: Stack, *, many: bool) -> CloudStack | ProviderError | None:
        """What the cloud shows of this stack, or why it could not be seen; None if nothing was ordered yet.

        `many`: it is one of many, so a list is cheaper. One that is missing from the list is gone only after a
        look at it by its ref says so.
        """
        if not stack.launched_at:
            return None
        provider = providers().get(stack.provider)
        if isinstance(provider, ProviderError):
            return provider
        if not many and stack.ref:
            return await _asked(provider, provider.observe(stack.ref))
        listed = await self._sweep(provider).stacks()
        if isinstance(listed, ProviderError):
            return listed
        if found := listed.get(stack.name):
            return found
        if not stack.ref:
            return CloudStack(ref="", name=stack.name, state=CloudState.ABSENT)
        return await _asked(provider, provider.observe(stack.ref))

    def _sweep(self, provider: Provider) -> Sweep:
        return self._sweeps.setdefault(provider.name, Sweep(provider))


class Sweep:
    """Lists of one provider's stacks, one at a time: who asks while one is under way shares the next one."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._busy = asyncio.Lock()
        self._next: asyncio.Task[dict[str, CloudStack] | ProviderError] | None = None

    async def stacks(self) -> dict[str, CloudStack] | ProviderError:
        """Stacks by name, from a list that begins after this was asked; or why there is none."""
        if self._next is None:
            self._next = asyncio.create_task(self._list())
        return await asyncio.shield(self._next)

    async def _list(self) -> dict[str, CloudStack] | ProviderError:
        async with self._busy:
            self._next = None
            listed = await _asked(self._provider, self._provider.observe_all())
        return listed if isinstance(listed, ProviderError) else {cloud.name: cloud for cloud in listed.values()}


async def _asked(provider: Provider, answer: Awaitable[T]) -> T | ProviderError:
    try:
        return await answer
    except ProviderError as error:
        return error
    except Exception as error:
        log.exception("a provider broke its contract name=%s", provider.name)
        return Transient(
            f'Provider "{provider.name}" ended in an error of hastexo_lab ({type(error).__name__}): see the '
            "worker's log."
        )
