"""Looking in: the course team in a learner's lab, to watch or to help, as far as the site lets them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from hastexo_lab.block.visitor import Visitor
from hastexo_lab.block.words import Sentence, Trouble
from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Stack
from hastexo_lab.stacks import presence

MOST_LABS = 50


def extent(visitor: Visitor) -> str:
    """What this visitor may do in others' labs: "help" (and type), "watch", or "off"."""
    return lab_settings().looking_in if visitor.is_staff else "off"


def _let_in(visitor: Visitor, *, helps: bool = False) -> None:
    """Raise Trouble 403 unless this visitor may look in, and help if they want to."""
    if not visitor.is_staff:
        raise Trouble(403, Sentence(_("Only the course team can look in at the labs of others.")))
    if extent(visitor) == "off":
        raise Trouble(403, Sentence(_("On this site nobody looks in at the labs of others.")))
    if helps and extent(visitor) != "help":
        raise Trouble(403, Sentence(_("On this site the course team can watch a lab, but not type in it.")))


def find(visitor: Visitor, lab: str, key: str, *, helps: bool = False) -> Stack:
    """The stack with this key, if it is somebody else's `lab` in the visitor's course.

    `helps`: to type in it too. Raises Trouble: 403 not allowed, 404 no such lab.
    """
    _let_in(visitor, helps=helps)
    of_this_lab = Stack.objects.filter(course_id=visitor.course_id, lab=lab).exclude(learner_id=visitor.user_id)
    stack = of_this_lab.filter(key=key).select_related("blueprint").first()
    if stack is None:
        raise Trouble(404, Sentence(_("There is no such lab in this unit.")))
    return stack


def listed(visitor: Visitor, lab: str, query: str) -> dict[str, Any]:
    """Others' labs, as the handler `labs` answers. Raises Trouble 403."""
    _let_in(visitor)
    now = timezone.now()
    rows = presence.labs(visitor.course_id, lab, query, now, but=visitor.user_id, most=MOST_LABS + 1)
    return {"labs": [_told(row, now) for row in rows[:MOST_LABS]], "more": len(rows) > MOST_LABS}


def _told(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "key": row["key"],
        "learner": row["learner_name"] or row["learner_id"],
        "phase": row["phase"],
        # Who has asked for their lab to be kept awake is active in advance.
        "active": min(row["active_at"], now).isoformat(),
        "here": row["here"],
    }
