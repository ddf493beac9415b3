"""`manage.py clear_labs`: delete every stack of this workbench and wait until they are gone."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from hastexo_lab.models import Stack
from hastexo_lab.providers.base import CloudState, Provider, ProviderError
from hastexo_lab.stacks.registry import providers

ASK_AGAIN_S = 0.5


class Command(BaseCommand):
    """For the end of a workbench: the rows go with their stacks."""

    help = "Delete all stacks of this workbench, and what is known of them."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        asyncio.run(_clear_all())
        Stack.objects.all().delete()


async def _clear_all() -> None:
    found = [providers().get(name) for name in settings.HASTEXO_LAB["providers"]]
    await asyncio.gather(*(_clear(provider) for provider in found if not isinstance(provider, ProviderError)))


async def _clear(provider: Provider) -> None:
    while stacks := await _left(provider):
        for ref, stack in stacks.items():
            if stack.state != CloudState.DELETING:
                try:
                    await provider.delete(ref)
                except ProviderError as error:
                    print(f"{stack.name}: {error}")
        await asyncio.sleep(ASK_AGAIN_S)


async def _left(provider: Provider) -> dict[str, Any]:
    try:
        return await provider.observe_all()
    except ProviderError as error:
        print(f"{provider.name}: {error}")
        return {}
