"""Who may come in, and what a page may say: the pure parts."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hastexo_lab.gateway import socket
from hastexo_lab.gateway.desktop import screen_of
from hastexo_lab.gateway.endings import ENDINGS, OF_STATUS, Ended, of_status
from hastexo_lab.tickets import TicketRefused


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "may"),
    [
        ("https://labs.example.org", "labs.example.org", [], True),
        ("https://labs.example.org", "labs.example.org:443", [], True),
        ("https://labs.example.org:443", "LABS.example.org", [], True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", [], True),
        ("http://[::1]:8000", "[::1]:8000", [], True),
        ("http://127.0.0.1:8000", "127.0.0.1:8001", [], False),
        ("https://labs.example.org", "labs.example.org:80", [], False),
        ("https://evil.example.org", "labs.example.org", [], False),
        ("https://labs.example.org.evil.org", "labs.example.org", [], False),
        ("https://labs.example.org@evil.org", "labs.example.org", [], False),
        ("https://lms.example.org", "labs.example.org", ["https://lms.example.org"], True),
        ("https://LMS.example.org", "labs.example.org", ["https://lms.example.org/"], True),
        ("http://lms.example.org", "labs.example.org", ["https://lms.example.org"], False),
        ("", "labs.example.org", [], False),
        ("", "", [], False),
        ("null", "labs.example.org", [], False),
        ("file://", "", [], False),
        ("https://labs.example.org:x", "labs.example.org", [], False),
        ("https://[", "[", [], False),
    ],
)
def test_only_our_own_pages_and_those_the_site_allows_open_doors(
    origin: str, host: str, allowed: list[str], may: bool
) -> None:
    assert socket.origin_allowed(origin, host, allowed) is may


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_origin_makes_it_fall_over(origin: str, host: str) -> None:
    socket.origin_allowed(origin, host, [])


def test_a_header_that_comes_twice_counts_as_none() -> None:
    scope = {"headers": [(b"Origin", b"a"), (b"origin", b"b"), (b"host", b"h")]}
    assert socket.header(scope, b"origin") == ""
    assert socket.header(scope, b"host") == "h"
    assert socket.header(scope, b"cookie") == ""


@pytest.mark.parametrize("text", ["", "x", "1", "null", "[]", '{"a": 1}', '{"type": 1}', "[" * 50000])
def test_a_text_message_is_an_object_with_a_type(text: str) -> None:
    with pytest.raises(Ended) as ended:
        socket.control(text)
    assert ended.value.word == "protocol"


@pytest.mark.parametrize("value", [None, "1", True, [], {}, float("nan"), float("inf"), 2**60, -(2**60)])
def test_a_number_is_a_number(value: object) -> None:
    with pytest.raises(Ended):
        socket.whole(value, 0, 10)


@pytest.mark.parametrize(("value", "taken"), [(5, 5), (5.9, 5), (-1, 0), (11, 10), (1e15, 10)])
def test_a_number_is_brought_into_its_range(value: float, taken: int) -> None:
    assert socket.whole(value, 0, 10) == taken


def test_a_screen_is_brought_into_its_range() -> None:
    told = {
        "type": "connect",
        "width": 1,
        "height": 1e6,
        "timezone": "../x",
        "image": ["image/webp", "text/html", 1],
    }
    screen = screen_of(told)
    assert (screen.width, screen.height, screen.dpi) == (100, 8192, 96)
    assert (screen.timezone, screen.image, screen.audio) == ("", ("image/webp",), ())
    told = {"type": "connect", "width": 640, "height": 480, "dpi": 1000, "timezone": "America/Argentina/Salta"}
    screen = screen_of(told)
    assert (screen.dpi, screen.timezone, screen.image) == (384, told["timezone"], ("image/png", "image/jpeg"))


@pytest.mark.parametrize("wrong", [{"timezone": 1}, {"image": {}}, {"audio": ""}, {"width": None}])
def test_a_connect_of_another_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Ended):
        screen_of({"type": "connect", "width": 800, "height": 600, **wrong})


def test_each_ending_has_its_own_code_and_a_sentence() -> None:
    codes = [ending.close_code for ending in ENDINGS.values()]
    assert len(set(codes)) == len(codes)
    assert all(4400 <= code < 4500 for code in codes)
    assert all(str(ending.text).endswith(".") for ending in ENDINGS.values())
    assert set(OF_STATUS.values()) < set(ENDINGS)
    assert {kind.code for kind in [TicketRefused, *TicketRefused.__subclasses__()]} < set(ENDINGS)


def test_guacds_status_goes_on_to_the_page() -> None:
    assert (of_status(0x0301).word, of_status(0x0301).status) == ("lab-login", 0x0301)
    assert (of_status(0x0205).word, of_status(0x0205).status) == ("lab-error", 0x0205)


async def test_a_stream_of_many_small_pieces_comes_whole_and_in_its_order() -> None:
    listens = asyncio.Event()
    sent: list[Any] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        await listens.wait()
        sent.append(message.get("text") or message["bytes"])

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.receive", "text": "{}"}

    page = socket.Socket(receive, send)
    pieces = [b"%d," % number for number in range(5000)]
    for piece in pieces[:3000]:
        page.stream(piece)
    page.tell("pong")
    for piece in pieces[3000:]:
        page.stream(piece)
    assert page.backlog == len(b"".join(pieces))
    listens.set()
    async with asyncio.timeout(15):
        while page.busy:
            await asyncio.sleep(0)
    assert await page.receive() == "{}"  # and not that it has ended
    at = sent.index('{"type": "pong"}')
    assert (b"".join(sent[:at]), b"".join(sent[at + 1 :])) == (b"".join(pieces[:3000]), b"".join(pieces[3000:]))
    assert page.backlog == 0
