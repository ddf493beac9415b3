"""Whether a host answers: a real SSH server, and hosts that say nothing, rubbish, or too much."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import pytest

from hastexo_lab.remote.connect import LINES_BEFORE_IDENTIFICATION, answers

HERE = "127.0.0.1"
SSH = b"SSH-2.0-OpenSSH_9.2\r\n"


@asynccontextmanager
async def host(says: bytes, *, then_ends: bool = False) -> AsyncIterator[int]:
    """The port of a host that says this to everybody, and then nothing more."""
    gone = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        if not then_ends:
            await gone.wait()
        writer.close()

    server = await asyncio.start_server(greet, HERE, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()


async def test_an_ssh_server_answers():
    server = await asyncssh.create_server(
        asyncssh.SSHServer, HERE, 0, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")]
    )
    async with server:
        assert await answers(HERE, server.get_port())


@pytest.mark.parametrize(
    ("says", "ends", "ssh"),
    [
        (SSH, False, True),
        (b"Welcome.\r\nThis is a lab.\r\n" + SSH, False, True),
        (b"line\r\n" * (LINES_BEFORE_IDENTIFICATION - 1) + SSH, False, True),
        (b"line\r\n" * LINES_BEFORE_IDENTIFICATION + SSH, False, False),
        (b"", False, False),
        (b"", True, False),
        (b"SSH", True, False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, False),
        (b"\xff\x00" * 4000, False, False),
        (b"x" * 100_000, False, False),
    ],
)
async def test_only_what_says_that_it_speaks_ssh_is_ready_for_ssh(says, ends, ssh):
    async with host(says, then_ends=ends) as port:
        began = time.monotonic()
        assert await answers(HERE, port, timeout_s=0.5) is ssh
        assert await answers(HERE, port, "tcp", timeout_s=0.5)
        assert time.monotonic() - began < 2


async def test_a_host_that_accepts_and_says_nothing_costs_no_more_than_the_timeout():
    # Connections wait in the kernel's queue, as with a host that sleeps.
    with socket.socket() as mute:
        mute.bind((HERE, 0))
        mute.listen()
        began = time.monotonic()
        assert not await answers(HERE, mute.getsockname()[1], timeout_s=0.3)
        assert 0.2 < time.monotonic() - began < 2


async def test_a_port_that_is_closed_does_not_answer():
    with socket.socket() as closed:
        closed.bind((HERE, 0))
        port = closed.getsockname()[1]
    assert not await answers(HERE, port, "tcp", timeout_s=1)


@pytest.mark.parametrize(
    ("address", "port"), [("", 22), ("no..host", 22), ("x" * 70, 22), (HERE, 70_000), (HERE, -1), ("a b", 22)]
)
async def test_an_address_that_cannot_be_does_not_answer(address, port):
    assert not await answers(address, port, timeout_s=1)
