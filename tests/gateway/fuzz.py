"""Hostile pages of all kinds against a real gateway, for as long as one likes.

    python -m tests.gateway.fuzz --minutes 10 --seed 1 [--server daphne]

While they send what they like (instructions, control messages and frames, whole, changed, cut or made up), drop
out, come back and try each other's sessions, a page of good manners works at each door, and is answered. At the
end the gateway is alive, its log has no traceback, its memory has stayed bounded, and nothing is left open in it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ATTACKERS = 8
ANSWER_S = 20.0  # for the page of good manners, on a busy machine
# By how many MiB the gateway may grow, and so stay. Daphne takes in all that a browser sends, as fast as it comes.
GROWN_MIB = {"uvicorn": 64, "daphne": 256}
# A lab that does nothing with what is typed; now and then it has much to say.
HARMLESS = r"printf '\033]0;prompt\007$ '; (while seq 1 2000; do sleep 1; done) & exec cat"
SETTINGS = {"hold_timeout": 2, "handshake_timeout": 4, "max_sessions_per_user": 200}


@dataclass
class Arena:
    """What is fought over. `stop_at`: of time.monotonic()."""

    gateway: Any
    guacd: Any
    host: Any
    stacks: list[Any]
    stop_at: float
    counts: Counter[str] = field(default_factory=Counter)
    answered_s: list[float] = field(default_factory=list)
    peak_mib: float = 0
    spare: set[int] = field(default_factory=set)  # guacd's processes that are not to be killed
    spent: list[str] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.stop_at

    def ticket(self, stack: Any, door: str, **said: Any) -> str:
        """A good one, for an SSH lab."""
        from tests.gateway import labs

        return labs.ticket(stack, door=door, port=self.host.port, login=self.host.user, **said)


# What is sent.

OPCODES = [
    *("sync", "mouse", "key", "touch", "clipboard", "size", "file", "pipe", "ack", "blob", "end", "get", "put"),
    *("audio", "argv", "nop", "", "select", "connect", "args", "disconnect", "usbdata", "😀"),
]
VALUES = ["0", "1", "-1", "65507", "2147483648", "9" * 14, "", "text/plain", "ä😀;,", "1.1;", "QUJD", "x" * 900]
KINDS = ["ping", "credit", "size", "connect", "bye", "ready", "error", "session", "", "active", "extend"]
FIELDS = ["bytes", "cols", "rows", "session", "received", "width", "height", "dpi", "timezone", "image", "type"]
ODD = [0, 1, -1, 10**18, 1e308, 0.5, None, True, "", "x" * 3000, [], {}, [[[]]], "\ud800", "../../x", "NaN"]


def instruction(dice: random.Random) -> bytes:
    """One that may mean something."""
    values = [dice.choice(VALUES) for _ in range(dice.choice([0, 1, 2, 2, 3, 3, 4, 7, 140]))]
    elements = [dice.choice(OPCODES), *values]
    return (",".join(f"{len(each)}.{each}" for each in elements) + ";").encode()


def control(dice: random.Random) -> str:
    """A text message that may mean something."""
    import json

    told = {dice.choice(FIELDS): dice.choice(ODD) for _ in range(dice.randrange(4))}
    return json.dumps({"type": dice.choice(KINDS), **told})


def changed(dice: random.Random, data: bytes) -> bytes:
    """The same with something wrong."""
    data = bytearray(data or b"x")
    for _ in range(dice.choice([0, 0, 1, 1, 3])):
        at = dice.randrange(len(data))
        how = dice.randrange(4)
        if how == 0:
            data[at] = dice.randrange(256)
        elif how == 1:
            data[at:at] = dice.randbytes(dice.choice([1, 4, 60]))
        elif how == 2:
            del data[at : at + dice.choice([1, 2, 8])]
        else:
            data[at:] = data[at:] * 2
        data = data or bytearray(b"x")
    return bytes(data)


def message(dice: random.Random) -> str | bytes:
    """One message of any kind."""
    kind = dice.random()
    if kind < 0.35:
        return changed(dice, b"".join(instruction(dice) for _ in range(dice.choice([1, 1, 3, 30]))))
    if kind < 0.55:
        return control(dice)
    if kind < 0.65:
        return changed(dice, control(dice).encode()).decode(errors="replace")
    if kind < 0.75:
        return b"".join(instruction(dice) for _ in range(3)).decode()
    if kind < 0.9:
        return dice.randbytes(dice.choice([0, 1, 40, 3000]))
    return dice.randbytes(1) * dice.choice([65536, 65537, 200_000])


# Who sends it.


class Last(NamedTuple):
    """Where this attacker was before."""

    session: str
    stack: Any
    door: str


async def attack(arena: Arena, dice: random.Random) -> None:
    """One hostile page after the other."""
    last = Last("", arena.stacks[0], "desktop")
    while arena.goes_on:
        kind = dice.choices([visit, raw_frames, raw_bytes, kill_guacd], [20, 3, 2, 1])[0]
        arena.counts[kind.__name__] += 1
        with contextlib.suppress(Exception):  # whatever the gateway does to it
            async with asyncio.timeout(15):
                last = await kind(arena, dice, last) or last


def _offers(arena: Arena, dice: random.Random, stack: Any, door: str) -> list[str]:
    ticket = arena.ticket(stack, door, read_only=dice.random() < 0.15)
    how = dice.random()
    if how < 0.1:
        ticket = changed(dice, ticket.encode()).decode("ascii", "ignore")
    elif how < 0.2 and arena.spent:
        ticket = dice.choice(arena.spent[-50:])
    arena.spent.append(ticket)
    del arena.spent[:-50]
    protocol = dice.choice(["hastexo-lab.v1", "hastexo-lab.v1", "hastexo-lab.v1, guacamole", "guacamole"])
    legal = "".join(each for each in ticket if each.isalnum() or each in "._-")
    return [*protocol.split(", "), f"ticket.{legal}"]


async def visit(arena: Arena, dice: random.Random, last: Last) -> Last:
    """Come in by a door, mostly with a good ticket, often back to the last session, and misbehave."""
    import json

    from websockets.asyncio.client import connect

    door, stack = last.door, last.stack
    if dice.random() < 0.5:
        door = dice.choice(["desktop", "desktop", "shell", "shell", "events"])
        stack = dice.choice(arena.stacks)
    path = door + dice.choice(["", "", "", f"/{stack.key}", "?width=1&height=9999", "/x", "/" + "k" * 300])
    socket = await connect(
        f"ws://127.0.0.1:{arena.gateway.port}/hastexo-lab/{path}",
        subprotocols=_offers(arena, dice, stack, door),  # type: ignore[arg-type]
        origin=f"http://127.0.0.1:{arena.gateway.port}",  # type: ignore[arg-type]
        compression=None, max_size=None, proxy=None, open_timeout=10,
    )  # fmt: skip
    session = ""

    async def listen() -> None:
        nonlocal session
        async for heard in socket:
            if isinstance(heard, str) and heard.startswith('{"type": "ready"'):
                ready = json.loads(heard)
                session = ready["session"]
                arena.counts["resumed" if ready["resumed"] else "ready"] += 1
            if isinstance(heard, str) and '"code"' in heard:
                arena.counts[str(json.loads(heard)["code"])] += 1
            if isinstance(heard, bytes) and dice.random() < 0.1:
                await socket.send(json.dumps({"type": "credit", "bytes": dice.choice([len(heard), 2**40])}))

    listening = asyncio.create_task(listen())
    try:
        if dice.random() < 0.9:
            size = {"width": 800, "height": 600, "cols": 80, "rows": 24, "received": dice.choice([0, 5, 2**40])}
            await socket.send(json.dumps({"type": "connect", **size, "session": last.session}))
        if dice.random() < 0.5:
            await asyncio.sleep(dice.random())
        if dice.random() < 0.1:
            listening.cancel()
            socket.transport.pause_reading()
        for _ in range(dice.choice([0, 1, 5, 5, 40, 400])):
            await socket.send(message(dice))
        await asyncio.sleep(dice.random() / 2)
    finally:
        if dice.random() < 0.5:
            socket.transport.abort()
        else:
            await socket.close(dice.choice([1000, 1000, 1001, 4000]))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return Last(session, stack, door)


async def _upgraded(arena: Arena, offers: list[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", arena.gateway.port)
    here = f"127.0.0.1:{arena.gateway.port}"
    head = [
        *("GET /hastexo-lab/desktop HTTP/1.1", f"Host: {here}", f"Origin: http://{here}", "Upgrade: websocket"),
        *("Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
        *("Sec-WebSocket-Protocol: " + ", ".join(offers), "", ""),
    ]
    writer.write("\r\n".join(head).encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def raw_frames(arena: Arena, dice: random.Random, last: Last) -> None:
    """WebSocket frames with anything in their heads."""
    _, writer = await _upgraded(arena, _offers(arena, dice, last.stack, "desktop"))
    for _ in range(dice.randrange(1, 20)):
        body = dice.randbytes(dice.choice([0, 1, 20, 126, 300]))
        head = bytes([dice.randrange(256), dice.choice([0x80, 0]) | dice.choice([min(len(body), 125), 126, 127])])
        writer.write(head + dice.randbytes(dice.choice([0, 2, 4, 8])) + body)
        await writer.drain()
    await asyncio.sleep(dice.random() / 4)
    writer.transport.abort()


async def raw_bytes(arena: Arena, dice: random.Random, last: Last) -> None:
    """HTTP that is none."""
    _, writer = await asyncio.open_connection("127.0.0.1", arena.gateway.port)
    request = b"GET /hastexo-lab/desktop HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    writer.write(dice.choice([dice.randbytes(2000), changed(dice, request), request[: dice.randrange(80)]]))
    await asyncio.sleep(dice.random())
    writer.transport.abort()


async def kill_guacd(arena: Arena, dice: random.Random, last: Last) -> None:
    """End one connection at guacd."""
    mortal = sorted(set(arena.guacd.children()) - arena.spare)
    if mortal:
        os.kill(dice.choice(mortal), signal.SIGKILL)


# Who is to notice nothing.


async def work(arena: Arena, at_desk: Callable[[], Awaitable[Any]]) -> None:
    """Type something every now and then, and see it answered."""
    while arena.goes_on:
        began = time.monotonic()
        await at_desk()
        arena.answered_s.append(time.monotonic() - began)
        await asyncio.sleep(0.5)


async def good_desktop(arena: Arena, stack: Any) -> None:
    """A page at the door `desktop`."""
    from tests.gateway.page import in_lab

    before = set(arena.guacd.children())
    async with in_lab(arena.gateway.port, arena.ticket(stack, "desktop")) as page:
        arena.spare |= set(arena.guacd.children()) - before
        await page.prompted()

        async def type_a_line() -> None:
            page.instructions = page.instructions[-1000:]
            drawn = page.drawn("img", "copy", "rect")
            await page.type("hello\n")
            await page.until(lambda p: p.drawn("img", "copy", "rect") > drawn, timeout_s=ANSWER_S)

        await work(arena, type_a_line)


async def good_shell(arena: Arena, stack: Any) -> None:
    """A page at the door `shell`."""
    from tests.gateway.terminals import in_shell

    async with in_shell(arena.gateway.port, arena.ticket(stack, "shell")) as page:

        async def type_a_word() -> None:
            del page.output[:-10_000]
            word = f"word-{time.monotonic_ns()}"
            await page.type(word + "\n")
            await page.shows(word, timeout_s=ANSWER_S)

        await work(arena, type_a_word)


def memory_mib(pid: int) -> float:
    """What a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def open_files(pid: int) -> int:
    """How many a process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def watch(arena: Arena) -> None:
    """Note how much memory the gateway takes."""
    while arena.goes_on:
        arena.peak_mib = max(arena.peak_mib, memory_mib(arena.gateway.process.pid))
        await asyncio.sleep(0.2)


async def fuzz(gateway: Any, guacd: Any, host: Any, *, seconds: float, seed: int) -> Arena:
    """The fight. Raises AssertionError, with what has gone wrong."""
    from hastexo_lab.models import Visit
    from tests.gateway import labs

    secrets = {"private_key": host.keys["rsa"]}
    stacks = [labs.lab(secrets=secrets) for _ in range(6)]
    good = [labs.lab(secrets=secrets, learner_id="learner-good") for _ in range(2)]
    pid, server = gateway.process.pid, gateway.process.args[2]
    arena = Arena(gateway, guacd, host, stacks, time.monotonic() + 2)
    await asyncio.gather(good_desktop(arena, good[0]), good_shell(arena, good[1]))  # all is loaded at first use
    await _until(lambda: not Visit.objects.filter(left_at=None).exists(), "visits stay open")
    before_mib, before_files = memory_mib(pid), open_files(pid)
    arena.stop_at, arena.answered_s = time.monotonic() + seconds, []
    pages = [asyncio.create_task(page) for page in (good_desktop(arena, good[0]), good_shell(arena, good[1]))]
    await _until(lambda: len(arena.answered_s) >= len(pages), "the pages of good manners do not come in")
    hostile = [asyncio.create_task(attack(arena, random.Random(f"{seed}/{i}"))) for i in range(ATTACKERS)]
    watching = asyncio.create_task(watch(arena))
    await asyncio.gather(*pages, watching, *hostile)
    await _until(lambda: open_files(pid) <= before_files + 4, "files stay open")
    await _until(lambda: not Visit.objects.filter(left_at=None).exists(), "visits stay open")
    assert gateway.process.poll() is None, gateway.log.read_text()[-5000:]
    log = gateway.log.read_text(errors="replace")
    for word in ("Traceback", "never retrieved", "never awaited", "failed door="):
        assert word not in log, log[max(0, log.index(word) - 500) : log.index(word) + 3000]
    grown = f"{before_mib:.0f} MiB at the start, {arena.peak_mib:.0f} at most, {memory_mib(pid):.0f} at the end"
    assert arena.peak_mib - before_mib < GROWN_MIB[server], grown
    return arena


async def _until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.2)


@contextlib.contextmanager
def standing(server: str) -> Iterator[tuple[Any, Any, Any]]:
    """A gateway, a guacd and a host of one's own, with Django set up for this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.gateway.site"
        os.environ["HASTEXO_LAB_TEST_FILE"] = str(folder / "db.sqlite3")
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        import django

        django.setup()
        from django.core.management import call_command

        from tests.gateway.fixtures import running_gateway, running_guacd, running_sshd

        call_command("migrate", verbosity=0)
        (folder / "sshd").mkdir()
        with (
            running_guacd(folder) as guacd,
            running_sshd(folder / "sshd", HARMLESS) as host,
            running_gateway(server, folder / "db.sqlite3", folder, guacd_port=guacd.port, **SETTINGS) as gateway,
        ):
            yield gateway, guacd, host


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gateway.fuzz")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--server", choices=["uvicorn", "daphne"], default="uvicorn")
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.minutes} minutes, {asked.server}", flush=True)
    with standing(asked.server) as (gateway, guacd, host):
        start_mib = memory_mib(gateway.process.pid)
        arena = asyncio.run(fuzz(gateway, guacd, host, seconds=asked.minutes * 60, seed=asked.seed))
        end_mib = memory_mib(gateway.process.pid)
    answered = sorted(arena.answered_s)
    print(f"done: {dict(arena.counts.most_common())}")
    median = answered[len(answered) // 2]
    print(f"good pages: {len(answered)} answers, median {median:.3f} s, slowest {answered[-1]:.3f} s")
    print(f"memory: {start_mib:.0f} MiB at the start, {arena.peak_mib:.0f} at most, {end_mib:.0f} at the end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
