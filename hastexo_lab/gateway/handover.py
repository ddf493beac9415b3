"""What gateways tell each other of open desktops: sealed, in the rows of their visits. Plain functions on the ORM.

Who knows guacd's name for a connection can join it (CVE-2021-41767): it stands nowhere in clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from hastexo_lab import secretbox
from hastexo_lab.models import Visit
from hastexo_lab.stacks.presence import PRESENT_S

if TYPE_CHECKING:
    from hastexo_lab.gateway.hub import Entry

MANY = 32  # open visits of one user by one door that are looked through


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session's id, guacd's name for its connection, and of which generation of the lab it is.

    `taken`: bytes of the page's input, known while no socket is attached; None while one is. `visit`: where this
    was claimed.
    """

    id: str
    connection: str
    generation: int = 0
    taken: int | None = None
    visit: int = 0


def write(sessions: Mapping[int, Session]) -> None:
    """Note these sessions in their visits, as far as those last."""
    for visit, session in sessions.items():
        sealed = secretbox.seal(asdict(session))
        Visit.objects.filter(pk=visit, left_at=None).update(sealed_session=sealed)


def over(visits: Set[int]) -> set[int]:
    """Those of them that have ended: another gateway has taken them over."""
    return set(Visit.objects.filter(pk__in=visits).exclude(left_at=None).values_list("pk", flat=True))


def claim(entry: Entry, session_id: str) -> Session | None:
    """Take this session over from another gateway, if it is of the same right. Of two who try one gets it.

    Say `joined` once guacd has let the new user in: until then the other gateway keeps its own.
    """
    ticket = entry.ticket
    rows = _open(entry).filter(
        place=ticket.place, user_id=ticket.user_id, read_only=ticket.read_only, looks_in=entry.looks_in
    )
    for pk, sealed in rows.order_by("-pk").values_list("pk", "sealed_session")[:MANY]:
        session = _unseal(entry, sealed)
        if session is not None and constant_time_compare(session.id, session_id):
            if session.taken is None:  # its page is not known to be gone
                return None
            ours = Visit.objects.filter(pk=pk, sealed_session=sealed).update(sealed_session="")
            return replace(session, visit=pk) if ours else None
    return None


def joined(session: Session) -> None:
    """This session, which was claimed, goes on here: its visit at the other gateway is over."""
    Visit.objects.filter(pk=session.visit, left_at=None).update(left_at=timezone.now())


def learners(entry: Entry) -> Session | None:
    """The open session of the lab's own learner, for somebody who looks in; the latest, if there are more."""
    lately = timezone.now() - timedelta(seconds=PRESENT_S)
    rows = _open(entry).filter(looks_in=False, seen_at__gt=lately).order_by("-pk")
    found = (_unseal(entry, sealed) for sealed in rows.values_list("sealed_session", flat=True)[:MANY])
    return next((session for session in found if session is not None), None)


def _open(entry: Entry) -> QuerySet[Visit]:
    ticket = entry.ticket
    rows = Visit.objects.filter(stack=entry.stack, door=ticket.door, protocol=ticket.protocol, port=ticket.port)
    return rows.filter(left_at=None).exclude(sealed_session="")


def _unseal(entry: Entry, sealed: str) -> Session | None:
    try:
        session = Session(**secretbox.unseal(sealed))
    except (secretbox.SecretsUnreadable, TypeError):  # of another release
        return None
    return session if session.generation == (entry.stack.generation if entry.stack else 0) else None
