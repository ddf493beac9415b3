"""The door `shell` on real parts: sshd and SSH servers of the test's own, uvicorn and Daphne."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.shell import size_of
from hastexo_lab.models import Stack, Visit
from hastexo_lab.phases import Phase
from tests.gateway import labs
from tests.gateway.fixtures import LabHost, Program, secrets_in, wait_for
from tests.gateway.terminals import PASSWORD, in_shell, lab_of, opened, rss_mib, ssh_host, ticket_to

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]


@pytest.fixture
def ticket(sshd: LabHost) -> str:
    """A ticket into a lab of its own."""
    return ticket_to(lab_of(sshd), sshd, user_name="Ada")


async def test_a_learner_types_and_the_shell_answers(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        ready = await page.text("ready")
        assert (ready["resumed"], ready["hold"], ready["taken"]) == (False, 120, 0)
        assert await page.run("echo $((6 * 7)) $TERM") == "42 xterm-256color\r\n"
    visit = await Visit.objects.alatest("pk")
    assert (visit.user_id, visit.user_name, visit.door) == (labs.LEARNER, "Ada", "shell")
    await asyncio.to_thread(wait_for, lambda: Visit.objects.get(pk=visit.pk).left_at)
    log = gateway.log.read_text()
    assert f"visit={visit.pk}" in log
    assert not secrets_in(log)


async def test_a_key_is_echoed_at_once(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        took = []
        for _ in range(50):
            before, began = len(page.output), time.perf_counter()
            await page.type("x")
            await page.until(lambda p, before=before: len(p.output) > before)
            took.append(time.perf_counter() - began)
        assert sorted(took)[25] < 0.05


async def test_unicode_and_colours_come_whole(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        assert await page.run("echo 'aä€😀👩‍🚀'") == "aä€😀👩‍🚀\r\n"
        assert await page.run(r"printf '\e[38;2;1;2;3mcolour\e[0m\n'") == "\x1b[38;2;1;2;3mcolour\x1b[0m\r\n"


async def test_every_byte_comes_as_the_lab_wrote_it(gateway: Program, ticket: str, tmp_path: Path) -> None:
    written = os.urandom(3_000_000)
    (tmp_path / "bytes").write_bytes(written)
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        await page.type(f"stty -opost; printf BE''GIN; cat {tmp_path}/bytes; printf E''ND; stty opost\n")
        await page.until(lambda p: len(p.output) > len(written) and b"END" in p.output[-100:])
        begin = page.output.index(b"BEGIN") + 5
        assert page.output[begin : begin + len(written)] == written


async def test_the_terminal_has_the_pages_size(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket, cols=101, rows=31) as page:
        assert await page.run("stty size") == "31 101\r\n"
        await page.tell("size", cols=57, rows=13)
        assert await page.run("stty size") == "13 57\r\n"


async def test_the_lab_is_told_what_the_terminal_can_do(gateway: Program) -> None:
    async with ssh_host() as host:
        stack = labs.lab(secrets={"password": PASSWORD})
        text = labs.ticket(stack, door="shell", port=host.port, login="training")
        async with in_shell(gateway.port, text, cols=101, rows=31) as page:
            await page.prompted()
            (process,) = host.processes
            assert process.term_type == "xterm-256color"
            assert process.term_size[:2] == (101, 31)
            assert dict(process.env) == {"COLORTERM": "truecolor", "LC_CTYPE": "C.UTF-8"}
            assert process.term_modes[asyncssh.PTY_IUTF8] == 1
            assert process.command is None


async def test_ctrl_c_is_obeyed_at_once_in_a_flood(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        await page.type("yes\n")
        await page.until(lambda p: len(p.output) > 5_000_000, timeout_s=60)
        began, before = time.monotonic(), len(page.output)
        await page.type("\x03")
        await page.until(lambda p: b"^C" in p.output[before:])
        await page.prompted()
        assert time.monotonic() - began < 3
        assert len(page.output) - before < 2 << 20


async def test_a_page_that_draws_nothing_holds_the_lab_up_and_piles_up_nothing(
    gateway: Program, ticket: str
) -> None:
    async with in_shell(gateway.port, ticket, credits=False) as page:
        await page.prompted()
        before = rss_mib(gateway.process.pid)
        await page.type("yes\n")
        await page.until(lambda p: p.received >= 256 << 10)
        await asyncio.sleep(2)  # nothing is to happen: there is nothing to wait for
        assert page.received <= 288 << 10
        assert rss_mib(gateway.process.pid) - before < 4
        await page.type("\x03")
        await page.tell("ping")
        await page.text("pong")
        page.draw_from_now_on()
        await page.credit()
        await page.until(lambda p: b"^C" in p.output)
        await page.prompted()


async def test_a_large_paste_into_a_program_that_echoes_goes_through(
    gateway: Program, ticket: str, tmp_path: Path
) -> None:
    line = b"0123456789" * 10 + b"\n"
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        await page.type(f"cat > {tmp_path}/pasted; echo do''ne\n")
        for _ in range(40):
            await page.type(line * 500)
        await page.type("\x04")
        await page.shows("done", timeout_s=60)
    assert (tmp_path / "pasted").read_bytes() == line * 20_000


async def test_a_paste_that_nobody_reads_is_too_much_in_the_end(gateway: Program) -> None:
    async with ssh_host() as host:
        stack = labs.lab(secrets={"password": PASSWORD})
        text = labs.ticket(stack, door="shell", port=host.port, login="training")
        async with in_shell(gateway.port, text) as page:
            await page.prompted()
            host.processes[0].channel.pause_reading()
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await page.type(b"x" * 65536)
            assert await page.closed() == ("too-long", 4411)


@pytest.mark.parametrize("says", ["input", "sizes"])
async def test_a_lab_that_takes_in_nothing_fills_nobodys_memory(gateway: Program, says: str) -> None:
    """It has opened its window as wide as it goes, and does not read its socket."""
    async with ssh_host(window=2**31 - 1) as host:
        stack = labs.lab(secrets={"password": PASSWORD})
        text = labs.ticket(stack, door="shell", port=host.port, login="training")
        async with in_shell(gateway.port, text) as page:
            await page.prompted()
            before = rss_mib(gateway.process.pid)
            transport = host.processes[0].get_extra_info("connection")._transport
            transport.pause_reading()
            sizes = [json.dumps({"type": "size", "cols": cols, "rows": 24}) for cols in (80, 81)]
            with contextlib.suppress(ConnectionClosed):
                async with asyncio.timeout(60):
                    while True:
                        for message in (b"x" * 65536,) if says == "input" else sizes:
                            await page.socket.send(message)
            # Who goes on flooding may miss the last words: the server closes before it has read all.
            assert await page.closed() in (("too-long", 4411), ("", 1006))
            assert rss_mib(gateway.process.pid) - before < 32
            transport.abort()


async def test_the_end_of_the_shell_is_the_end_of_the_session(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        await page.type("echo good''bye; exit\n")
        assert await page.closed() == ("lab-ended", 4422)
        assert b"goodbye" in page.output


async def test_nothing_is_lost_when_a_shell_ends_that_has_said_much(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        await page.type("seq 300000; exit\n")
        assert await page.closed(timeout_s=60) == ("lab-ended", 4422)
        assert page.output.endswith(b"300000\r\nexit\r\n")
        assert b"\r1\r\n2\r\n3\r\n" in page.output


async def test_a_connection_that_dies_is_lost(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        pid = int((await page.run("echo $PPID")).strip())
        os.kill(pid, signal.SIGKILL)
        assert await page.closed() == ("lost", 4431)


async def test_a_tab_that_is_closed_ends_what_ran_in_it(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket) as page:
        pid = int((await page.run("echo $$")).strip())
    await asyncio.to_thread(wait_for, lambda: not Path(f"/proc/{pid}").exists())


async def test_typing_keeps_the_lab_awake(gateway: Program, sshd: LabHost) -> None:
    stack = lab_of(sshd, active_at=timezone.now() - timedelta(hours=1))
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.run("true")
    lately = timezone.now() - timedelta(minutes=1)
    await asyncio.to_thread(wait_for, lambda: Stack.objects.get(pk=stack.pk).active_at > lately)


async def test_a_lab_that_goes_to_sleep_ends_the_session(gateway: Program, sshd: LabHost) -> None:
    stack = lab_of(sshd)
    async with in_shell(gateway.port, ticket_to(stack, sshd)) as page:
        await page.prompted()
        await asyncio.to_thread(Stack.objects.filter(pk=stack.pk).update, phase=Phase.SUSPENDING)
        assert await page.closed() == ("asleep", 4421)


@pytest.mark.parametrize(
    "said",
    [
        {"type": "connect"},
        {"type": "connect", "cols": "1", "rows": 1},
        {"type": "connect", "cols": 80, "rows": None},
        {"type": "size", "cols": 80, "rows": 24},
    ],
)
async def test_rubbish_instead_of_connect_is_refused(
    gateway: Program, ticket: str, said: dict[str, object]
) -> None:
    async with opened(gateway.port, ticket) as page:
        await page.tell(str(said["type"]), **{key: value for key, value in said.items() if key != "type"})
        assert await page.closed() == ("protocol", 4410)


@pytest.mark.parametrize("said", [("size", {}), ("size", {"cols": 1}), ("credit", {}), ("upload", {"name": "x"})])
async def test_rubbish_later_ends_the_session(
    gateway: Program, ticket: str, said: tuple[str, dict[str, object]]
) -> None:
    async with in_shell(gateway.port, ticket) as page:
        await page.prompted()
        await page.tell(said[0], **said[1])
        assert await page.closed() == ("protocol", 4410)


async def test_credit_for_what_was_never_sent_opens_no_window(gateway: Program, ticket: str) -> None:
    async with in_shell(gateway.port, ticket, credits=False) as page:
        await page.prompted()
        for total in (-1, 1 << 50):
            await page.tell("credit", bytes=total)
        await page.type("yes\n")
        await page.until(lambda p: p.received >= 256 << 10)
        await asyncio.sleep(1)  # nothing is to happen: there is nothing to wait for
        assert page.received <= 288 << 10


def test_a_size_is_brought_into_its_range() -> None:
    assert size_of({"cols": 0, "rows": -5}) == (2, 1)
    assert size_of({"cols": 1e9, "rows": 80.7}) == (1000, 80)
    with pytest.raises(Ended):
        size_of({"cols": True, "rows": 1})


async def test_what_runs_in_one_shell_is_not_seen_in_another(gateway: Program, sshd: LabHost) -> None:
    stack = lab_of(sshd)
    async with (
        in_shell(gateway.port, ticket_to(stack, sshd)) as one,
        in_shell(gateway.port, ticket_to(stack, sshd)) as two,
    ):
        await one.run("echo only here")
        await two.prompted()
        assert not re.search(b"only here", two.output)
