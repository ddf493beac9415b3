"""A workbench of one's own for a test, and a browser that sees it as a learner does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
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

    def __init__(self, context: BrowserContext, bench: Bench, scenario: str, who: str):
        self.bench, self.context = bench, context
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=bench.url.rstrip("/"))
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.address = f"{bench.url}scenario/{scenario}/?student={who}"

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
        """Whether the lab has drawn anything: its canvas has more than one colour."""
        return self.page.evaluate(DRAWN)

    def until_drawn(self) -> Learner:
        self.until("up")
        wait_for(self.drawn, what=self.said)
        return self

    def type(self, text: str) -> None:
        self.terminal.click()
        self.page.keyboard.type(text, delay=15)
        self.page.keyboard.press("Enter")

    def seen(self) -> str:
        """What the terminal shows: dragged over with the mouse, so that it lands on the clipboard."""
        self.page.evaluate("navigator.clipboard.writeText('')")
        box = self.terminal.bounding_box()
        self.page.mouse.move(box["x"] + 2, box["y"] + 4)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] - 40, box["y"] + box["height"] / 2, steps=4)
        self.page.mouse.move(box["x"] + box["width"] - 40, box["y"] + box["height"] - 12, steps=4)
        self.page.mouse.up()
        return wait_for(lambda: self.page.evaluate("navigator.clipboard.readText()"), what=self.said)


DRAWN = """() => [...document.querySelectorAll('hastexo-lab')].some(lab =>
  [...lab.shadowRoot.querySelectorAll('.hl-pane:not([hidden]) canvas')].some(canvas => {
    if (!canvas.width || !canvas.height) return false;
    const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(drawn.data.buffer)).size > 4;
  }))"""


class Learners:
    """Opens browsers, each with cookies of its own."""

    def __init__(self, browser: Browser):
        self.browser = browser
        self.contexts: list[BrowserContext] = []

    def __call__(self, bench: Bench, scenario: str, who: str = "learner_1", **options) -> Learner:
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.contexts.append(context)
        return Learner(context, bench, scenario, who)

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
