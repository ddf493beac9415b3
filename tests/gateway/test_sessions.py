"""Sessions that outlive their sockets, on real parts: taken up again, taken over, looked into, handed on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hastexo_lab.models import Stack, Visit
from tests.gateway import labs
from tests.gateway.fixtures import SERVERS, LabHost, Program, running_gateway, wait_for
from tests.gateway.page import SCREEN, Page, in_lab, opened

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]


@dataclass
class Lab:
    """A terminal lab, and tickets into it."""

    stack: Stack
    host: LabHost

    def ticket(self, **said: Any) -> str:
        return labs.ticket(self.stack, port=self.host.port, login=self.host.user, **said)

    def staff(self, **said: Any) -> str:
        return self.ticket(user_id="staff-1", user_name="Ann", staff=True, **said)


@pytest.fixture
def lab(sshd: LabHost) -> Lab:
    return Lab(labs.lab(secrets={"private_key": sshd.keys["rsa"]}), sshd)


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> str:
    """The name of a supported server, for tests that start one of their own."""
    return str(request.param)


@pytest.fixture
def start(guacd: Program, site_database: Path, tmp_path: Path) -> Callable[..., Any]:
    """Starts a gateway of one's own."""

    def running(server: str = "uvicorn", **settings: object) -> Any:
        return running_gateway(server, site_database, tmp_path, **{"guacd_port": guacd.port, **settings})

    return running


async def written(path: Path) -> str:
    """The file's text, once it is there."""
    return str(await asyncio.to_thread(wait_for, lambda: path.exists() and path.read_text().strip()))


async def pid_of(page: Page, path: Path) -> str:
    """The shell's process id, as it says itself."""
    await page.type(f"echo $$ > {path}\n")
    return await written(path)


def runs(pid: str) -> bool:
    """Is this process there?"""
    return Path(f"/proc/{pid}").exists()


async def gone(pid: str) -> None:
    await asyncio.to_thread(wait_for, lambda: not runs(pid), what="the end of the shell")


async def taken(page: Page) -> int:
    """How much of what it has said has been taken in."""
    page.texts.clear()
    await page.tell("ping")
    return int((await page.text("pong"))["taken"])


async def test_after_a_lost_network_the_same_shell_goes_on(gateway: Program, lab: Lab, tmp_path: Path) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        ready = await page.text("ready")
        assert (ready["resumed"], ready["taken"], ready["hold"]) == (False, 0, 120)
        await page.prompted()
        pid = await pid_of(page, tmp_path / "before")
        page.be_silent()
        count = await taken(page)
        page.drop()
    async with in_lab(gateway.port, lab.ticket(), session=ready["session"]) as page:
        assert await page.text("ready") == {**ready, "resumed": True, "taken": count}
        assert await pid_of(page, tmp_path / "after") == pid
        assert page.drawn("img", "copy", "rect")
    await gone(pid)


async def test_what_was_on_the_way_is_sent_again_and_typed_once(gateway: Program, lab: Lab, tmp_path: Path) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        await page.prompted()
        session = (await page.text("ready"))["session"]
        page.be_silent()
        before, drawn = await taken(page), page.drawn("img", "copy", "rect")
        # Cut in the middle of an instruction: what comes after is lost on the way.
        await page.socket.send(b"3.key,3.101,1.1;3.key,3.1")
        assert await taken(page) == before + 25
        # Two users of a connection have a thread each in guacd: what the first has typed is to be there already.
        await page.until(lambda p: p.drawn("img", "copy", "rect") > drawn)
        page.drop()
    async with in_lab(gateway.port, lab.ticket(), session=session, again=b"01,1.0;") as page:
        assert (await page.text("ready"))["taken"] == before + 25
        await page.type(f"cho once > {tmp_path}/once\n")
        assert await written(tmp_path / "once") == "once"


