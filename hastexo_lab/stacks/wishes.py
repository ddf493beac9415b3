"""What is wanted: the LMS's few writes to a stack. A wish never waits for a cloud; it rings the workers' bell."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from hastexo_lab.models import Blueprint, ErrorKind, Goal, Phase, Stack, StackEvent
from hastexo_lab.stacks.tasks import ring

# Somebody who opens the page so long after the author's mistake was found tries whether it is mended: what
# was missing may have been in the cloud, where no change of the course tells of it.
MENDED_AFTER_S = 600


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A provider that may host the lab, with what the lab is made from there. Capacity: −1 = no limit, 0 = off."""

    provider: str
    template: str
    environment: str = ""
    capacity: int = -1


@dataclass(frozen=True, kw_only=True)
class LabOrder:
    """All that the author and the course say of one learner's lab. Times are in seconds, 0 = never."""

    course_id: str
    learner_id: str
    learner_name: str = ""
    lab: str
    candidates: tuple[Candidate, ...]
    # What must answer before the lab is ready: {"port": 22, "kind": "ssh" | "tcp", "name": "web"}
    probes: tuple[dict[str, Any], ...] = ({"port": 22, "kind": "ssh", "name": ""},)
    hook_script: str = ""
    hook_events: tuple[str, ...] = ()
    launch_timeout: int = 900
    suspend_timeout: int = 1200
    delete_age: int = 60 * 86400


def _blueprint(order: LabOrder, candidate: Candidate) -> Blueprint:
    parts = (candidate.template, candidate.environment, order.hook_script, ",".join(order.hook_events))
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    blueprint, _ = Blueprint.objects.get_or_create(
        sha256=digest,
        defaults={
            "template": candidate.template,
            "environment": candidate.environment,
            "hook_script": order.hook_script,
            "hook_events": list(order.hook_events),
        },
    )
    return blueprint


def _wanted(order: LabOrder) -> dict[str, Any]:
    return {
        "learner_name": order.learner_name,
        "candidates": [
            {"provider": c.provider, "capacity": c.capacity, "blueprint": _blueprint(order, c).pk}
            for c in order.candidates
        ],
        "probes": list(order.probes),
        "launch_timeout": order.launch_timeout,
        "suspend_timeout": order.suspend_timeout,
        "delete_age": order.delete_age,
    }


def find(course_id: str, learner_id: str, lab: str) -> Stack | None:
    """The learner's stack, if there has ever been one."""
    return (
        Stack.objects.filter(course_id=course_id, learner_id=learner_id, lab=lab)
        .select_related("blueprint")
        .first()
    )


def _wish(stack: Stack, message: str, **wanted: Any) -> Stack:
    now = timezone.now()
    # Somebody may have asked to be kept awake for longer than that.
    active_at = Case(When(active_at__lt=now, then=Value(now)), default=F("active_at"))
    with transaction.atomic():
        Stack.objects.filter(pk=stack.pk).update(wish=F("wish") + 1, next_at=now, active_at=active_at, **wanted)
        StackEvent.objects.create(
            stack=stack, kind="wish", phase=stack.phase, generation=stack.generation, message=message
        )
    ring()
    return Stack.objects.select_related("blueprint").get(pk=stack.pk)


def enter(order: LabOrder, *, again: bool = False) -> Stack:
    """The learner is here: their lab is wanted up.

    `again`: they asked for it by a click, so a lab that is gone starts anew and one that failed is tried again;
    just opening the page does neither.
    """
    wanted = _wanted(order)
    stack, made = Stack.objects.get_or_create(
        course_id=order.course_id, learner_id=order.learner_id, lab=order.lab, defaults=wanted
    )
    if made:
        return _wish(stack, "enter")
    if not again and _waits_for_a_click(stack, wanted["candidates"]):
        return stack
    if stack.phase in (Phase.GONE, Phase.FAILED):
        return _retry(stack, wanted)
    return _wish(stack, "enter", goal=Goal.UP, **wanted)


def _waits_for_a_click(stack: Stack, candidates: list[dict[str, Any]]) -> bool:
    """Whether just opening the page changes nothing: the lab is gone, removed, or has failed for now."""
    if stack.phase == Phase.FAILED:
        mended = stack.candidates != candidates or _long_ago(stack.error_at)
        return stack.error_kind != ErrorKind.AUTHOR or not mended
    removed = stack.goal == Goal.GONE and (stack.phase == Phase.DELETING or stack.gone_reason == "operator")
    return stack.phase == Phase.GONE or removed


def _long_ago(then: datetime | None) -> bool:
    return then is not None and (timezone.now() - then).total_seconds() > MENDED_AFTER_S


def _retry(stack: Stack, wanted: dict[str, Any]) -> Stack:
    """A lab that may still be there is asked again, and woken; otherwise it is made anew."""
    there = stack.ready_at is not None or stack.error_kind == ErrorKind.UNREACHABLE
    if stack.phase == Phase.FAILED and there and stack.error_kind != ErrorKind.LOST:
        return _wish(stack, "try again", goal=Goal.UP, error_kind="", **wanted)
    return _wish(stack, "start anew", goal=Goal.UP, wanted_generation=stack.generation + 1, **wanted)


def wake(stack: Stack) -> Stack:
    """The learner is here, and their lab needs nothing from its author to be woken."""
    return _wish(stack, "wake", goal=Goal.UP)


def reset(stack: Stack, order: LabOrder | None = None) -> Stack:
    """A new lab as it was at the beginning: the next generation is wanted, so this one goes.

    `order`: what the author says of the lab now; without it the new lab is made as the old one was.
    """
    wanted = _wanted(order) if order else {}
    return _wish(stack, "reset", goal=Goal.UP, wanted_generation=stack.generation + 1, **wanted)


def sleep(stack: Stack) -> Stack:
    """The lab may fall asleep now."""
    return _wish(stack, "sleep", goal=Goal.ASLEEP)


def remove(stack: Stack, reason: str = "operator") -> Stack:
    """The lab is not wanted any more."""
    return _wish(stack, "remove", goal=Goal.GONE, gone_reason=reason)
