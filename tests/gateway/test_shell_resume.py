"""Shells whose pages lose the network: nothing of what was said and typed is lost, and nothing comes twice."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Hub
from hastexo_lab.gateway.places import Place
from hastexo_lab.gateway.shell import STALLED_S, Shell, ShellDoor
from hastexo_lab.models import Stack, Visit
from hastexo_lab.tickets import Ticket
from tests.gateway import labs
from tests.gateway.fixtures import LabHost, Program, running_gateway, wait_for
from tests.gateway.terminals import PASSWORD, TerminalPage, Wire, in_shell, lab_of, opened, ssh_host, ticket_to

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]


@pytest.fixture
def stack(sshd: LabHost) -> Stack:
    return lab_of(sshd)


async def lost(page: TerminalPage) -> tuple[str, int]:
    """Drop the page's connection; its session, and how far it has read."""
    session = str((await page.text("ready"))["session"])
    page.drop()
    await page.closed()
    return session, page.received


async def test_output_goes_on_at_the_byte_where_it_was_however_often_the_network_is_lost(
    gateway: Program, sshd: LabHost, stack: Stack, tmp_path: Path
) -> None:
    """A flood, cut off in its midst again and again."""
    written = random.Random(7).randbytes(6_000_000).hex().encode()
    (tmp_path / "known").write_bytes(written)
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.prompted()
        await page.type(f"stty -opost; printf BE''GIN; cat {tmp_path}/known; printf E''ND; stty opost\n")
        await page.shows("BEGIN")
        output = bytearray(page.output)
        session, received = await lost(page)
        output = bytearray(page.output)
    times = 0
    while b"END" not in output:
        async with in_shell(gateway.port, ticket_to(stack, sshd), session=session, received=received) as page:
            assert (await page.text("ready"))["resumed"] is True
            aim = 500_000 + times * 500_000
            await page.until(lambda p, aim=aim: len(p.output) > aim or b"END" in p.output)
            again, received = await lost(page)
            assert again == session
            output += page.output
            times += 1
    assert times > 3
    begin = output.index(b"BEGIN") + 5
    came = output[begin : output.index(b"END", begin)]
    assert hashlib.sha256(came).hexdigest() == hashlib.sha256(written).hexdigest()


