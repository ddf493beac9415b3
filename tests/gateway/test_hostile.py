"""What nobody should be able to do, and what should work although it looks odd: on real parts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from hastexo_lab.gateway import guacamole
from hastexo_lab.providers.local.desktop import vnc_password_file
from tests.gateway import labs
from tests.gateway.between import between
from tests.gateway.fixtures import LabHost, Program, free_port, running, running_gateway, wait_for
from tests.gateway.page import Page, in_lab, opened

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]

ODD_PASSWORD = "pä😀;,\"'\\ 2.x;"


@pytest.fixture
def terminal(sshd: LabHost) -> Callable[..., str]:
    """Makes a terminal lab of its own and a ticket into it."""

    def make(**said: Any) -> str:
        stack = labs.lab(secrets={"private_key": sshd.keys["rsa"]})
        return labs.ticket(stack, port=sshd.port, login=sshd.user, **said)

    return make


class OddServer(asyncssh.SSHServer):
    """Lets in who knows the password."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("learner", ODD_PASSWORD)


async def _greet(process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write("\x1b]0;let in\a")
    with contextlib.suppress(asyncssh.Error):
        await process.stdin.read()


@pytest.fixture
async def odd_lab(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of an SSH server whose password is an odd one."""
    # OpenSSH takes a password as it is; asyncssh turns away what Unicode 3.2 did not know yet.
    monkeypatch.setattr("asyncssh.auth.saslprep", str)
    keys = [asyncssh.generate_private_key("ssh-rsa", key_size=2048)]
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=OddServer, server_host_keys=keys, process_factory=_greet
    )
    yield server.get_port()
    server.close()


@pytest.mark.parametrize("known", [True, False])
async def test_a_password_may_hold_anything(gateway: Program, odd_lab: int, known: bool) -> None:
    stack = labs.lab(secrets={"password": ODD_PASSWORD if known else ODD_PASSWORD[:-1]})
    async with opened(gateway.port, labs.ticket(stack, port=odd_lab, login="learner")) as page:
        await page.tell("connect", width=800, height=600)
        if known:
            await page.until(lambda p: named(p, "let in"))
        else:
            assert (await page.closed())[0] == "lab-login"


def named(page: Page, title: str) -> bool:
    """Has the lab's window this title?"""
    return any(said[:2] == ("name", (title,)) for said in page.instructions)


@pytest.fixture
def odd_desktop(tmp_path: Path) -> Iterator[int]:
    """The port of a VNC desktop with a password of eight odd bytes."""
    (tmp_path / "password").write_bytes(vnc_password_file("é😀;x"))
    port = free_port()
    options = ["-rfbport", str(port), "-localhost", "-SecurityTypes", "VncAuth"]
    password = ["-PasswordFile", str(tmp_path / "password")]
    with running(["Xvnc", f":{port % 10000 + 100}", *options, *password], port, tmp_path / "xvnc.log"):
        yield port


async def test_a_desktops_password_may_hold_anything(gateway: Program, odd_desktop: int) -> None:
    stack = labs.lab(secrets={"password": "é😀;x"})
    async with in_lab(gateway.port, labs.ticket(stack, protocol="vnc", port=odd_desktop)) as page:
        await page.until(lambda p: p.drawn("img", "rect", "copy"))


async def test_a_stream_that_comes_byte_by_byte_comes_whole(
    terminal: Callable[..., str], guacd: Program, site_database: Path, tmp_path: Path
) -> None:
    async with between(guacd.port, byte_by_byte=True) as relay:
        with running_gateway("uvicorn", site_database, tmp_path, guacd_port=relay.port) as gateway:
            async with in_lab(gateway.port, terminal()) as page:
                await page.prompted()
                await page.type(r"PS1='\e]0;\303\251\360\237\230\200;,4.sync,1.1;\a$ '" + "\n")
                await page.until(lambda p: named(p, "é😀;,4.sync,1.1;"))


@pytest.mark.parametrize("title", ["5.error,1.x,3.769", ";5.error,1.x,3.769", "10.disconnect", ";10.disconnect"])
async def test_a_title_does_not_end_the_session(
    gateway: Program, terminal: Callable[..., str], title: str, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.prompted()
        await page.type(rf"printf '\e]0;{title}\a'; sleep 2.5; touch {tmp_path}/after" + "\n")
        await asyncio.to_thread(wait_for, (tmp_path / "after").exists)
        page.texts.clear()
        await page.tell("ping")
        await page.text("pong")


async def test_who_looks_in_and_draws_nothing_does_not_hold_the_learner_up(gateway: Program, sshd: LabHost) -> None:
    stack = labs.lab(secrets={"private_key": sshd.keys["rsa"]})

    def ticket(**said: Any) -> str:
        return labs.ticket(stack, port=sshd.port, login=sshd.user, **said)

    async with in_lab(gateway.port, ticket()) as learner:
        await learner.prompted()
        await learner.tell("ping")
        await asyncio.to_thread(wait_for, lambda: stack.visits.exclude(sealed_session="").exists())
        watches = {"user_id": "staff-1", "user_name": "Ann", "staff": True, "read_only": True}
        async with in_lab(gateway.port, ticket(**watches), credits=False) as staff:
            await learner.type("while :; do head -c 30000 /dev/urandom | base64; done\n")
            assert await staff.closed(timeout_s=10) == ("stalled", 4412)
            before = learner.received
            await learner.until(lambda page: page.received > before + 1_000_000)


async def test_a_lab_may_name_a_pipe_as_it_likes(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.prompted()
        await page.type(r"printf '\e]482202;a,\360\237\230\200.txt\a'" + "\n")
        await page.until(lambda p: [i for i in p.instructions if i.opcode == "pipe" and i.args[2] == "a,😀.txt"])


async def test_a_sync_from_the_future_ends_that_page_only(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as liar, in_lab(gateway.port, terminal()) as other:
        await liar.say("sync", 10**15)
        word, _ = await liar.closed()
        assert word in ("lab-ended", "lost", "lab-error")
        await answers(other)


async def answers(page: Page) -> None:
    """See that the page's terminal still draws what is typed."""
    before = page.drawn("img", "copy")
    await page.type("echo\n")
    await page.until(lambda p: p.drawn("img", "copy") > before)


async def test_nothing_that_a_watcher_says_reaches_guacd(
    terminal: Callable[..., str], guacd: Program, site_database: Path, tmp_path: Path
) -> None:
    async with between(guacd.port) as relay:
        with running_gateway("uvicorn", site_database, tmp_path, guacd_port=relay.port) as gateway:
            async with in_lab(gateway.port, terminal(read_only=True)) as page:
                for opcode in sorted(
                    guacamole.USER_OPCODES - {"disconnect"} | {"", "select", "connect", "Key", "key "}
                ):
                    for args in ((), ("0",), ("97", "1", "1"), ("0", "text/plain", "x", "1", "1", "1", "1")):
                        await page.say(opcode, *args)
                stream = guacamole.encode("key", "97", "1")
                for at in range(len(stream)):
                    await page.socket.send(stream[at : at + 1])
                await page.tell("ping")
                await page.text("pong")
            passed = {said.opcode for said in relay.said}
            assert "sync" in passed
            assert passed <= guacamole.READ_ONLY_OPCODES
            assert all(len(said.args) >= guacamole.LEAST_ARGS[said.opcode] for said in relay.said)


@pytest.mark.parametrize("opcode", sorted(guacamole.USER_OPCODES - {"nop", "disconnect"}))
async def test_what_is_not_all_there_does_not_reach_guacd(
    gateway: Program, terminal: Callable[..., str], opcode: str
) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        for count in range(guacamole.LEAST_ARGS[opcode]):
            await page.say(opcode, *["1"] * count)
        await answers(page)


async def test_a_page_that_floods_holds_nobody_up(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as flooder, in_lab(gateway.port, terminal()) as other:
        await other.prompted()
        flood = guacamole.encode("mouse", "1", "1", "0") * 3000

        async def pour() -> None:
            with contextlib.suppress(Exception):
                while True:
                    await flooder.socket.send(flood)

        pouring = asyncio.create_task(pour())
        for _ in range(10):
            before, texts = time.monotonic(), len(other.texts)
            await other.tell("ping")
            await other.until(lambda p, texts=texts: len(p.texts) > texts)
            assert time.monotonic() - before < 10
        pouring.cancel()
        flooder.drop()
        await answers(other)


@pytest.mark.parametrize(
    "path",
    [
        "desktop?ticket={}",
        "desktop?token={}",
        "desktop/{}",
    ],
)
async def test_a_ticket_in_a_url_opens_nothing(gateway: Program, terminal: Callable[..., str], path: str) -> None:
    async with opened(gateway.port, "", door=path.format(terminal())) as page:
        word, _ = await page.closed()
        assert word in ("forged", "no-door")
