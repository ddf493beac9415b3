"""Many sessions that are open and quiet, in a process of their own, so that they take no time from who measures.

Lines of JSON: {"open": [dial…]} → {"opened": n, "why": ""}; {"ask": seconds} → {"answered": n}: a key in each.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.rig.guacd import ECHO, echo
from benchmarks.rig.wire import Dial, Link, Refused, key

SLOW, SLOW_S = 20, 20.0  # no more are opened when fewer than so many come in within this time
AT_ONCE = 16


class Crowd:
    """The sessions."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.buffer, selectors.EVENT_READ)
        self._due: dict[Link, float] = {}
        self._looked_at = 0.0
        self._awaited: dict[Link, bytes] = {}

    def serve(self) -> None:
        """Until nobody asks any more."""
        while True:
            if self.tend(1.0):
                line = sys.stdin.buffer.readline()
                if not line:
                    return
                told = json.loads(line)
                answer = self.open(told["open"]) if "open" in told else {"answered": self.ask(told["ask"])}
                print(json.dumps(answer), flush=True)

    def tend(self, timeout_s: float) -> bool:
        """Take in what has come, and say what is due. True if somebody asks for something."""
        asked = False
        for found, _ in self._selector.select(timeout_s):
            if found.data is None:
                asked = True
            else:
                self._take(found.data)
        now = time.monotonic()
        if now - self._looked_at > 0.2:
            self._looked_at = now
            for link in [link for link, due in self._due.items() if due < now]:
                self._due[link] = now + link.dial.ping_s
                with contextlib.suppress(OSError):
                    link.ping()
        return asked

    def _take(self, link: Link) -> None:
        try:
            data = link.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(link.sock)
            del self._due[link]
        elif self._awaited.get(link, b"\0") in link.payload(data):
            del self._awaited[link]

    def open(self, dials: list[dict[str, Any]]) -> dict[str, Any]:
        """Some at a time; when one is refused or time is over, the rest stays away."""
        end, why = time.monotonic() + SLOW_S, ""
        self._awaited = {}
        for number, told in enumerate(dials, 1):
            try:
                link = Link(Dial.of(told))
            except (OSError, Refused) as error:
                why = f"{type(error).__name__}: {error}"
                break
            link.sock.setblocking(False)
            self._selector.register(link.sock, selectors.EVENT_READ, link)
            # Pages do not all speak at the same moment.
            self._due[link] = time.monotonic() + link.dial.ping_s * (len(self.links) % 100) / 100
            self._awaited[link] = link.dial.opened.encode()
            self.links.append(link)
            self._wait(end, AT_ONCE)
            if time.monotonic() > end:
                why = f"fewer than {SLOW} came in within {SLOW_S:g} s"
                break
            if number % SLOW == 0:
                end = time.monotonic() + SLOW_S
        self._wait(time.monotonic() + SLOW_S, 0)
        return {"opened": len(self.links) - len(self._awaited), "why": why}

    def ask(self, timeout_s: float) -> int:
        """How many answer a key in time."""
        self._awaited = {link: echo(ECHO + number) for number, link in enumerate(self.links)}
        for number, link in enumerate(self.links):
            with contextlib.suppress(OSError):
                link.say(key(ECHO + number))
            self.tend(0)
        self._wait(time.monotonic() + timeout_s, 0)
        return len(self.links) - len(self._awaited)

    def _wait(self, end: float, left: int) -> None:
        """Until no more than so many have not got what they wait for."""
        while len(self._awaited) > left and time.monotonic() < end:
            self.tend(0.05)


class Remote:
    """A crowd in another process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def open(self, dials: list[Dial]) -> tuple[int, str]:
        """How many are open now in all, and why no more. So many are added."""
        told = self._tell('{"open": [' + ", ".join(dial.to_json() for dial in dials) + "]}")
        return told["opened"], told["why"]

    def ask(self, timeout_s: float) -> int:
        """How many answer a key in time."""
        return int(self._tell(json.dumps({"ask": timeout_s}))["answered"])

    def _tell(self, line: str) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextlib.contextmanager
def crowd() -> Iterator[Remote]:
    """An empty one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rig.crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Remote(process)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    Crowd().serve()
