"""Who is in which lab: what the gateway reads of all labs with an open page, and what it writes of them.

Plain functions on the ORM, each one query or one UPDATE however many labs there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from hastexo_lab.models import Stack, Visit

# What was seen within this time is still there: the gateway writes presence every 30 s.
PRESENT_S = 90.0
# The doors by which one sees what is in a lab.
INTO = ("desktop", "shell")

ROLL = ("key", "learner_id", "learner_name", "phase", "active_at")

# A change that the page or the gateway must hear of changes one of these.
SIGNS = (
    *(
        "pk",
        "phase",
        "phase_since",
        "progress",
        "goal",
        "generation",
        "gone_reason",
        "error_kind",
        "error_at",
    ),
    *("active_at", "launched_at", "suspend_timeout", "delete_age"),
)
Sign = tuple[Any, ...]
# What the window and the doors know besides: a gateway keeps no more of a stack for each open page.
KNOWN = (
    *(*SIGNS, "key", "error_reference", "error_message"),
    *("blueprint__launch_s", "blueprint__wake_s", "blueprint__sleep_s"),
)


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is to be written down, all of it by primary keys.

    `here`: stacks with an open page; `active`: stacks in which somebody has done something; `until`: stacks
    whose `active_at` is to be raised to this time; `visits`: visits that last; `left`: visits that are over.
    """

    here: Set[int] = field(default_factory=frozenset)
    active: Set[int] = field(default_factory=frozenset)
    until: Mapping[int, datetime] = field(default_factory=dict)
    visits: Set[int] = field(default_factory=frozenset)
    left: Set[int] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.here or self.active or self.until or self.visits or self.left)


def known_stacks() -> QuerySet[Stack]:
    """Stacks with what a gateway knows of them."""
    return Stack.objects.select_related("blueprint").only(*KNOWN)


def sign_of(stack: Stack) -> Sign:
    """That of a row that has just been read."""
    return tuple(getattr(stack, name) for name in SIGNS)


def look(known: Mapping[int, Sign | None]) -> tuple[dict[int, Sign], list[Stack]]:
    """The signs of all these stacks as they are now, and those stacks that differ from what is known.

    A stack that is in neither is no longer in the table.
    """
    signs = {row[0]: row for row in Stack.objects.filter(pk__in=known).values_list(*SIGNS)}
    changed = [pk for pk, sign in signs.items() if sign != known[pk]]
    if not changed:
        return signs, []
    return signs, list(known_stacks().filter(pk__in=changed))


def visitors(pks: Iterable[int], now: datetime) -> dict[int, list[dict[str, Any]]]:
    """Who looks in at these stacks: stack → [{"name": str, "read_only": bool}], whoever came first before.

    Somebody with several tabs is one visitor, who can type if one of the tabs can. Stacks without are not there.
    """
    rows = Visit.objects.filter(
        stack__in=pks, looks_in=True, door__in=INTO, left_at=None, seen_at__gt=now - timedelta(seconds=PRESENT_S)
    ).order_by("entered_at", "pk")
    found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for stack, user_id, name, read_only in rows.values_list("stack", "user_id", "user_name", "read_only"):
        who = found[stack].setdefault(user_id, {"name": name or user_id, "read_only": True})
        who["read_only"] &= read_only
    return {stack: list(each.values()) for stack, each in found.items()}


def labs(course_id: str, lab: str, query: str, now: datetime, *, but: str, most: int) -> list[dict[str, Any]]:
    """Rows of ROLL with `here`: one lab of a course, without the learner `but`, where name or id holds `query`.

    `here`: the learner has a page open. Those come first, and of the others the latest active; `most` in all.
    """
    lately = now - timedelta(seconds=PRESENT_S)
    own = Visit.objects.filter(
        stack=OuterRef("pk"), user_id=OuterRef("learner_id"), left_at=None, seen_at__gt=lately
    )
    named = Q(learner_name__icontains=query) | Q(learner_id__icontains=query)
    rows = Stack.objects.filter(named, course_id=course_id, lab=lab).exclude(learner_id=but)
    rows = rows.annotate(here=Exists(own)).order_by("-here", "-active_at", "pk")
    return list(rows.values(*ROLL, "here")[:most])


def write(notes: Notes, now: datetime) -> None:
    """Write all of it down. `active_at` is only ever raised, and only for stacks that are still there."""
    if notes.here or notes.active:
        _write_presence(notes, now)
    for pk, until in notes.until.items():
        Stack.objects.filter(pk=pk, active_at__lt=until).update(active_at=until)
    if notes.visits:
        Visit.objects.filter(pk__in=notes.visits, left_at=None).update(seen_at=now)
    if notes.left:
        Visit.objects.filter(pk__in=notes.left, left_at=None).update(left_at=now, sealed_session="")


def _write_presence(notes: Notes, now: datetime) -> None:
    raised = When(Q(pk__in=notes.active, active_at__lt=now), then=Value(now))
    here = {*notes.here, *notes.active}
    Stack.objects.filter(pk__in=here).update(
        seen_at=now, active_at=Case(raised, default=F("active_at")) if notes.active else F("active_at")
    )
