"""Shells: who lets whom in, and whether the host is the one that is meant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest

from hastexo_lab.gateway import places
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Hub
from hastexo_lab.gateway.places import Place
from hastexo_lab.gateway.shell import ShellDoor
from hastexo_lab.models import HostKey, Stack
from hastexo_lab.tickets import Ticket
from tests.gateway import labs
from tests.gateway.fixtures import LabHost, Program, free_port, secrets_in
from tests.gateway.terminals import PASSWORD, SIZE, TerminalPage, Wire, in_shell, lab_of, opened, ssh_host
from tests.providers.local_labs import Lab, new_lab

__all__ = ["new_lab"]
pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]


def new_key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


@asynccontextmanager
async def tried(gateway: Program, stack: Stack, port: int, **said: Any) -> AsyncIterator[TerminalPage]:
    """The page that has said `connect`."""
    text = labs.ticket(stack, **{"door": "shell", "port": port, "login": "training", **said})
    async with opened(gateway.port, text) as page:
        await page.tell("connect", cols=80, rows=24)
        yield page


async def ends(gateway: Program, stack: Stack, port: int, **said: Any) -> tuple[str, int]:
    """Why nobody comes in."""
    async with tried(gateway, stack, port, **said) as page:
        return await page.closed()


async def opens(gateway: Program, stack: Stack, port: int, **said: Any) -> None:
    """Somebody comes in."""
    async with tried(gateway, stack, port, **said) as page:
        await page.prompted()


def by_password(**known: Any) -> Stack:
    return labs.lab(secrets={"password": PASSWORD}, **known)


# Logging in.


async def test_a_password_opens(gateway: Program) -> None:
    async with ssh_host() as host:
        await opens(gateway, by_password(), host.port)
        assert host.passwords == [PASSWORD]
    assert PASSWORD not in gateway.log.read_text()


async def test_a_password_with_emoji_reaches_the_lab_as_it_is(
    gateway: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    # asyncssh's server refuses what RFC 4013 does not know; sshd compares bytes.
    monkeypatch.setattr("asyncssh.auth.saslprep", str)
    monkeypatch.setattr("tests.gateway.terminals.PASSWORD", "pä😀;,")
    async with ssh_host() as host:
        await opens(gateway, labs.lab(secrets={"password": "pä😀;,"}), host.port)
        assert host.passwords == ["pä😀;,"]


async def test_a_key_that_the_lab_does_not_know_is_no_login(gateway: Program, sshd: LabHost) -> None:
    stack = lab_of(sshd, key="other")
    assert await ends(gateway, stack, sshd.port, login=sshd.user) == ("lab-login", 4423)
    log = gateway.log.read_text()
    assert "code=lab-login" in log
    assert not secrets_in(log)


async def test_nobody_answers(gateway: Program) -> None:
    assert await ends(gateway, by_password(), free_port()) == ("lab-unreachable", 4424)


async def test_who_answers_speaks_no_ssh(gateway: Program) -> None:
    async def rubbish(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-1.5-old\r\n")

    async with await asyncio.start_server(rubbish, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ends(gateway, by_password(), port) == ("lab-unreachable", 4424)


async def test_a_lab_without_a_terminal_is_told_from_one_that_is_away(gateway: Program) -> None:
    class NoTerminal(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return False

        def session_requested(self) -> bool:
            return False

    async with await asyncssh.listen(
        "127.0.0.1", 0, server_factory=NoTerminal, server_host_keys=[new_key()]
    ) as server:
        assert await ends(gateway, by_password(), server.get_port()) == ("lab-error", 4425)


async def test_a_host_of_the_local_provider_opens(gateway: Program, new_lab: Callable[..., Awaitable[Lab]]) -> None:
    lab = await new_lab(template="hosts: [{name: web, files: {welcome.txt: Hello}}]")
    await lab.answers(22)
    told = await lab.outputs()
    stack = labs.lab(
        address=told.address, port_offset=told.port_offset, host_keys=told.host_keys, secrets=dict(told.secrets)
    )
    text = labs.ticket(stack, door="shell", port=22, login="training")
    async with in_shell(gateway.port, text) as page:
        await page.until(lambda p: p.output)
        await page.type("PS1='$ '; cat welcome.txt; echo 6*7=$((6*7)); stty size\n")
        await page.shows("6*7=42\r\n30 100\r\n")
        assert b"Hello" in page.output
    assert not HostKey.objects.filter(place__startswith=f"stack/{stack.key}/").exists()


# The host's key.


@pytest.mark.parametrize("name", ["", "lab.example.org ", "[10.0.0.5]:22,lab "])
async def test_a_host_that_the_stack_names_is_let_in_and_no_other(gateway: Program, name: str) -> None:
    async with ssh_host(keys=[key := new_key()]) as host:
        await opens(gateway, by_password(host_keys=f"# keys\n{name}{line(key)} root@lab\n"), host.port)
        host.passwords.clear()
        stack = by_password(host_keys=f"{name}{line(new_key())}")
        assert await ends(gateway, stack, host.port) == ("host-key", 4426)
        assert host.passwords == []
    log = gateway.log.read_text()
    assert f"another host key stack={stack.pk}" in log
    assert line(key) in log


async def test_the_page_says_what_to_do_about_another_host(gateway: Program) -> None:
    async with ssh_host() as host, tried(gateway, by_password(host_keys=line(new_key())), host.port) as page:
        await page.closed()
        assert "Tell your course team" in page.texts[-1]["text"]


async def test_of_several_keys_the_one_that_is_known_counts(gateway: Program) -> None:
    keys = [new_key(), new_key("ecdsa-sha2-nistp256"), new_key("ssh-rsa")]
    async with ssh_host(keys=keys) as host:
        for key in keys:
            await opens(gateway, by_password(host_keys=line(key)), host.port)


async def test_of_host_keys_those_that_cannot_be_read_are_told_and_the_others_count(gateway: Program) -> None:
    async with ssh_host(keys=[key := new_key()]) as host:
        stack = by_password(host_keys=f"ssh-ed25519 AAAA\n{line(key)}")
        await opens(gateway, stack, host.port)
    log = gateway.log.read_text()
    assert f"host_keys cannot be read stack={stack.pk}" in log
    assert "line 1: the ssh-ed25519 key is cut off" in log


@pytest.mark.parametrize("known", ["not a key\nssh-ed25519 AAAA", "# the keys of this host"])
async def test_where_no_host_key_can_be_read_nobody_is_trusted(gateway: Program, known: str) -> None:
    async with ssh_host() as host:
        stack = by_password(host_keys=known)
        assert await ends(gateway, stack, host.port) == ("host-key", 4426)
        assert host.passwords == []
    assert f"no host key can be read stack={stack.pk} " in gateway.log.read_text()
    assert not await HostKey.objects.filter(place=f"stack/{stack.key}/1").aexists()


@pytest.fixture
def hook(settings: Any) -> None:
    """The setting place_hook leads to `_anywhere`."""
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "place_hook": f"{__name__}._anywhere"}


def _anywhere(ticket: Ticket) -> Place:
    keys = {"blank": " \n", "bad": "host ssh-ed25519 AAAA"}.get(ticket.place, "")
    return Place(address="127.0.0.1", port=ticket.port, login="training", password=PASSWORD, host_keys=keys)


async def entered(name: str, port: int) -> None:
    """What the door does for a place of the project's own. Raises Ended."""
    ticket = Ticket(place=name, user_id="u", door="shell", port=port)
    place = places.of_hook(ticket)
    wire = Wire()
    session = await ShellDoor(Hub()).open(wire.socket, Entry(ticket=ticket, visit=1, place=place), SIZE)
    session.finish(Ended("lab-ended"))


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("name", ["here", "blank", "n" * 255])
async def test_a_place_of_the_projects_own_is_known_again(name: str) -> None:
    async with ssh_host() as host:
        await entered(name, host.port)
        await entered(name, host.port)
        port = host.port
    async with ssh_host(port=port) as host:
        with pytest.raises(Ended) as ended:
            await entered(name, port)
        assert (ended.value.word, host.passwords) == ("host-key", [])
    assert [len(key.place) <= 255 async for key in HostKey.objects.filter(port=port)] == [True]