async def test_what_the_lab_said_meanwhile_is_there_and_the_shell_is_the_same(
    gateway: Program, sshd: LabHost, stack: Stack, tmp_path: Path
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        pid = await page.run("echo $$")
        await page.type(
            f"until [ -e {tmp_path}/away ]; do sleep 0.1; done; echo mean''while; touch {tmp_path}/said\n"
        )
        await page.shows("touch")
        session, received = await lost(page)
    (tmp_path / "away").touch()
    await asyncio.to_thread(wait_for, (tmp_path / "said").exists)
    async with in_shell(
        gateway.port, ticket_to(stack, sshd), session=session, received=received, cols=61, rows=17
    ) as page:
        ready = await page.text("ready")
        assert (ready["resumed"], ready["session"]) == (True, session)
        await page.shows("meanwhile")
        assert await page.run("echo $$; stty size") == pid + "17 61\r\n"


async def test_a_lab_that_floods_nobody_waits_for_somebody(
    gateway: Program, sshd: LabHost, stack: Stack, tmp_path: Path
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.prompted()
        await page.type(f"seq 400000; touch {tmp_path}/through\n")
        await page.until(lambda p: p.received > 100_000)
        session, received = await lost(page)
        output = bytes(page.output)
    await asyncio.sleep(2)  # nothing is to happen: there is nothing to wait for
    assert not (tmp_path / "through").exists()
    async with in_shell(gateway.port, ticket_to(stack, sshd), session=session, received=received) as page:
        await page.until(lambda p: b"\n400000\r\n" in p.output)
        output += bytes(page.output)
    lines = output.partition(b"\r1\r\n")[2].partition(b"\n400000\r\n")[0].split(b"\r\n")
    assert [int(line) for line in lines] == list(range(2, 400_000))


async def test_what_was_typed_is_known_to_the_byte(gateway: Program) -> None:
    async with ssh_host() as host:
        stack = labs.lab(secrets={"password": PASSWORD})
        typed, taken, session, received = b"", 0, "", 0
        for turn in range(5):
            text = labs.ticket(stack, door="shell", port=host.port, login="training")
            async with in_shell(gateway.port, text, session=session, received=received) as page:
                ready = await page.text("ready")
                assert ready["resumed"] is bool(turn)
                taken = int(ready["taken"])
                assert taken <= len(typed)
                if typed[taken:]:
                    await page.type(typed[taken:])
                for number in range(300):
                    key = f"{turn}:{number};".encode()
                    typed += key
                    await page.type(key)
                session, received = await lost(page)
        text = labs.ticket(stack, door="shell", port=host.port, login="training")
        async with in_shell(gateway.port, text, session=session, received=received) as page:
            taken = int((await page.text("ready"))["taken"])
            await page.type(typed[taken:] + b"the end")
            await host.until_told(b"the end")
            await page.tell("ping")
            assert (await page.text("pong"))["taken"] == len(typed) + 7
        assert bytes(host.input) == typed + b"the end"
        assert len(host.processes) == 1


async def test_a_shell_that_ended_meanwhile_says_its_last_words(
    gateway: Program, sshd: LabHost, stack: Stack, tmp_path: Path
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.prompted()
        await page.type(f"until [ -e {tmp_path}/away ]; do sleep 0.1; done; echo last''words; exit\n")
        await page.shows("exit")
        pid_gone = tmp_path / "away"
        session, received = await lost(page)
    pid_gone.touch()
    await asyncio.sleep(1)
    async with in_shell(gateway.port, ticket_to(stack, sshd), session=session, received=received) as page:
        assert await page.closed() == ("lab-ended", 4422)
        assert b"lastwords" in page.output


@pytest.mark.parametrize("received", [10_000_000, -1])
async def test_a_page_that_says_it_has_what_it_cannot_have_gets_a_new_shell(
    gateway: Program, sshd: LabHost, stack: Stack, received: int
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.type("seq 200000\n")
        await page.shows("\n200000\r\n")
        session, _ = await lost(page)
    async with in_shell(gateway.port, ticket_to(stack, sshd), session=session, received=received) as page:
        ready = await page.text("ready")
        assert ready["resumed"] is False
        assert ready["session"] != session
        assert await page.run("echo new") == "new\r\n"


@pytest.mark.parametrize(
    "other", [{"user_id": "staff-1", "staff": True}, {"read_only": True}, {"login": "somebody"}]
)
async def test_nobody_else_takes_a_session_up(
    gateway: Program, sshd: LabHost, stack: Stack, other: dict[str, object]
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.run("echo mine")
        session, received = await lost(page)
    async with opened(gateway.port, ticket_to(stack, sshd, **other)) as page:
        await page.tell("connect", cols=80, rows=24, session=session, received=received)
        await page.until(lambda p: p.texts)
        assert page.texts[0].get("session") != session
        assert page.texts[0].get("resumed") is not True


async def test_a_second_window_takes_the_session_from_the_first(
    gateway: Program, sshd: LabHost, stack: Stack
) -> None:
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as one:
        pid = await one.run("echo $$")
        session = str((await one.text("ready"))["session"])
        async with in_shell(gateway.port, ticket_to(stack, sshd), session=session, received=one.received) as two:
            assert await one.closed() == ("moved", 4414)
            await two.type("\n")
            assert await two.run("echo $$") == pid


@pytest.fixture(params=["uvicorn", "daphne"])
def impatient(request: pytest.FixtureRequest, database_file: Path, tmp_path: Path) -> Iterator[Program]:
    """A gateway that holds sessions for two seconds."""
    with running_gateway(request.param, database_file, tmp_path, hold_timeout=2) as program:
        yield program


async def test_who_does_not_come_back_has_left(
    impatient: Program, sshd: LabHost, stack: Stack, tmp_path: Path
) -> None:
    async with in_shell(impatient.port, ticket_to(stack, sshd)) as page:
        assert (await page.text("ready"))["hold"] == 2
        pid = int(await page.run("echo $$"))
        session, received = await lost(page)
    await asyncio.to_thread(wait_for, lambda: not Path(f"/proc/{pid}").exists())
    await asyncio.to_thread(wait_for, lambda: Visit.objects.get(stack=stack).left_at)
    async with in_shell(impatient.port, ticket_to(stack, sshd), session=session, received=received) as page:
        assert (await page.text("ready"))["resumed"] is False


# Without a server in between: with a clock of the test's own.


async def test_a_page_that_draws_nothing_for_long_loses_its_socket_and_keeps_its_session() -> None:
    async with ssh_host() as host:
        place = Place(address="127.0.0.1", port=host.port, login="training", password=PASSWORD)
        entry = Entry(ticket=Ticket(place="here", user_id="u", door="shell"), visit=1, place=place)
        wire, told = Wire(), {"cols": 80, "rows": 24}
        session = await ShellDoor(Hub()).open(wire.socket, entry, told)
        assert isinstance(session, Shell)
        serving = asyncio.create_task(session.serve(wire.socket))
        written = b"x" * (400 << 10)
        host.processes[0].stdout.write(written)
        await wire.until(lambda: len(wire.sent) == 256 << 10)
        session.tick(session.clock() + STALLED_S - 5)
        assert session.socket is wire.socket
        session.tick(session.clock() + STALLED_S + 1)
        with pytest.raises(Ended) as ended:
            await asyncio.wait_for(serving, 15)
        assert (ended.value.word, session.over, session.socket) == ("stalled", False, None)
        again = Wire()
        session.attach(again.socket, entry)
        assert await session.resume({**told, "received": 100_000})
        session.credit(100_000)
        await again.until(lambda: len(again.sent) == 256 << 10)
        session.credit(300_000)
        await again.until(lambda: len(again.sent) == len(b"$ " + written) - 100_000)
        assert bytes(wire.sent[:100_000] + again.sent) == b"$ " + written
        session.finish(Ended("lab-ended"))