async def test_a_page_that_leaves_ends_its_session_at_once(gateway: Program, lab: Lab, tmp_path: Path) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        await page.prompted()
        pid, session = await pid_of(page, tmp_path / "pid"), (await page.text("ready"))["session"]
    await gone(pid)
    async with in_lab(gateway.port, lab.ticket(), session=session) as page:
        ready = await page.text("ready")
        assert not ready["resumed"]
        assert ready["session"] != session


@pytest.mark.parametrize(
    "other", [{"user_id": "learner-1", "read_only": True}, {"protocol": "vnc"}], ids=["right", "protocol"]
)
async def test_a_session_is_taken_up_only_by_the_same_right(
    gateway: Program, lab: Lab, xvnc: Program, other: dict[str, Any]
) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        session = (await page.text("ready"))["session"]
        page.drop()
    text = labs.ticket(lab.stack, **{"port": lab.host.port, "login": lab.host.user, **other})
    if other.get("protocol"):
        text = labs.ticket(lab.stack, port=xvnc.port, **other)
    async with in_lab(gateway.port, text, session=session) as page:
        assert not (await page.text("ready"))["resumed"]
    async with in_lab(gateway.port, lab.ticket(), session=session) as page:
        assert (await page.text("ready"))["resumed"]


async def test_nobody_takes_up_anothers_session(gateway: Program, lab: Lab, sshd: LabHost) -> None:
    other = Lab(labs.lab(learner_id="learner-2", secrets={"private_key": sshd.keys["rsa"]}), sshd)
    async with in_lab(gateway.port, lab.ticket()) as page:
        session = (await page.text("ready"))["session"]
        async with in_lab(gateway.port, other.ticket(), session=session) as thief:
            assert not (await thief.text("ready"))["resumed"]
        assert await taken(page) > 0


async def test_a_socket_that_is_still_there_is_moved(gateway: Program, lab: Lab, tmp_path: Path) -> None:
    async with in_lab(gateway.port, lab.ticket()) as first:
        await first.prompted()
        pid, session = await pid_of(first, tmp_path / "first"), (await first.text("ready"))["session"]
        async with in_lab(gateway.port, lab.ticket(), session=session) as second:
            assert await first.closed() == ("moved", 4414)
            assert await pid_of(second, tmp_path / "second") == pid


