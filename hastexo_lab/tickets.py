"""The right to open one door once: issued by the block, spent at the gateway.

A ticket is a signed text of [A-Za-z0-9._-] (so that it fits Sec-WebSocket-Protocol), good for
`ticket_lifetime` seconds. Nothing in it is secret; nothing in it can be chosen by who carries it.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Stack, Visit

SALT = "hastexo_lab.tickets"
DOORS = ("desktop", "shell", "events")


class TicketRefused(Exception):
    """Base: this ticket opens nothing. `code` is stable, the text is for whoever carries it."""

    code = "refused"


class TicketForged(TicketRefused):
    """Not issued here, or changed since."""

    code = "forged"


class TicketLate(TicketRefused):
    """Its time is over."""

    code = "late"


class TicketSpent(TicketRefused):
    """It has opened its door already."""

    code = "spent"


class TicketOfAnother(TicketRefused):
    """It was issued to another learner or another browser, or for another door."""

    code = "another"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """One right, to a lab by its `stack`, or (0) to a `place` that the project's own hook knows.

    `port` is the author's (the stack's `port_offset` is not yet in it); a hook's place has its own.
    """

    stack: int = 0
    place: str = ""
    user_id: str
    user_name: str = ""
    door: str
    protocol: str = "ssh"
    port: int = 22
    login: str = ""
    read_only: bool = False
    staff: bool = False

    def looks_in(self, learner_id: str) -> bool:
        """Whether it leads into somebody else's lab."""
        return bool(self.stack) and self.user_id != learner_id


def _signer() -> signing.TimestampSigner:
    keys: list[str | bytes] = [*lab_settings().secret_keys] or [settings.SECRET_KEY]
    return signing.TimestampSigner(key=keys[0], fallback_keys=keys[1:], sep=".", salt=SALT)


def _binding(cookie: str) -> str:
    return salted_hmac(SALT, cookie, algorithm="sha256").hexdigest()[:32] if cookie else ""


def issue(ticket: Ticket, *, cookie: str = "") -> str:
    """The ticket's text. `cookie`: the value of the setting `ticket_cookie`'s cookie, which it is bound to."""
    payload = {**asdict(ticket), "id": secrets.token_hex(16), "to": _binding(cookie)}
    return _signer().sign_object(payload)


def _read(text: str) -> tuple[Ticket, str, str]:
    """The ticket, its id, and what it is bound to. One of another release's shape counts as forged."""
    try:
        payload: dict[str, Any] = _signer().unsign_object(text, max_age=lab_settings().ticket_lifetime)
        ticket_id, bound_to = payload.pop("id"), payload.pop("to")
        return Ticket(**payload), ticket_id, bound_to
    except signing.SignatureExpired:
        raise TicketLate("This link into the lab is too old. Open the page again.") from None
    except (signing.BadSignature, ValueError, TypeError, KeyError, AttributeError):
        raise TicketForged("This link into the lab is not valid. Open the page again.") from None


def spend(text: str, *, door: str, cookie: str = "") -> tuple[Ticket, Visit]:
    """Check the ticket and mark it used, in one step: of two who try at once, one gets in.

    Raises TicketForged, TicketLate, TicketSpent or TicketOfAnother.
    """
    ticket, ticket_id, bound_to = _read(text)
    stack = Stack.objects.filter(pk=ticket.stack).only("pk", "learner_id").first() if ticket.stack else None
    if bool(ticket.stack) == bool(ticket.place) or (ticket.stack and stack is None):
        raise TicketForged("There is no such lab any more. Open the page again.")
    looks_in = stack is not None and ticket.looks_in(stack.learner_id)
    if (
        ticket.door != door
        or (bound_to and not constant_time_compare(bound_to, _binding(cookie)))
        or (looks_in and not ticket.staff)
    ):
        raise TicketOfAnother("This link into the lab was made for somebody else. Open the page again.")
    try:
        with transaction.atomic():
            visit = Visit.objects.create(
                ticket=ticket_id,
                stack=stack,
                place=ticket.place[:255],
                user_id=ticket.user_id,
                user_name=ticket.user_name[:255],
                door=door,
                protocol=ticket.protocol,
                port=ticket.port,
                read_only=ticket.read_only,
                looks_in=looks_in,
            )
    except IntegrityError:
        raise TicketSpent("This link into the lab was used before. Open the page again.") from None
    return ticket, visit
