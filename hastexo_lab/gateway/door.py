"""Who may come in: the WebSocket of a door from its handshake to its close.

A plain ASGI application (ASGI 3.0, "WebSocket"): no Channels consumer, which costs a thread hop a message.
The browser offers the subprotocols `hastexo-lab.v1` and `ticket.<ticket>`; only the first is answered, so the
ticket stands in no URL and in no log. `<door>/<key>` names the lab for a balancer's eyes only: the ticket decides,
and the key must be its own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.http.cookie import parse_cookie
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway import places
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Hub
from hastexo_lab.gateway.socket import Gone, Receive, Scope, Send, Socket, header, origin_allowed
from hastexo_lab.models import Stack, Visit
from hastexo_lab.secretbox import SecretsUnreadable
from hastexo_lab.stacks.presence import known_stacks
from hastexo_lab.tickets import Ticket, TicketForged, TicketRefused, spend

SUBPROTOCOL = "hastexo-lab.v1"
TICKET = "ticket."
FLUSH_S = 0.1  # Daphne cancels when it stops, and writes what is sent in the next round of its loop
# Of a stack, what says where it is and what opens it.
WAY_IN = ("key", "generation", "address", "port_offset", "host_keys", "sealed_secrets")

logger = logging.getLogger("hastexo_lab.gateway")


def _place(ticket: Ticket) -> places.Place:
    try:
        place: places.Place | None
        if ticket.stack:
            place = places.of_stack(ticket, Stack.objects.only(*WAY_IN).get(pk=ticket.stack))
        else:
            place = places.of_hook(ticket)
    except SecretsUnreadable as error:
        logger.error("secrets cannot be read stack=%s error=%r", ticket.stack, str(error))
        raise Ended("failed") from None
    except Exception:
        logger.exception("place_hook failed place=%r", ticket.place)
        raise Ended("failed") from None
    if place is None:
        raise Ended("another", "place_hook says no")
    return place


def _may_look(ticket: Ticket) -> bool:
    may = lab_settings().looking_in
    return may == "help" or (may == "watch" and ticket.read_only)


def admit(text: str, door: str, cookie: str, *, key: str = "", leads: bool = False) -> Entry:
    """Spend the ticket; on the database's thread. Raises TicketRefused and Ended.

    `key`: that of the path, if there is one; `leads`: whether this door leads into the lab.
    """
    ticket, visit = spend(text, door=door, cookie=cookie)
    try:
        stack = known_stacks().filter(pk=ticket.stack).first() if ticket.stack else None
        if bool(ticket.stack) != bool(stack) or (key and key != (stack.key if stack else ticket.place)):
            raise TicketForged("There is no such lab any more. Open the page again.")
        if leads and visit.looks_in and not _may_look(ticket):
            raise Ended("looking-off")
        place = _place(ticket) if leads else None
    except (TicketRefused, Ended):
        Visit.objects.filter(pk=visit.pk).update(left_at=timezone.now())
        raise
    return Entry(ticket=ticket, visit=visit.pk, stack=stack, place=place, looks_in=visit.looks_in)


class Door:
    """An ASGI application for one door. A subclass says what happens behind it in `visit`."""

    name: ClassVar[str]
    # Whether it leads into a lab: then the entry knows its place.
    leads: ClassVar[bool] = False
    # How it speaks, by the subprotocol that the page offers; the first that it knows counts.
    sockets: ClassVar[dict[str, type[Socket]]] = {SUBPROTOCOL: Socket}

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def visit(self, socket: Socket, entry: Entry) -> None:
        """Stay until the end. Raises Ended with the reason, or Gone when it is the browser that ends it."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one browser in, or say why not."""
        await receive()  # websocket.connect
        origin, host = header(scope, b"origin"), header(scope, b"host")
        if not origin_allowed(origin, host, lab_settings().allowed_origins):
            logger.warning(
                "origin refused door=%s origin=%r host=%r remedy=%r",
                self.name, origin[:200], host[:200], "list the origin in allowed_origins",
            )  # fmt: skip
            return await send({"type": "websocket.close", "code": 4403})
        spoken = next((each for each in scope["subprotocols"] if each in self.sockets), None)
        if spoken is None:
            logger.warning("subprotocol refused door=%s", self.name)
            return await send({"type": "websocket.close", "code": 4400})
        await send({"type": "websocket.accept", "subprotocol": spoken})
        socket = self.sockets[spoken](receive, send, scope.get("query_string", b""))
        return await self._let_in(scope, socket)

    async def _let_in(self, scope: Scope, socket: Socket) -> None:
        who = "stack=- visit=-"
        try:
            entry = await self._enter(scope)
            # The ticket and the cookies, which nobody needs any more, are not kept while the page is open.
            scope["headers"].clear()
            scope["subprotocols"].clear()
            scope.clear()
            who = f"{entry} user={entry.ticket.user_id!r}"
            logger.info("entered door=%s %s", self.name, who)
            await self._stay(socket, entry)
        except Gone:
            logger.info("left door=%s %s", self.name, who)
        except Ended as ended:
            logger.info("ended door=%s %s code=%s why=%r", self.name, who, ended.word, ended.why)
            await socket.close(ended)
        except asyncio.CancelledError:
            await socket.close(Ended("reconnect"))
            await asyncio.sleep(FLUSH_S)
            raise
        except Exception:
            logger.exception("failed door=%s %s", self.name, who)
            await socket.close(Ended("failed"))

    async def _enter(self, scope: Scope) -> Entry:
        if self.hub.draining:
            raise Ended("reconnect")
        tickets = [each.removeprefix(TICKET) for each in scope["subprotocols"] if each.startswith(TICKET)]
        cookie = parse_cookie(header(scope, b"cookie")).get(lab_settings().ticket_cookie, "")
        key = scope["url_route"]["kwargs"].get("key") or ""
        admitting: asyncio.Future[Entry] = asyncio.ensure_future(
            database_sync_to_async(admit)(
                tickets[0] if tickets else "", self.name, cookie, key=key, leads=self.leads
            )
        )
        try:
            return await asyncio.shield(admitting)
        except asyncio.CancelledError:
            admitting.add_done_callback(self._too_late)
            raise
        except TicketRefused as refused:
            raise Ended(refused.code) from None
        except DatabaseError as error:
            logger.error("database does not answer door=%s error=%s", self.name, type(error).__name__)
            raise Ended("unavailable") from None

    def _too_late(self, admitting: asyncio.Future[Entry]) -> None:
        """Its page was gone before the database answered: the visit is over."""
        if not admitting.cancelled() and admitting.exception() is None:
            self.hub.arrive(admitting.result())
            self.hub.depart(admitting.result())

    async def _stay(self, socket: Socket, entry: Entry) -> None:
        self.hub.arrive(entry)
        try:
            self.hub.crowd(entry)
            await self.visit(socket, entry)
        except asyncio.CancelledError:
            self.hub.depart(entry)
            await self.hub.flush()
            raise
        finally:
            if not self.hub.keeps(entry):
                self.hub.depart(entry)