@dataclass
class Gate:
    """In front of guacd: while it is `shut`, whoever comes is let in and hears nothing."""

    guacd: int
    port: int = 0
    shut: bool = False
    waiting: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shut:
            self.waiting.append(writer)
            return
        there, to_there = await asyncio.open_connection("127.0.0.1", self.guacd)
        await asyncio.gather(self._pass_on(reader, to_there), self._pass_on(there, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def somebody_waits(self) -> asyncio.StreamWriter:
        async with asyncio.timeout(15):
            while not self.waiting:
                await asyncio.sleep(0.01)
        return self.waiting[0]


@pytest.fixture
async def gate(guacd: Program) -> AsyncIterator[Gate]:
    gate = Gate(guacd.port)
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
    gate.port = server.sockets[0].getsockname()[1]
    yield gate
    for writer in gate.waiting:
        writer.close()
    server.close()


@pytest.mark.parametrize("how", ["hangs up", "says nothing"])
async def test_a_resume_that_fails_late_leaves_the_session_to_the_newer_page(
    start: Any, lab: Lab, gate: Gate, tmp_path: Path, server: str, how: str
) -> None:
    with start(server, guacd_port=gate.port, handshake_timeout=3) as gateway:
        async with in_lab(gateway.port, lab.ticket()) as page:
            await page.prompted()
            pid, session = await pid_of(page, tmp_path / "pid"), (await page.text("ready"))["session"]
            page.drop()
        gate.shut = True
        async with opened(gateway.port, lab.ticket()) as old:
            await old.tell("connect", **SCREEN, session=session)
            waiting = await gate.somebody_waits()
            gate.shut = False
            async with in_lab(gateway.port, lab.ticket(), session=session) as new:
                if how == "hangs up":
                    waiting.close()
                assert await old.closed() == ("moved", 4414)
                assert await pid_of(new, tmp_path / "new") == pid


async def test_a_resume_that_guacd_does_not_answer_can_be_tried_again(
    start: Any, lab: Lab, gate: Gate, tmp_path: Path, server: str
) -> None:
    with start(server, guacd_port=gate.port, handshake_timeout=1) as gateway:
        async with in_lab(gateway.port, lab.ticket()) as page:
            await page.prompted()
            pid, session = await pid_of(page, tmp_path / "pid"), (await page.text("ready"))["session"]
            page.drop()
        gate.shut = True
        async with opened(gateway.port, lab.ticket()) as page:
            await page.tell("connect", **SCREEN, session=session)
            assert await page.closed() == ("guacd", 4430)
        gate.shut = False
        async with in_lab(gateway.port, lab.ticket(), session=session) as page:
            assert (await page.text("ready"))["resumed"]
            assert await pid_of(page, tmp_path / "again") == pid


async def test_what_is_held_has_an_end(start: Any, lab: Lab, tmp_path: Path, server: str) -> None:
    with start(server, hold_timeout=2) as gateway:
        async with in_lab(gateway.port, lab.ticket()) as page:
            await page.prompted()
            pid, session = await pid_of(page, tmp_path / "pid"), (await page.text("ready"))["session"]
            page.drop()
        visit = await Visit.objects.alatest("pk")
        assert visit.left_at is None
        assert runs(pid)
        await gone(pid)
        await asyncio.to_thread(wait_for, lambda: Visit.objects.get(pk=visit.pk).left_at)
        async with in_lab(gateway.port, lab.ticket(), session=session) as page:
            assert not (await page.text("ready"))["resumed"]


async def test_without_a_hold_a_lost_page_has_left(start: Any, lab: Lab, tmp_path: Path) -> None:
    with start(hold_timeout=0) as gateway:
        async with in_lab(gateway.port, lab.ticket()) as page:
            await page.prompted()
            pid = await pid_of(page, tmp_path / "pid")
            page.drop()
        await gone(pid)


async def test_a_page_that_is_lost_before_it_is_in_is_not_waited_for(gateway: Program, lab: Lab) -> None:
    async with opened(gateway.port, lab.ticket()) as page:
        await page.tell("connect", **SCREEN)
        page.drop()
    await asyncio.to_thread(wait_for, lambda: Visit.objects.filter(stack=lab.stack).exclude(left_at=None).first())


async def test_a_held_session_outlives_guacds_patience_and_a_flood(
    gateway: Program, lab: Lab, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        await page.prompted()
        pid, session = await pid_of(page, tmp_path / "pid"), (await page.text("ready"))["session"]
        await page.type(f"for i in {{1..16}}; do seq 2000; sleep 1; done; echo yes > {tmp_path}/done\n")
        await taken(page)
        page.drop()
    assert await written(tmp_path / "done") == "yes"  # guacd drops a user after 15 s of silence
    async with in_lab(gateway.port, lab.ticket(), session=session) as page:
        assert (await page.text("ready"))["resumed"]
        assert await pid_of(page, tmp_path / "after") == pid


async def test_a_held_session_ends_with_its_lab(gateway: Program, lab: Lab, tmp_path: Path) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        await page.prompted()
        pid = await pid_of(page, tmp_path / "pid")
        page.drop()
    await Stack.objects.filter(pk=lab.stack.pk).aupdate(phase="suspending")
    await gone(pid)


async def test_a_held_session_whose_shell_ends_is_replaced_by_a_new_one(
    gateway: Program, lab: Lab, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        await page.prompted()
        pid, session = await pid_of(page, tmp_path / "pid"), (await page.text("ready"))["session"]
        page.drop()
    os.kill(int(pid), signal.SIGHUP)
    over = f"session over stack={lab.stack.pk} "
    await asyncio.to_thread(wait_for, lambda: over in gateway.log.read_text())
    async with in_lab(gateway.port, lab.ticket(), session=session) as page:
        await page.prompted()
        assert await pid_of(page, tmp_path / "new") != pid


# From one gateway to another.


async def test_while_a_gateway_ends_another_takes_its_sessions_over(
    start: Any, lab: Lab, tmp_path: Path, server: str
) -> None:
    with start("uvicorn") as other, start(server, drain_timeout=20) as gateway:
        async with in_lab(gateway.port, lab.ticket()) as page:
            await page.prompted()
            pid, ready = await pid_of(page, tmp_path / "before"), await page.text("ready")
            page.be_silent()
            await page.socket.send(b"3.key,3.1")  # half an instruction
            count = await taken(page)
            gateway.process.terminate()
            assert await page.closed() == ("reconnect", 4432)
        async with in_lab(other.port, lab.ticket(), session=ready["session"]) as page:
            assert await page.text("ready") == {**ready, "resumed": True, "taken": count - 9}
            await asyncio.to_thread(gateway.process.wait, 10)  # nobody is left there
            assert await pid_of(page, tmp_path / "after") == pid
        await gone(pid)


async def test_a_session_goes_on_at_another_gateway_when_the_network_was_lost(
    start: Any, lab: Lab, tmp_path: Path
) -> None:
    with start() as one, start() as other:
        async with in_lab(one.port, lab.ticket()) as page:
            await page.prompted()
            pid, session = await pid_of(page, tmp_path / "before"), (await page.text("ready"))["session"]
            page.drop()
        await asyncio.to_thread(wait_for, lambda: "held" in one.log.read_text())
        visit = await Visit.objects.alatest("pk")
        await asyncio.sleep(1)  # it stands in the database by then
        async with in_lab(other.port, lab.ticket(), session=session) as page:
            assert (await page.text("ready"))["resumed"]
            assert await pid_of(page, tmp_path / "after") == pid
            assert Visit.objects.get(pk=visit.pk).left_at
            await asyncio.to_thread(wait_for, lambda: "session over" in one.log.read_text())


async def test_a_session_that_a_page_has_is_not_another_gateways_to_take(
    start: Any, lab: Lab, tmp_path: Path
) -> None:
    with start() as one, start() as other:
        async with in_lab(one.port, lab.ticket()) as page:
            await page.prompted()
            pid, session = await pid_of(page, tmp_path / "one"), (await page.text("ready"))["session"]
            await asyncio.to_thread(wait_for, lambda: Visit.objects.latest("pk").sealed_session)
            async with in_lab(other.port, lab.ticket(), session=session) as second:
                assert not (await second.text("ready"))["resumed"]
                visit = await Visit.objects.alatest("pk")
            await asyncio.to_thread(wait_for, lambda: Visit.objects.get(pk=visit.pk).left_at)
            async with in_lab(other.port, lab.staff()) as staff:  # who still find the learner
                assert await pid_of(staff, tmp_path / "staff") == pid


async def test_what_nobody_takes_over_ends_with_its_gateway(
    start: Any, lab: Lab, tmp_path: Path, server: str
) -> None:
    with start(server, drain_timeout=2) as gateway:
        async with in_lab(gateway.port, lab.ticket()) as page:
            await page.prompted()
            pid = await pid_of(page, tmp_path / "pid")
            gateway.process.terminate()
            assert await page.closed() == ("reconnect", 4432)
            await asyncio.to_thread(gateway.process.wait, 6)
        await gone(pid)
    assert not await Visit.objects.filter(stack=lab.stack, left_at=None).aexists()


# Looking in.


async def test_who_watches_sees_what_the_learner_types_and_cannot_type(
    gateway: Program, lab: Lab, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, lab.ticket()) as learner:
        await learner.prompted()
        await asyncio.to_thread(wait_for, lambda: Visit.objects.latest("pk").sealed_session)
        async with in_lab(gateway.port, lab.staff(read_only=True)) as staff:
            drawn = staff.drawn("img", "copy", "rect")
            await learner.type(f"echo seen > {tmp_path}/seen\n")
            await written(tmp_path / "seen")
            await staff.until(lambda p: p.drawn("img", "copy", "rect") > drawn)
            await staff.type(f"echo no > {tmp_path}/no\n")
            await taken(staff)
            await learner.type(f"echo still > {tmp_path}/still\n")
            assert await written(tmp_path / "still") == "still"
            assert not (tmp_path / "no").exists()


async def test_who_helps_types_into_the_learners_shell(gateway: Program, lab: Lab, tmp_path: Path) -> None:
    async with in_lab(gateway.port, lab.ticket()) as learner:
        await learner.prompted()
        pid = await pid_of(learner, tmp_path / "learner")
        await asyncio.to_thread(wait_for, lambda: Visit.objects.latest("pk").sealed_session)
        async with in_lab(gateway.port, lab.staff()) as staff:
            assert await pid_of(staff, tmp_path / "staff") == pid
        assert await pid_of(learner, tmp_path / "again") == pid


async def test_who_looks_in_at_once_finds_the_learner_who_has_just_come(
    gateway: Program, lab: Lab, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, lab.ticket()) as learner, in_lab(gateway.port, lab.staff()) as staff:
        await learner.prompted()
        assert await pid_of(staff, tmp_path / "staff") == await pid_of(learner, tmp_path / "learner")


async def test_who_looks_in_at_another_gateway_sees_the_same(start: Any, lab: Lab, tmp_path: Path) -> None:
    with start() as one, start() as other:
        async with in_lab(one.port, lab.ticket()) as learner:
            await learner.prompted()
            pid = await pid_of(learner, tmp_path / "learner")
            await asyncio.to_thread(wait_for, lambda: Visit.objects.latest("pk").sealed_session)
            async with in_lab(other.port, lab.staff()) as staff:
                assert await pid_of(staff, tmp_path / "staff") == pid


async def test_the_learner_who_comes_back_finds_the_session_that_staff_look_at(
    gateway: Program, lab: Lab, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, lab.ticket()) as learner:
        await learner.prompted()
        pid, session = await pid_of(learner, tmp_path / "one"), (await learner.text("ready"))["session"]
        await asyncio.to_thread(wait_for, lambda: Visit.objects.latest("pk").sealed_session)
        async with in_lab(gateway.port, lab.staff()) as staff:
            learner.drop()
            async with in_lab(gateway.port, lab.ticket(), session=session) as again:
                assert await pid_of(again, tmp_path / "two") == pid
                assert await pid_of(staff, tmp_path / "three") == pid


async def test_where_no_learner_is_who_looks_in_gets_a_session_of_their_own(
    gateway: Program, lab: Lab, tmp_path: Path
) -> None:
    async with in_lab(gateway.port, lab.staff()) as staff:
        await staff.prompted()
        assert runs(await pid_of(staff, tmp_path / "pid"))


async def test_an_open_session_is_named_nowhere_in_clear(gateway: Program, lab: Lab) -> None:
    async with in_lab(gateway.port, lab.ticket()) as page:
        session = (await page.text("ready"))["session"]
        await asyncio.to_thread(wait_for, lambda: Visit.objects.latest("pk").sealed_session)
        visit = await Visit.objects.alatest("pk")
        assert session not in visit.sealed_session
        assert "$" not in visit.sealed_session
        assert not [text for text in page.texts if "$" in str(text)]
    await asyncio.to_thread(wait_for, lambda: Visit.objects.get(pk=visit.pk).left_at)
    assert not Visit.objects.get(pk=visit.pk).sealed_session
    log = gateway.log.read_text()
    assert session not in log
