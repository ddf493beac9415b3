"""Where a stack goes: the author's candidates in their order, each as far as it has room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from asgiref.sync import sync_to_async
from django.db import transaction

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Blueprint, ErrorKind, Phase, Stack
from hastexo_lab.providers.base import Launch, Provider, ProviderError, ProviderFull
from hastexo_lab.providers.tags import tags
from hastexo_lab.stacks.registry import NoSuchProvider, providers


@dataclass(frozen=True)
class Place:
    """A provider that may be asked, what the lab is made from there, and how many the course may have there."""

    name: str
    provider: Provider
    blueprint: Blueprint
    capacity: int = -1


async def places(stack: Stack) -> tuple[list[Place], list[ProviderError]]:
    """The places to try, in order, and why each other candidate is none.

    A create whose outcome is not known yet is sent again as it was, and nowhere else.
    """
    found: list[Place] = []
    refused: list[ProviderError] = []
    for candidate in _candidates(stack):
        try:
            found.append(await _place(candidate))
        except ProviderError as error:
            refused.append(error)
    return found, refused


def _candidates(stack: Stack) -> list[dict[str, Any]]:
    """The author's rows, with "" as all of the site's providers in the site's order."""
    if stack.launched_at:
        return [{"provider": stack.provider, "capacity": -1, "blueprint": stack.blueprint_id}]
    rows: list[dict[str, Any]] = []
    for row in stack.candidates:
        rows += [row] if row["provider"] else [{**row, "provider": name} for name in providers().names()]
    if not rows:
        raise NoSuchProvider('This site has no providers. Set "providers" in the settings of hastexo_lab.')
    return rows


async def _place(candidate: dict[str, Any]) -> Place:
    name, capacity = candidate["provider"], candidate["capacity"]
    provider = providers().get(name)
    if isinstance(provider, ProviderError):
        raise provider
    if capacity == 0:
        raise NoSuchProvider(f'Provider "{name}" is switched off for this lab (capacity 0).')
    return Place(name, provider, await Blueprint.objects.aget(pk=candidate["blueprint"]), capacity)


@sync_to_async
def take(stack: Stack, place: Place, now: datetime) -> bool:
    """Write where the create is about to be sent: if this worker dies now, the next one asks there.

    False if the lease is somebody else's by now. Raises ProviderFull.
    """
    with transaction.atomic():
        if 0 <= place.capacity <= _taken(stack, place.name):
            raise ProviderFull(
                f'Provider "{place.name}" has no room for this course: its capacity here is {place.capacity}.'
            )
        return _note(stack, place.name, place.blueprint, now)


@sync_to_async
def leave(stack: Stack) -> None:
    """The create was refused: nothing is there."""
    _note(stack, "", None, None)


def _note(stack: Stack, name: str, blueprint: Blueprint | None, now: datetime | None) -> bool:
    stack.provider, stack.blueprint, stack.launched_at = name, blueprint, now
    mine = Stack.objects.filter(pk=stack.pk, epoch=stack.epoch)
    return bool(mine.update(provider=name, blueprint=blueprint, launched_at=now))


def _taken(stack: Stack, name: str) -> int:
    """How many of the course's other labs are there, or on their way."""
    others = Stack.objects.filter(course_id=stack.course_id, provider=name).exclude(pk=stack.pk)
    return others.exclude(launched_at=None).exclude(phase=Phase.FAILED, error_kind=ErrorKind.LOST).count()


async def launch_order(stack: Stack, blueprint: Blueprint) -> Launch:
    """The order for this generation of the stack."""
    return Launch(
        name=stack.name,
        template=blueprint.template,
        environment=blueprint.environment,
        tags=tags(lab_settings().site, stack.generation),
        timeout_s=stack.launch_timeout or 24 * 3600,
        parameters=await sync_to_async(_parameters)(stack.course_id, blueprint.template),
    )


def _parameters(course_id: str, template: str) -> dict[str, str]:
    """The course run, for templates that ask for it: Heat refuses a parameter that a template does not have."""
    try:
        asked_for = yaml.safe_load(template).get("parameters") or {}
    except (yaml.YAMLError, AttributeError):
        return {}
    return {"run": course_id.rsplit("+", 1)[-1]} if "run" in asked_for else {}
