"""The subprotocol `guacamole`: the translation alone, and clients on real parts."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hastexo_lab.gateway import guacamole
from hastexo_lab.gateway.desktop import screen_of
from hastexo_lab.gateway.stock import Drawn, connect_of
from tests.gateway import labs
from tests.gateway.fixtures import SERVERS, LabHost, Program, running_gateway
from tests.gateway.flood import flooding_guacd
from tests.gateway.page import Page
from tests.gateway.test_desktop import exists, rss_kib


@pytest.mark.parametrize(
    ("query", "width", "height", "dpi", "timezone"),
    [
        (b"", 1024, 768, 96, ""),
        (b"undefined", 1024, 768, 96, ""),
        (b"width=800&height=600&dpi=120&timezone=Europe/Berlin", 800, 600, 120, "Europe/Berlin"),
        (
            b"GUAC_WIDTH=800&GUAC_HEIGHT=600&GUAC_DPI=120&GUAC_TIMEZONE=Europe%2FBerlin",
            800,
            600,
            120,
            "Europe/Berlin",
        ),
        (b"width=-1&height=6e2&dpi=\xd9\xa1", 1024, 768, 96, ""),
        (b"width=1&height=99999&timezone=../../etc", 100, 8192, 96, ""),
        (b"hostname=evil&port=1&read-only=false&password=x&width=801", 801, 768, 96, ""),
        (b"&".join(b"width=1" for _ in range(1000)), 1024, 768, 96, ""),
    ],
)
def test_the_query_says_what_the_client_can_show(
    query: bytes, width: int, height: int, dpi: int, timezone: str
) -> None:
    told = connect_of(query)
    assert set(told) == {"type", "width", "height", "dpi", "timezone", "image"}
    screen = screen_of(told)
    assert (screen.width, screen.height, screen.dpi, screen.timezone) == (width, height, dpi, timezone)


def test_what_is_drawn_is_known_by_answered_syncs() -> None:
    drawn = Drawn()
    drawn.sent(100, b"3.nop;")
    assert drawn.total == 100  # no answer is due
    drawn.sent(50, b"3.nop;4.sync,2.10;4.rect,1.1;")
    assert drawn.total == 0
    drawn.sent(50, b"4.sync,2.20;")
    drawn.sent(50, b"4.sync,2.30;")
    drawn.answered("5")
    drawn.answered("x")
    assert drawn.total == 0
    drawn.answered("10")
    assert drawn.total == 150
    drawn.answered("20")
    assert drawn.total == 150  # one at a time is followed: the next is the latest
    drawn.answered("30")
    assert drawn.total == 250
    drawn.sent(1000, b"4.rect,1.1;")
    assert drawn.total == 1250


class Client(Page):
    """A stock client. Fails if a message does not hold whole instructions."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.faults: list[str] = []

    def was_told(self, *elements: str) -> bool:
        """Has this instruction come?"""
        return any((said.opcode, *said.args) == elements for said in self.instructions)

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                if isinstance(message, bytes):
                    self.faults.append("a binary message")
                    continue
                await self._draw(message.encode())
                if rest := self._parser.rest():
                    self.faults.append(f"half an instruction: {rest[:80]!r}")
                async with self._news:
                    self._news.notify_all()

    async def say(self, *elements: object) -> None:
        with contextlib.suppress(Exception):
            await self.socket.send(guacamole.encode(*(str(element) for element in elements)).decode())

    async def tell(self, kind: str, **told: Any) -> None:
        """There are no control messages."""


@contextlib.asynccontextmanager
async def client(port: int, ticket: str, query: str = "?width=800&height=600") -> AsyncIterator[Client]:
    """A stock client at the door."""
    async with connect(
        f"ws://127.0.0.1:{port}/hastexo-lab/desktop{query}",
        subprotocols=["guacamole", f"ticket.{ticket}"],  # type: ignore[list-item]
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        compression=None,
        max_size=None,
        proxy=None,
    ) as socket:
        assert socket.subprotocol == "guacamole"
        opened = Client(socket)
        yield opened
        assert opened.faults == []
        await opened.close()


@pytest.fixture
def terminal(sshd: LabHost, site_database: Path) -> Callable[..., str]:
    """Makes a terminal lab of its own and a ticket into it."""

    def make(**said: Any) -> str:
        stack = labs.lab(secrets={"private_key": sshd.keys["rsa"]})
        return labs.ticket(stack, port=sshd.port, login=sshd.user, **said)

    return make


