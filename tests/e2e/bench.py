"""A workbench of one's own for a test, and a browser that sees it as a learner does."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
READY = re.compile(r"^Workbench ready at (http://\S+/)$", re.MULTILINE)
READY_WITHIN_S = 60
STOP_WITHIN_S = 120


def wait_for(condition: Callable[[], object], *, within_s: float = 60, what: object = ""):
    """The first true value of `condition`."""
    deadline = time.monotonic() + within_s
    while not (met := condition()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what() if callable(what) else what}"
        time.sleep(0.05)
    return met


@dataclass
class Bench:
    """A running workbench."""

    url: str
    var: Path
    log: Path
    process: subprocess.Popen[bytes]

    def workers(self) -> list[int]:
        """The processes that tend labs."""
        return [pid for pid, words in self.processes().items() if "db_worker" in words]

    def processes(self) -> dict[int, str]:
        """Everything that this workbench has started, with its command line."""
        mark = f"LAB_WORKBENCH_VAR={self.var}\0".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def stacks(self) -> list[Path]:
        """The folders of the local provider's stacks."""
        return [path for path in (self.var / "stacks").glob("hl-*") if path.is_dir()]

    def homes(self) -> list[Path]:
        """The home folders in all local labs."""
        return [home for stack in self.stacks() for home in (stack / "home").iterdir()]


@contextmanager
def running_bench(folder: Path, *options: str, course: dict[str, str] | None = None, env=None, **settings):
    """A workbench with these options, files of a course and settings of the site. Nothing is left afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    # Lab hosts of the local provider drop their rights, and must get through to their homes.
    for parent in (folder, *folder.parents[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o111)
    if course is not None:
        (folder / "course").mkdir(exist_ok=True)
        for name, text in course.items():
            (folder / "course" / name).write_text(text)
        options = (*options, "--course", str(folder / "course"))
    var, log = folder / "var", folder / "workbench.log"
    serve = [sys.executable, str(ROOT / "workbench/lab_workbench/serve.py"), "--port", "0", "--var", str(var)]
    environment = {**os.environ, **(env or {}), "LAB_WORKBENCH_SETTINGS": json.dumps(settings)}
    with log.open("wb") as out:
        process = subprocess.Popen([*serve, *options], stdout=out, stderr=out, env=environment)
    try:
        ready = wait_for(
            lambda: READY.search(log.read_text()) or process.poll() is not None,
            within_s=READY_WITHIN_S,
            what=log.read_text,
        )
        assert process.poll() is None, log.read_text()
        yield Bench(ready[1], var, log, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


class Learner:
    """One person in a browser of their own, at one lab."""

    def __init__(self, context: BrowserContext, bench: Bench, scenario: str, who: str, *, url: str):
        self.bench, self.context = bench, context
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url.rstrip("/"))
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.address = f"{url}scenario/{scenario}/?student={who}"

    def open(self) -> Learner:
        self.page.goto(self.address)
        return self

    def leave(self) -> None:
        """Close the page, as learners do."""
        self.page.goto("about:blank")

    @property
    def lab(self):
        return self.page.locator("section.hastexo-lab").first

    @property
    def phase(self) -> str:
        return self.lab.get_attribute("data-phase") or ""

    def until(self, *phases: str, within_s: float = 60) -> str:
        """Wait until the window shows one of these phases."""
        return wait_for(lambda: self.phase in phases and self.phase, within_s=within_s, what=self.said)

    def said(self) -> str:
        """All that the window says."""
        return f"{self.phase}: {self.lab.inner_text()}\n{self.bench.log.read_text()[-2000:]}"

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True).first

    @property
    def terminal(self):
        return self.page.locator("[data-role=terminal] .hl-pane:visible").first

    def drawn(self) -> bool:
        """Whether the lab has drawn anything: text in a terminal, more than one colour in a canvas."""
        return self.page.evaluate(DRAWN)

    def until_drawn(self) -> Learner:
        self.until("up")
        wait_for(self.drawn, what=self.said)
        return self

    def type(self, text: str) -> None:
        self.terminal.click()
        self.page.keyboard.type(text, delay=15)
        self.page.keyboard.press("Enter")

    def shown(self) -> str:
        """What the terminal of the page itself shows, trailing blanks left out."""
        rows = self.terminal.locator(".xterm-rows").inner_text().replace("\xa0", " ")
        return "\n".join(row.rstrip() for row in rows.splitlines()).rstrip()

    def until_shown(self, pattern: str, *, within_s: float = 60) -> str:
        """Wait until the page's own terminal shows a line that this regular expression describes in full."""
        line = re.compile(pattern)
        shown = wait_for(
            lambda: (text := self.shown()) and any(line.fullmatch(row) for row in text.splitlines()) and text,
            within_s=within_s,
            what=lambda: f"{pattern!r}\n{self.said()}\n{self.shown()}",
        )
        return str(shown)


DRAWN = """() => [...document.querySelectorAll('hastexo-lab')].some(lab =>
  [...lab.shadowRoot.querySelectorAll('.hl-pane:not([hidden]) .xterm-rows')].some(rows => rows.innerText.trim()) ||
  [...lab.shadowRoot.querySelectorAll('.hl-pane:not([hidden]) canvas')].some(canvas => {
    if (!canvas.width || !canvas.height) return false;
    const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(drawn.data.buffer)).size > 4;
  }))"""


class Wire:
    """The network between browsers and a workbench, which can be cut: a forwarder on a port of its own."""

    def __init__(self, bench: Bench):
        host, port = bench.url.removeprefix("http://").strip("/").split(":")
        self._to = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._whole = True
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Nothing gets through any more, and what was under way is lost."""
        self._whole = False
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Everything gets through again."""
        self._whole = True

    def close(self) -> None:
        """For good."""
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(self._to)
                self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._open.discard(end)


class Learners:
    """Opens browsers, each with cookies of its own."""

    def __init__(self, browser: Browser):
        self.browser = browser
        self.contexts: list[BrowserContext] = []

    def __call__(
        self, bench: Bench, scenario: str, who: str = "learner_1", *, by: Wire | None = None, **options
    ) -> Learner:
        """`by`: the network that this browser uses."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.contexts.append(context)
        return Learner(context, bench, scenario, who, url=by.url if by else bench.url)

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def in_home(bench: Bench, name: str, text: str) -> bool:
    """Whether some lab's home has this file with this text."""
    for home in bench.homes():
        try:
            if (home / name).read_text() == text:
                return True
        except OSError:
            continue
    return False
