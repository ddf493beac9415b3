"""The door `desktop` on real parts: guacd, sshd, Xvnc, uvicorn and Daphne."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from hastexo_lab.gateway import guacamole
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.guacd import open_guacd
from hastexo_lab.models import Stack, Visit
from hastexo_lab.phases import Phase
from tests.gateway import labs
from tests.gateway.fixtures import (
    SERVERS,
    LabHost,
    Program,
    running_gateway,
    running_guacd,
    secrets_in,
    wait_for,
)
from tests.gateway.flood import flooding_guacd
from tests.gateway.page import in_lab, opened

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database")]


@pytest.fixture
def terminal(sshd: LabHost) -> Callable[..., str]:
    """Makes a terminal lab of its own and a ticket into it."""

    def make(*, key: str = "rsa", **said: Any) -> str:
        stack = labs.lab(secrets={"private_key": sshd.keys[key]})
        return labs.ticket(stack, port=sshd.port, login=sshd.user, **said)

    return make


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> str:
    """The name of a supported server, for tests that start one of their own."""
    return str(request.param)


async def exists(path: Path, *, timeout_s: float = 45.0) -> str:
    """The file's text, once it is there."""
    async with asyncio.timeout(timeout_s):
        while not path.exists() or not (text := path.read_text()):
            await asyncio.sleep(0.02)
    return text


async def test_a_learner_types_and_the_shell_obeys(
    gateway: Program, terminal: Callable[..., str], tmp_path: Path
) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.prompted()
        before = page.drawn("img", "copy")
        await page.type(f"echo hi > {tmp_path}/said\n")
        assert await exists(tmp_path / "said") == "hi\n"
        await page.until(lambda p: p.drawn("img", "copy") > before)


async def test_what_the_shell_says_comes_whole(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.prompted()
        await page.type(r"PS1='\e]0;a\360\237\230\200;,\a$ '" + "\n")
        await page.until(lambda p: [i for i in p.instructions if i[:2] == ("name", ("a😀;,",))])


async def test_the_visit_is_written_and_ended(gateway: Program, terminal: Callable[..., str]) -> None:
    text = terminal(user_name="Ada")
    async with in_lab(gateway.port, text):
        visit = await Visit.objects.alatest("pk")
        assert (visit.user_id, visit.user_name, visit.door) == (labs.LEARNER, "Ada", "desktop")
        assert visit.left_at is None
    await asyncio.to_thread(wait_for, lambda: Visit.objects.get(pk=visit.pk).left_at)
    log = gateway.log.read_text()
    assert f"visit={visit.pk}" in log
    assert not secrets_in(log)


async def test_text_reaches_the_shell_whole_however_it_is_cut(
    gateway: Program, terminal: Callable[..., str], tmp_path: Path
) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.prompted()
        command = f"printf %s 'a😀;,ä' > {tmp_path}/emoji"
        pasted = [
            guacamole.encode("clipboard", "0", "text/plain; 😀"),
            guacamole.encode("blob", "0", base64.b64encode(command.encode()).decode()),
            guacamole.encode("end", "0"),
        ]
        stream = b"".join(pasted)
        for at in range(len(stream)):
            await page.socket.send(stream[at : at + 1])
        await page.press(0xFFE3, 0xFFE1, ord("V"))  # Ctrl, Shift
        await page.type("\n")
        assert await exists(tmp_path / "emoji") == "a😀;,ä"


async def test_two_learners_work_at_once_each_in_their_own_lab(
    gateway: Program, terminal: Callable[..., str], tmp_path: Path
) -> None:
    async with in_lab(gateway.port, terminal()) as one, in_lab(gateway.port, terminal()) as two:
        for name, page in (("one", one), ("two", two)):
            await page.prompted()
            await page.type(f"echo {name} > {tmp_path}/{name}\n")
        assert await exists(tmp_path / "one") == "one\n"
        assert await exists(tmp_path / "two") == "two\n"


async def test_who_may_only_look_cannot_type(
    gateway: Program, terminal: Callable[..., str], tmp_path: Path
) -> None:
    async with in_lab(gateway.port, terminal(read_only=True)) as page:
        await page.prompted()
        await page.type(f"echo no > {tmp_path}/no\n")
        for opcode in sorted(guacamole.USER_OPCODES - guacamole.READ_ONLY_OPCODES):
            await page.say(opcode, "1", "1", "1")
        await page.tell("ping")
        await page.text("pong")
        await asyncio.sleep(1)  # nothing is to happen: there is nothing to wait for
        assert not (tmp_path / "no").exists()


async def test_a_desktop_draws_over_vnc_and_takes_the_mouse(gateway: Program, xvnc: Program) -> None:
    stack = labs.lab()
    text = labs.ticket(stack, protocol="vnc", port=xvnc.port)
    async with in_lab(gateway.port, text) as page:
        await page.until(lambda p: p.drawn("img", "rect", "copy"))
        await page.say("mouse", 100, 100, 0)
        await page.say("mouse", 120, 120, 1)
        sizes = [i.args for i in page.instructions if i.opcode == "size"]
        assert ("0", "1024", "768") in sizes


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda text: text[:-2] + ("AA" if text[-2:] != "AA" else "BB"), "forged"),
        (lambda text: "", "forged"),
        (lambda text: "rubbish", "forged"),
    ],
    ids=["changed", "none", "rubbish"],
)
async def test_a_forged_ticket_opens_nothing(
    gateway: Program, terminal: Callable[..., str], spoil: Callable[[str], str], word: str
) -> None:
    async with opened(gateway.port, spoil(terminal())) as page:
        assert await page.closed() == (word, 4401)
        assert page.texts[-1]["status"] == 769
        assert "Open the page again" in page.texts[-1]["text"]