@pytest.mark.guacd
async def test_a_client_is_told_a_uuid_of_ours_and_works(
    gateway: Program, terminal: Callable[..., str], guacd: Program, tmp_path: Path
) -> None:
    async with client(gateway.port, terminal()) as page:
        await page.prompted()
        opcode, (told,), _ = page.instructions[0]
        assert opcode == ""
        assert str(uuid.UUID(told)) == told
        assert told not in guacd.log.read_text()
        await page.type(f"echo hi > {tmp_path}/said\n")
        assert await exists(tmp_path / "said") == "hi\n"


@pytest.mark.guacd
async def test_an_idle_client_has_its_pings_answered_word_for_word(
    gateway: Program, terminal: Callable[..., str]
) -> None:
    async with client(gateway.port, terminal()) as page:
        await page.prompted()
        for sent in ("1700000000000", "x;y,😀"):
            await page.say("", "ping", sent)
            await page.until(lambda p, sent=sent: p.was_told("", "ping", sent))
        await page.say("", "other")
        await page.say("", "ping", "last")
        await page.until(lambda p: p.was_told("", "ping", "last"))
        assert not page.was_told("", "other")


@pytest.mark.guacd
@pytest.mark.parametrize(
    ("title", "text"),
    [
        (r"\303\251\360\237\230\200;,4.sync,1.1;", "é😀;,4.sync,1.1;"),
        (r"a\344bcd", "a�bcd"),  # Latin-1
        (r"\360\237\230", "�"),
    ],
)
async def test_a_title_comes_whole_whatever_is_in_it(
    gateway: Program, terminal: Callable[..., str], title: str, text: str
) -> None:
    async with client(gateway.port, terminal()) as page:
        await page.prompted()
        await page.type(rf"PS1='\e]0;{title}\a$ '" + "\n")
        await page.until(lambda p: p.was_told("name", text))


@pytest.mark.guacd
async def test_a_watcher_only_watches(gateway: Program, terminal: Callable[..., str], tmp_path: Path) -> None:
    async with client(gateway.port, terminal(read_only=True)) as page:
        await page.prompted()
        await page.type(f"echo no > {tmp_path}/no\n")
        await page.say("", "ping", "1")
        await page.until(lambda p: p.was_told("", "ping", "1"))
        assert not (tmp_path / "no").exists()


@pytest.mark.guacd
async def test_a_refused_ticket_is_told_as_a_status(gateway: Program, terminal: Callable[..., str]) -> None:
    async with client(gateway.port, "rubbish") as page:
        assert (await page.closed())[1] == 4401
        assert (page.instructions[-1].opcode, page.instructions[-1].args[1]) == ("error", "769")
        assert page.socket.close_reason in ("769", "")  # Daphne drops reasons
    with pytest.raises(InvalidStatus):
        async with connect(
            f"ws://127.0.0.1:{gateway.port}/hastexo-lab/desktop?token={terminal()}",
            subprotocols=["guacamole"],  # type: ignore[list-item]
            proxy=None,
        ):
            pass


@pytest.mark.guacd
@pytest.mark.parametrize("message", [b"3.nop;", "rubbish", "3.keys;", '{"type": "ping"}'])
async def test_rubbish_ends_it(gateway: Program, terminal: Callable[..., str], message: str | bytes) -> None:
    async with client(gateway.port, terminal()) as page:
        await page.prompted()
        await page.socket.send(message)
        assert (await page.closed())[1] == 4410
        assert (page.instructions[-1].opcode, page.instructions[-1].args[1]) == ("error", "768")


@pytest.mark.guacd
@pytest.mark.parametrize("server", sorted(SERVERS))
async def test_a_client_that_never_reads_makes_nothing_pile_up(
    site_database: Path, tmp_path: Path, server: str
) -> None:
    async with flooding_guacd() as port:
        with running_gateway(server, site_database, tmp_path, guacd_port=port) as gateway:
            async with client(gateway.port, labs.ticket(labs.lab())) as page:  # all is loaded at first use
                await page.until(lambda p: p.received)
                page.drop()
            before = rss_kib(gateway.process.pid)
            async with client(gateway.port, labs.ticket(labs.lab())) as page:
                page.stop_reading()
                for _ in range(10):
                    await page.say("", "ping", "1")
                    await asyncio.sleep(0.5)
                    assert rss_kib(gateway.process.pid) - before <= 6144
                page.drop()


@pytest.mark.guacd
async def test_a_client_that_answers_gets_more_than_a_window(site_database: Path, tmp_path: Path) -> None:
    async with flooding_guacd() as port:
        with running_gateway("daphne", site_database, tmp_path, guacd_port=port) as gateway:
            async with client(gateway.port, labs.ticket(labs.lab())) as page:
                await page.until(lambda p: p.received > 8 << 20)
                page.drop()