@pytest.mark.usefixtures("hook")
async def test_a_place_whose_host_keys_are_wrong_is_not_entered() -> None:
    async with ssh_host() as host:
        with pytest.raises(Ended) as ended:
            await entered("bad", host.port)
        assert (ended.value.word, host.passwords) == ("host-key", [])


async def test_the_first_key_that_is_seen_is_the_one_from_then_on(gateway: Program) -> None:
    stack = by_password()
    async with ssh_host(keys=[first := new_key()]) as host:
        await opens(gateway, stack, host.port)
        await opens(gateway, stack, host.port)
        port = host.port
    assert HostKey.objects.get(place=f"stack/{stack.key}/1", port=port).key == line(first)
    async with ssh_host(port=port) as host:
        assert await ends(gateway, stack, port) == ("host-key", 4426)
        assert host.passwords == []
    async with ssh_host(port=port, keys=[first]):
        await opens(gateway, stack, port)


async def test_a_new_generation_of_the_lab_is_trusted_anew(gateway: Program) -> None:
    stack = by_password()
    async with ssh_host() as host:
        await opens(gateway, stack, host.port)
        port = host.port
    stack.generation += 1
    await stack.asave(update_fields=["generation"])
    async with ssh_host(port=port):
        await opens(gateway, stack, port)
    pinned = HostKey.objects.filter(place__startswith=f"stack/{stack.key}/")
    assert pinned.get().place == f"stack/{stack.key}/{stack.generation}"


async def test_a_host_key_that_staff_delete_is_trusted_anew(gateway: Program) -> None:
    stack = by_password()
    async with ssh_host() as host:
        await opens(gateway, stack, host.port)
        port = host.port
    await HostKey.objects.filter(place__startswith=f"stack/{stack.key}/").adelete()
    async with ssh_host(port=port):
        await opens(gateway, stack, port)


async def test_each_port_is_a_host_of_its_own(gateway: Program) -> None:
    stack = by_password()
    async with ssh_host() as one, ssh_host() as two:
        for _ in range(2):
            await opens(gateway, stack, one.port)
            await opens(gateway, stack, two.port)
    assert HostKey.objects.filter(place=f"stack/{stack.key}/1").count() == 2


async def test_many_who_come_first_at_once_trust_one_and_the_same_key(gateway: Program) -> None:
    stack = by_password()
    async with ssh_host() as host:
        await asyncio.gather(*(opens(gateway, stack, host.port) for _ in range(6)))
    assert HostKey.objects.filter(place=f"stack/{stack.key}/1").count() == 1
