"""`lab_worker` as operators run it: a process with children, on a database in a file; killed, stopped, asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError

from hastexo_lab.management.commands import lab_worker
from hastexo_lab.stacks import supervise
from hastexo_lab.stacks.supervise import Supervisor

ROOT = Path(__file__).parents[2]
SETTINGS = """
from tests.settings import *
DATABASES = {{"default": {{**DATABASES["default"], "ENGINE": "django.db.backends.sqlite3",
    "NAME": "{folder}/labs.db", "CONN_MAX_AGE": 600,
    "OPTIONS": {{"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"}}}}}}
HASTEXO_LAB = {{**HASTEXO_LAB, "site": "test", "worker_slots": 2,
    "providers": {{"local": {{"type": "local", "root": "{folder}/stacks"}}}}}}
"""
ENTER = """
from hastexo_lab.stacks import wishes
lab = wishes.Candidate(provider="local", template={template!r})
wishes.enter(wishes.LabOrder(course_id="c", learner_id={learner!r}, lab="l", candidates=(lab,)))
"""
TELL = """
import json
from hastexo_lab.models import Stack
rows = Stack.objects.values("learner_id", "phase", "generation", "launched_at", "lease_token", "error_message")
print("rows", json.dumps(list(rows), default=str))
"""
CLEAR = """
import asyncio
from hastexo_lab.stacks.registry import providers
asyncio.run(providers().get("local").destroy_all())
"""
HANG = """
import time
from asgiref.sync import async_to_sync
from hastexo_lab.stacks import tasks, tend
async def silent_for_good(slot, token):
    time.sleep(60)
tend.tend_slot, tasks.HANGS_AFTER_S = silent_for_good, 1
async_to_sync(tasks.tend.func)(0, "token")
"""
SLOW = "hosts:\n  - name: web\ncreate_s: 4\n"


def until(so: Callable[[], Any], within_s: float = 40) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := so()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Site:
    """A site in a folder: its database, its stacks, its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "site_settings.py").write_text(SETTINGS.format(folder=folder))
        path = os.pathsep.join((str(ROOT), str(folder), *filter(None, (os.environ.get("PYTHONPATH"),))))
        self.env = {**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": path}
        self.env.pop("HASTEXO_LAB_TEST_DB", None)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.log = (folder / "log").open("ab")
        self.manage("migrate", "-v", "0")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "django", *words]

    def manage(self, *words: str) -> str:
        done = subprocess.run(self.command(*words), env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> subprocess.Popen[bytes]:
        words = self.command("lab_worker", "--workers", "2", "--health-port", str(self.port))
        worker = subprocess.Popen(words, env=self.env, stderr=self.log)
        self.workers.append(worker)
        until(lambda: self.health()[0] == 200)
        return worker

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.manage("shell", "-c", CLEAR)
        self.log.close()

    def enter(self, learner: str, template: str = "hosts:\n  - name: web\n") -> None:
        self.manage("shell", "-c", ENTER.format(learner=learner, template=template))

    def row(self, learner: str) -> dict[str, Any]:
        [line] = [line for line in self.manage("shell", "-c", TELL).splitlines() if line.startswith("rows ")]
        [row] = [row for row in json.loads(line.removeprefix("rows ")) if row["learner_id"] == learner]
        return row

    def health(self) -> tuple[int, dict[str, str]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def said(self) -> str:
        return (self.folder / "log").read_text()


def children(pid: int) -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.add(int(stat.parent.name))
    return found


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.end()


@pytest.fixture
def worker(site) -> Iterator[subprocess.Popen[bytes]]:
    started = site.start()
    yield started
    started.terminate()
    started.wait(35)


def test_labs_are_launched_and_the_probe_says_so(site, worker):
    assert site.health() == (200, {"status": "ok", "detail": "tending"})
    site.enter("a")
    until(lambda: site.row("a")["phase"] == "up")
    assert len(children(worker.pid)) == 2


def test_workers_that_are_killed_are_replaced_and_their_stacks_go_on_at_once(site, worker):
    site.enter("b", SLOW)
    until(lambda: site.row("b")["launched_at"])
    killed = children(worker.pid)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(children(worker.pid) - killed) == 2, within_s=15)
    began = time.monotonic()
    until(lambda: site.row("b")["phase"] == "up")
    assert time.monotonic() - began < 20
    assert site.row("b")["generation"] == 1
    assert "worker ended" in site.said()


def test_a_supervisor_that_is_killed_takes_its_workers_along_and_the_next_begins_at_once(site):
    first = site.start()
    site.enter("c", SLOW)
    until(lambda: site.row("c")["launched_at"])
    left = children(first.pid)
    first.kill()
    first.wait()
    until(lambda: gone(left), within_s=5)
    site.enter("d")
    began = time.monotonic()
    second = site.start()
    # No tend is pending that anybody would carry out, and nobody has waited until they count as lost.
    until(lambda: site.row("d")["phase"] == "up")
    assert time.monotonic() - began < 20
    until(lambda: site.row("c")["phase"] == "up")
    second.terminate()
    assert second.wait(35) == 0


def test_asked_to_stop_nothing_is_left(site):
    worker = site.start()
    processes = children(worker.pid)
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(35) == 0
    assert time.monotonic() - began < 30
    assert gone(processes)
    assert site.health() == (0, {})


def test_a_worker_that_is_blocked_for_good_says_where_and_ends(site):
    env = {**site.env, "HASTEXO_LAB_WORKER": "w1"}
    words = site.command("shell", "-c", HANG)
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "silent_for_good" in done.stderr


def test_a_port_that_is_taken_is_said(site):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = site.command("lab_worker", "--health-port", str(taken.getsockname()[1]))
        done = subprocess.run(words, env=site.env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_workers_are_no_workers(site):
    words = site.command("lab_worker", "--workers", "0")
    done = subprocess.run(words, env=site.env, capture_output=True, text=True, timeout=30, check=False)
    assert "give 1 or more" in done.stderr


async def test_a_probe_says_what_is_wrong(monkeypatch):
    supervisor = Supervisor(1, "default")
    assert await lab_worker._trouble(supervisor) == "no worker process is running here"
    supervisor.alive = 1

    async def away(work: Callable[[], object]) -> None:
        raise InterfaceError

    monkeypatch.setattr(lab_worker, "on_database", away)
    assert await lab_worker._trouble(supervisor) == "the database does not answer"
    answer = lab_worker._response("the database does not answer")
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"detail": "the database does not answer"' in answer


async def test_a_supervisor_goes_on_trying_what_the_database_did_not_let_it_do(monkeypatch, caplog):
    tries = []

    async def done(work: Callable[[], object], what: str) -> bool:
        tries.append(what)
        return len(tries) == 3

    monkeypatch.setattr(supervise, "_done", done)
    monkeypatch.setattr(supervise, "WATCH_EVERY_S", 0.01)
    await Supervisor(1, "default")._take_over_from("w1")
    assert tries == ["take over from w1"] * 3


async def test_a_worker_that_cannot_be_started_is_tried_again(monkeypatch):
    monkeypatch.setattr(supervise.sys, "executable", "/nowhere/python")
    assert await Supervisor(1, "default")._run_one("w1") == "not started: No such file or directory"
