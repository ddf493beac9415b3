"""Rows for tests: a lab that is up, and tickets into it."""

from __future__ import annotations

import uuid
from typing import Any

from hastexo_lab import secretbox, tickets
from hastexo_lab.models import Stack
from hastexo_lab.phases import Phase

LEARNER = "learner-1"
COOKIE = "a-csrf-token"


def lab(**known: Any) -> Stack:
    """A lab of LEARNER at 127.0.0.1, up unless said otherwise. `secrets` are sealed."""
    secrets = known.pop("secrets", {})
    defaults = {"course_id": "course", "learner_id": LEARNER, "lab": uuid.uuid4().hex, "phase": Phase.UP}
    more = {"address": "127.0.0.1", "next_at": None, "sealed_secrets": secretbox.seal(secrets)}
    return Stack.objects.create(**{**defaults, **more, **known})


def ticket(stack: Stack, *, cookie: str = "", **said: Any) -> str:
    """A ticket into this lab, for its learner by the door `desktop` unless said otherwise."""
    told = {"stack": stack.pk, "user_id": stack.learner_id, "door": "desktop", **said}
    return tickets.issue(tickets.Ticket(**told), cookie=cookie)
