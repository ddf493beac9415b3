"""Where a stack goes: the author's candidates in their order, each as far as it has room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from asgiref.sync import sync_to_async

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Blueprint, Phase, Stack
from hastexo_lab.providers.base import Launch, Provider, ProviderError, ProviderFull
from hastexo_lab.providers.tags import tags
from hastexo_lab.stacks.registry import NoSuchProvider, providers

# Phases in which a stack takes no place at its provider.
WITHOUT_PLACE = (Phase.NEW, Phase.QUEUED, Phase.GONE, Phase.FAILED)


@dataclass(frozen=True)
class Place:
    """A provider that may be asked, and what the lab is made from there."""

    name: str
    provider: Provider
    blueprint: Blueprint


async def places(stack: Stack) -> tuple[list[Place], list[ProviderError]]:
    """The places to try, in order, and why each other candidate is none.

    A create whose outcome is not known yet is sent again to the same provider, and to no other.
    """
    found: list[Place] = []
    refused: list[ProviderError] = []
    for candidate in _candidates(stack):
        try:
            found.append(await _place(stack, candidate))
        except ProviderError as error:
            refused.append(error)
    return found, refused


def _candidates(stack: Stack) -> list[dict[str, Any]]:
    """The author's rows, with "" as all of the site's providers in the site's order."""
    rows: list[dict[str, Any]] = []
    for row in stack.candidates:
        rows += [row] if row["provider"] else [{**row, "provider": name} for name in providers().names()]
    if not rows:
        rows_wanted = 'This site has no providers. Set "providers" in the settings of hastexo_lab.'
        raise NoSuchProvider(rows_wanted)
    if stack.launched_at:
        return [row for row in rows if row["provider"] == stack.provider] or rows
    return rows


async def _place(stack: Stack, candidate: dict[str, Any]) -> Place:
    name, capacity = candidate["provider"], candidate["capacity"]
    provider = providers().get(name)
    if isinstance(provider, ProviderError):
        raise provider
    if capacity == 0:
        raise NoSuchProvider(f'Provider "{name}" is switched off for this lab (capacity 0).')
    if capacity > 0 and await _taken(stack, name) >= capacity:
        raise ProviderFull(f'Provider "{name}" holds {capacity} labs of this course, which is its capacity.')
    return Place(name, provider, await Blueprint.objects.aget(pk=candidate["blueprint"]))


async def _taken(stack: Stack, name: str) -> int:
    others = Stack.objects.filter(course_id=stack.course_id, provider=name).exclude(pk=stack.pk)
    return await others.exclude(phase__in=WITHOUT_PLACE).acount()


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
