"""Whether anybody still needs a lab."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from hastexo_lab.models import Goal, Stack, Visit
from hastexo_lab.stacks.facts import let_go
from tests.gateway import labs

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def visited(**so: object) -> Stack:
    """A lab whose learner has done nothing for long; Ann looks in, or as said."""
    stack = labs.lab(suspend_timeout=60, active_at=NOW - timedelta(seconds=61))
    ann = {"user_id": "ann", "door": "shell", "looks_in": True, "read_only": True, "seen_at": NOW}
    Visit.objects.create(stack=stack, **{**ann, **so})
    return stack


@pytest.mark.parametrize(
    ("so", "goal"),
    [
        ({}, Goal.UP),
        ({"left_at": NOW}, Goal.UP),  # the learner is told first that the lab goes to sleep
        ({"seen_at": NOW - timedelta(seconds=91)}, Goal.ASLEEP),
        ({"door": "events"}, Goal.ASLEEP),
        ({"looks_in": False}, Goal.ASLEEP),
    ],
)
def test_an_idle_lab_does_not_sleep_while_somebody_looks_in(so: dict[str, object], goal: Goal) -> None:
    stack = visited(**so)
    async_to_sync(let_go)(stack, NOW)
    assert Stack.objects.get().goal == goal


def test_looking_in_is_no_activity_of_the_learner() -> None:
    stack = visited()
    before = stack.active_at
    async_to_sync(let_go)(stack, NOW)
    assert Stack.objects.get().active_at == before
