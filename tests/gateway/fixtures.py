"""Real parts for tests: a guacd, an sshd, a VNC desktop, a database file, and gateways under real servers."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], object], *, timeout_s: float = 45.0, what: str = "") -> object:
    """The first true value of `condition`. Fails after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_s} s: {what or condition}")


def answers(port: int) -> bool:
    """Does something listen on this port of 127.0.0.1?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen[str], *, timeout_s: float = 45.0) -> None:
    """Ask the process to end, and see that it does."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class Program:
    """A running program that listens on a port of 127.0.0.1, and where its output goes."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def children(self) -> list[int]:
        """The process ids of its children."""
        lists = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for each in lists for pid in each.read_text().split()]


@contextlib.contextmanager
def running(
    command: list[str], port: int, log: Path, env: dict[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Program]:
    """The program, from when it listens until it is over."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, text=True, env=env, cwd=cwd
        )
    try:
        wait_for(lambda: answers(port) or process.poll() is not None, what=command[0])
        assert process.poll() is None, log.read_text()
        yield Program(process, port, log)
    finally:
        end(process)


def _needs(program: str) -> str:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@contextlib.contextmanager
def running_guacd(folder: Path) -> Iterator[Program]:
    """A guacd of one's own."""
    port = free_port()
    command = [_needs("guacd"), "-b", "127.0.0.1", "-l", str(port), "-f", "-L", "debug"]
    with running(command, port, folder / f"guacd-{port}.log") as program:
        yield program


@pytest.fixture(scope="session")
def guacd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A real guacd."""
    with running_guacd(tmp_path_factory.mktemp("guacd")) as program:
        yield program


@dataclass
class LabHost:
    """A real SSH server and what opens it: `user`, and private keys in PEM by name ("rsa", "other")."""

    program: Program
    user: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.program.port


SSHD_CONFIG = r"""
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
PrintMotd no
PubkeyAcceptedAlgorithms +ssh-rsa
HostKeyAlgorithms +ssh-rsa
ForceCommand {command}
SetEnv SHLVL=2
"""
BASH = r"PS1='\[\e]0;prompt\a\]$ ' exec bash --noprofile --norc -i"

# PS1: each prompt sets the title, which guacd passes on as `name`, so that a test can wait for it.
# SHLVL: bash reads ~/.bashrc for a command of sshd's unless it is a shell within a shell; whatever the user has
# there is no part of the tests.


def _key(path: Path, *options: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(path), *options], check=True)
    return path.read_text()


@contextlib.contextmanager
def running_sshd(folder: Path, command: str = BASH) -> Iterator[LabHost]:
    """An sshd for the user who runs the tests, as guacd 1.3's libssh2 can use it; `command` is all that it runs."""
    server = _needs("sshd")
    pem = ("-t", "rsa", "-b", "2048", "-m", "PEM")
    keys = {
        "rsa": _key(folder / "rsa", *pem),
        "other": _key(folder / "other", *pem),
        "ed25519": _key(folder / "ed25519", "-t", "ed25519"),
    }
    _key(folder / "host", *pem)
    (folder / "authorized").write_text((folder / "rsa.pub").read_text() + (folder / "ed25519.pub").read_text())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    (folder / "config").write_text(SSHD_CONFIG.format(port=port, folder=folder, command=command))
    with running([server, "-D", "-e", "-f", str(folder / "config")], port, folder / "sshd.log") as program:
        yield LabHost(program, getpass.getuser(), keys)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A real sshd."""
    with running_sshd(tmp_path_factory.mktemp("sshd")) as host:
        yield host


@pytest.fixture(scope="session")
def xvnc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A real X desktop over VNC without a password; `log` is Xvnc's, the display is port − 5900."""
    server, port = _needs("Xvnc"), free_port()
    folder = tmp_path_factory.mktemp("xvnc")
    display = f":{port % 10000 + 100}"
    options = ["-rfbport", str(port), "-localhost", "-SecurityTypes", "None", "-geometry", "1024x768"]
    with running([server, display, *options], port, folder / "xvnc.log") as program:
        yield program


@pytest.fixture(scope="session")
def database_file(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: object) -> Iterator[Path]:
    """A migrated SQLite file that gateways in other processes share with the test's own."""
    path = tmp_path_factory.mktemp("database") / "lab.sqlite3"
    with _at(path, django_db_blocker):
        call_command("migrate", verbosity=0)
    return path


@contextlib.contextmanager
def _at(path: Path, blocker: object) -> Iterator[None]:
    """Django's default database is this file, in every thread."""
    before = connections.settings["default"]
    old = getattr(connections._connections, "default", None)
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    options = {"transaction_mode": "IMMEDIATE", "timeout": 20}
    connections.settings["default"] = {**before, **sqlite, "OPTIONS": options}
    if old is not None:
        del connections["default"]
    try:
        with blocker.unblock():  # type: ignore[attr-defined]
            yield
            connections["default"].close()
    finally:
        connections.settings["default"] = before
        del connections["default"]
        if old is not None:
            connections["default"] = old


@pytest.fixture
def site_database(
    database_file: Path, django_db_blocker: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The gateways' database, for the test's own ORM calls, in coroutines as well."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with _at(database_file, django_db_blocker):
        yield database_file


SERVERS = {
    "uvicorn": ["uvicorn", "--port", "{port}", "--ws-per-message-deflate", "false", "{app}"],
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", "{app}"],
}


# For the few tests in which it differs from uvicorn's own.
GUNICORN = ["gunicorn", "--bind", "127.0.0.1:{port}", "--worker-class", "uvicorn.workers.UvicornWorker", "{app}"]


@contextlib.contextmanager
def running_gateway(
    server: str,
    database: Path,
    folder: Path,
    *,
    app: str = "hastexo_lab.gateway.asgi:application",
    **settings: object,
) -> Iterator[Program]:
    """A gateway under a real ASGI server, with these of the site's settings."""
    port = free_port()
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.gateway.site",
        "HASTEXO_LAB_TEST_FILE": str(database),
        "HASTEXO_LAB_TEST_SETTINGS": json.dumps(settings),
        "PYTHONPATH": str(ROOT),
    }
    command = [
        sys.executable,
        "-m",
        *(part.format(port=port, app=app) for part in {**SERVERS, "gunicorn": GUNICORN}[server]),
    ]
    with running(command, port, folder / f"{server}-{port}.log", env) as program:
        yield program


@pytest.fixture(scope="session", params=sorted(SERVERS, reverse=True))
def gateway(
    request: pytest.FixtureRequest,
    guacd: Program,
    database_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Program]:
    """A gateway under each server that is supported."""
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(request.param, database_file, folder, guacd_port=guacd.port) as program:
        yield program


def secrets_in(text: str) -> list[str]:
    """What must stand in no log: private keys and tickets. A server's line shows what a test has put in its URL."""
    text = re.sub(r'(?m)^.*"(WebSocket|WS[A-Z]+) /.*$', "", text)
    return re.findall(r"PRIVATE KEY-----\n|eyJ[A-Za-z0-9_-]{20,}", text)
