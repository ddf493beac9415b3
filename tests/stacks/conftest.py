"""Stacks on the local provider, tended as a worker does it: real processes, real SSH, the real planner."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from hastexo_lab.models import Phase, Stack
from hastexo_lab.stacks import wishes
from hastexo_lab.stacks.registry import providers
from hastexo_lab.stacks.tend import Tend
from tests.stacks.trouble import Troubled

TERMINAL = "hosts:\n  - name: web\n"


async def tend_once() -> int:
    """Claim what is due now and drive each stack one step further. Returns how many."""
    tend = Tend()
    count = await tend.claim()
    await tend.finish()
    return count


class Labs:
    """Wishes for a learner's lab, and rounds of tending until something is so."""

    def __init__(self, provider: Troubled):
        self.provider = provider
        self.order = wishes.LabOrder(
            course_id="course-v1:org+course+run",
            learner_id="7",
            lab="lab.yaml",
            candidates=(wishes.Candidate(provider="local", template=TERMINAL),),
        )

    def enter(self, *, again: bool = False, template: str | None = None, **changes) -> Stack:
        if template is not None:
            changes["candidates"] = (wishes.Candidate(provider="local", template=template),)
        self.order = replace(self.order, **changes)
        return wishes.enter(self.order, again=again)

    def now(self, stack: Stack) -> Stack:
        return Stack.objects.select_related("blueprint").get(pk=stack.pk)

    def tend(self) -> int:
        return async_to_sync(tend_once)()

    def until(self, stack: Stack, *phases: Phase, within_s: float = 60, condition=lambda stack: True) -> Stack:
        """Tend until the stack is in one of these phases (and so)."""
        deadline = time.monotonic() + within_s
        while (stack := self.now(stack)).phase not in phases or not condition(stack):
            assert time.monotonic() < deadline, f"{stack.phase}: {stack.error_message}"
            if not self.tend():
                time.sleep(0.02)
        return stack

    def step(self, stack: Stack, **so) -> Stack:
        """One step now, with the row changed to this before."""
        Stack.objects.filter(pk=stack.pk).update(**{"next_at": timezone.now(), **so})
        assert self.tend() == 1
        return self.now(stack)

    def due_now(self, stack: Stack) -> None:
        Stack.objects.filter(pk=stack.pk).update(next_at=timezone.now())

    def quiet_for(self, stack: Stack, seconds: float) -> None:
        """Nobody has done anything in the lab for this long."""
        Stack.objects.filter(pk=stack.pk).update(
            active_at=timezone.now() - timedelta(seconds=seconds), next_at=timezone.now()
        )

    def cloud(self) -> dict:
        return asyncio.run(self.provider.observe_all())


@pytest.fixture
def labs(tmp_path, settings, transactional_db):
    root = tmp_path / "stacks"
    config = {"type": "local", "root": str(root)}
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "site": "test", "providers": {"local": config}}
    provider = Troubled("local", config, site="test")
    providers()._built["local"] = provider
    yield Labs(provider)
    provider.trouble.clear()
    provider.always.clear()
    asyncio.run(provider.destroy_all())
    providers()._built.clear()