async def test_a_ticket_opens_once(gateway: Program, terminal: Callable[..., str]) -> None:
    text = terminal()
    async with in_lab(gateway.port, text), opened(gateway.port, text) as page:
        assert await page.closed() == ("spent", 4403)


async def test_of_many_who_try_the_same_ticket_at_once_one_gets_in(
    gateway: Program, terminal: Callable[..., str]
) -> None:
    text = terminal()

    async def attempt() -> str:
        async with opened(gateway.port, text) as page:
            await page.tell("connect", width=800, height=600)
            await page.until(lambda p: p.texts)
            return str(page.texts[0].get("code", page.texts[0]["type"]))

    assert sorted(await asyncio.gather(*(attempt() for _ in range(8)))) == ["ready"] + ["spent"] * 7


async def test_a_late_ticket_opens_nothing(
    gateway: Program, terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        issued_at = time.time() - 31
        earlier.setattr("django.core.signing.time.time", lambda: issued_at)
        text = terminal()
    async with opened(gateway.port, text) as page:
        assert await page.closed() == ("late", 4402)


@pytest.mark.parametrize("said", [{"door": "events"}, {"user_id": "learner-2"}], ids=["door", "learner"])
async def test_a_ticket_for_another_opens_nothing(
    gateway: Program, terminal: Callable[..., str], said: dict[str, str]
) -> None:
    async with opened(gateway.port, terminal(**said)) as page:
        assert await page.closed() == ("another", 4405)


async def test_a_ticket_is_good_only_in_its_own_browser(gateway: Program, terminal: Callable[..., str]) -> None:
    stack = labs.lab()
    for cookie in ("", "another"):
        async with opened(gateway.port, labs.ticket(stack, cookie=labs.COOKIE), cookie=cookie) as page:
            assert await page.closed() == ("another", 4405)
    async with opened(
        gateway.port, labs.ticket(stack, cookie=labs.COOKIE, door="events"), cookie=labs.COOKIE, door="events"
    ) as page:
        await page.text("state")


@pytest.mark.parametrize("phase", [Phase.CREATING, Phase.FAILED, Phase.ASLEEP])
async def test_a_lab_that_is_not_up_is_not_entered(gateway: Program, phase: Phase) -> None:
    stack = labs.lab(phase=phase)
    async with opened(gateway.port, labs.ticket(stack)) as page:
        expected = ("asleep", 4421) if phase == Phase.ASLEEP else ("not-up", 4420)
        assert await page.closed() == expected


async def test_a_lab_that_goes_to_sleep_closes_its_page(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        stack = await Stack.objects.alatest("pk")
        await Stack.objects.filter(pk=stack.pk).aupdate(phase=Phase.SUSPENDING)
        assert await page.closed(timeout_s=3) == ("asleep", 4421)


async def test_a_lab_that_refuses_the_login_says_so(gateway: Program, terminal: Callable[..., str]) -> None:
    async with opened(gateway.port, terminal(key="other")) as page:
        await page.tell("connect", width=800, height=600)
        assert await page.closed() == ("lab-login", 4423)
        assert page.texts[-1]["status"] == 769


async def test_a_key_that_this_guacd_cannot_read_is_named_in_the_log(
    gateway: Program, terminal: Callable[..., str]
) -> None:
    async with in_lab(gateway.port, terminal(key="ed25519")):
        await asyncio.to_thread(wait_for, lambda: "RSA key in PEM form" in gateway.log.read_text())
    assert not secrets_in(gateway.log.read_text())


async def test_a_lab_that_does_not_answer_says_so(gateway: Program, sshd: LabHost) -> None:
    stack = labs.lab(secrets={"private_key": sshd.keys["rsa"]})
    async with opened(gateway.port, labs.ticket(stack, port=1, login="ubuntu")) as page:
        await page.tell("connect", width=800, height=600)
        assert (await page.closed())[0] == "lab-unreachable"


async def test_leaving_the_shell_ends_the_session(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.prompted()
        await page.type("exit\n")
        assert await page.closed() == ("lab-ended", 4422)


RUBBISH: list[str | bytes] = [
    *("", "rubbish", "[]", '{"type": 1}', '{"type": "ready"}', '{"type": "credit"}', "[" * 30000),
    *('{"type": "credit", "bytes": NaN}', '{"type": "connect"}'),
    *(b"rubbish", b"3.key,\xff;", b"5.key,1.1;", b"999999.", b"9999.", b"3.key" + b",1.1" * 128 + b";"),
]


@pytest.mark.parametrize("message", RUBBISH, ids=lambda message: repr(message)[:24])
async def test_rubbish_closes_the_door(
    gateway: Program, terminal: Callable[..., str], message: str | bytes
) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.socket.send(message)
        assert await page.closed() == ("protocol", 4410)


@pytest.mark.parametrize("first", ["rubbish", b"3.nop;", '{"type": "ping"}', '{"type": "connect", "width": "1"}'])
async def test_a_page_that_does_not_connect_first_is_closed(
    gateway: Program, terminal: Callable[..., str], first: str | bytes
) -> None:
    async with opened(gateway.port, terminal()) as page:
        await page.socket.send(first)
        assert await page.closed() == ("protocol", 4410)


async def test_a_message_that_is_too_long_closes_the_door(gateway: Program, terminal: Callable[..., str]) -> None:
    async with in_lab(gateway.port, terminal()) as page:
        await page.socket.send(b"3.nop;" * 11000)
        assert await page.closed() == ("too-long", 4411)


async def test_without_guacd_the_page_and_the_log_say_so(
    terminal: Callable[..., str], site_database: Path, tmp_path: Path
) -> None:
    with running_gateway("uvicorn", site_database, tmp_path, guacd_port=1) as gateway:
        async with opened(gateway.port, terminal()) as page:
            await page.tell("connect", width=800, height=600)
            assert await page.closed() == ("guacd", 4430)
            assert "keeps running" in page.texts[-1]["text"]
        log = gateway.log.read_text()
    assert "guacd=127.0.0.1:1" in log
    assert "guacd_host and guacd_port" in log


async def test_guacds_silence_for_an_unknown_protocol_has_an_end(
    guacd: Program, caplog: pytest.LogCaptureFixture
) -> None:
    screen = guacamole.Screen(width=800, height=600, dpi=96)
    with (
        override_settings(HASTEXO_LAB={"guacd_port": guacd.port, "handshake_timeout": 1}),
        pytest.raises(Ended) as ended,
    ):
        await open_guacd(guacamole.Handshake("nosuch", screen, {}))
    assert ended.value.word == "guacd"
    assert "plug-in" in caplog.text


async def test_a_page_that_says_nothing_for_long_stays_in_its_lab(
    terminal: Callable[..., str], guacd: Program, site_database: Path, tmp_path: Path
) -> None:
    with running_gateway("uvicorn", site_database, tmp_path, guacd_port=guacd.port) as gateway:
        async with in_lab(gateway.port, terminal()) as page:
            await page.prompted()
            page.be_silent()
            await asyncio.sleep(17)  # guacd drops a user after 15
            before = page.drawn("sync")
            await page.until(lambda p: p.drawn("sync") > before)


async def test_guacd_killed_in_mid_session_is_told(
    terminal: Callable[..., str], site_database: Path, tmp_path: Path
) -> None:
    with (
        running_guacd(tmp_path) as guacd,
        running_gateway("uvicorn", site_database, tmp_path, guacd_port=guacd.port) as gateway,
    ):
        async with in_lab(gateway.port, terminal()) as page:
            for pid in guacd.children():
                os.kill(pid, signal.SIGKILL)
            assert await page.closed() == ("lost", 4431)


async def test_a_gateway_that_ends_sends_the_page_elsewhere(
    terminal: Callable[..., str], guacd: Program, site_database: Path, tmp_path: Path, server: str
) -> None:
    with running_gateway(server, site_database, tmp_path, guacd_port=guacd.port, drain_timeout=1) as gateway:
        async with in_lab(gateway.port, terminal()) as page:
            gateway.process.terminate()
            assert await page.closed() == ("reconnect", 4432)
            await asyncio.to_thread(gateway.process.wait, 10)
    assert (await Visit.objects.alatest("pk")).left_at


def rss_kib(pid: int) -> int:
    """What the process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


async def test_a_page_that_never_reads_makes_nothing_pile_up(
    site_database: Path, tmp_path: Path, server: str
) -> None:
    async with flooding_guacd() as port:
        with running_gateway(server, site_database, tmp_path, guacd_port=port) as gateway:
            async with in_lab(gateway.port, labs.ticket(labs.lab())) as page:  # all is loaded at first use
                await page.until(lambda p: p.received)
                page.drop()
            before = rss_kib(gateway.process.pid)
            async with in_lab(gateway.port, labs.ticket(labs.lab())) as page:
                page.stop_reading()
                for _ in range(10):
                    await asyncio.sleep(0.5)
                    grown = rss_kib(gateway.process.pid) - before
                    assert grown <= 4096
                page.drop()


async def test_a_page_without_credit_gets_one_window_and_is_then_closed(
    gateway: Program, terminal: Callable[..., str]
) -> None:
    async with in_lab(gateway.port, terminal(), credits=False) as page:
        await page.prompted()
        await page.type("while :; do head -c 3000 /dev/urandom | base64; done\n")
        assert await page.closed(timeout_s=70) == ("stalled", 4412)
        assert 1 << 20 <= page.received <= 2 << 20
