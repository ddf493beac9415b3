"""What is compared: our gateway, other tunnels between a browser and guacd, and a plain relay as the floor."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks.rig import peers
from benchmarks.rig.wire import Dial
from tests.gateway.fixtures import Program, free_port, running, running_gateway

RIG = Path(__file__).parent
HANDSHAKE = "6.select,3.ssh;4.size,4.1024,3.768,2.96;5.audio;5.video;5.image;7.connect,13.VERSION_1_3_0,0.,0.;"
UNLIMITED = {"ticket_lifetime": 3600, "max_sessions": 0, "max_sessions_per_user": 0}


@dataclass(frozen=True)
class Proxy:
    """A running one: the process whose tree is measured, and ways in for so many sessions."""

    pid: int
    dials: Callable[[int], list[Dial]]


class System:
    """One of those that are compared. `start` may raise results.Skipped."""

    name: ClassVar[str]
    server: str = "asyncio"

    def start(self, folder: Path, guacd: int) -> contextlib.AbstractContextManager[Proxy]:
        """It runs, and talks to the guacd at this port."""
        raise NotImplementedError


class Direct(System):
    """Nothing in between: what everything is to be compared with."""

    name = "direct"
    server = "none"

    @contextlib.contextmanager
    def start(self, folder: Path, guacd: int) -> Iterator[Proxy]:
        yield Proxy(0, lambda count: [Dial(port=guacd, hello=(HANDSHAKE,))] * count)


class Relay(System):
    """A relay of TCP."""

    name = "relay"

    @contextlib.contextmanager
    def start(self, folder: Path, guacd: int) -> Iterator[Proxy]:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.rig.relay", str(port), str(guacd)]
        with running(command, port, folder / f"relay-{port}.log") as program:
            yield Proxy(program.process.pid, lambda count: [Dial(port=port, hello=(HANDSHAKE,))] * count)


def our_gateway(server: str, folder: Path, **settings: object) -> contextlib.AbstractContextManager[Program]:
    """Our gateway under this server, on the benchmark's database, with no limits on how many come in."""
    database = Path(os.environ["HASTEXO_LAB_TEST_FILE"])
    return running_gateway(server, database, folder, **UNLIMITED, **settings)


def our_step(source: str) -> int:
    """After how many bytes our page gives credit."""
    found = re.search(r"CREDIT_STEP = (\d+) \* 1024;", (RIG.parents[1] / "frontend" / "src" / source).read_text())
    assert found, source
    return int(found[1]) * 1024


class Ours(System):
    """hastexo_lab's gateway, each session in a lab of its own."""

    name = "hastexo_lab"

    def __init__(self, server: str) -> None:
        self.server = server

    @contextlib.contextmanager
    def start(self, folder: Path, guacd: int) -> Iterator[Proxy]:
        with our_gateway(self.server, folder, guacd_port=guacd) as program:
            yield Proxy(program.process.pid, lambda count: self._dials(program.port, count))

    def _dials(self, port: int, count: int) -> list[Dial]:
        """Each into a lab of its own, of a learner of its own."""
        from django.db import transaction

        from tests.gateway.labs import lab, ticket

        screen = {"type": "connect", "width": 1024, "height": 768, "dpi": 96}
        with transaction.atomic():
            labs = [lab(learner_id=secrets.token_hex(8)) for _ in range(count)]
        return [
            Dial(
                port=port,
                path=f"/hastexo-lab/desktop/{stack.key}",
                subprotocols=("hastexo-lab.v1", f"ticket.{ticket(stack)}"),
                binary=True,
                hello=(json.dumps(screen),),
                ping='{"type":"ping"}',
                ping_s=10.0,
                credit='{"type":"credit","bytes":%(total)d}',
                credit_step=our_step("desktop/flow.js"),
            )
            for stack in labs
        ]


class GuacamoleLite(System):
    """guacamole-lite from npm."""

    name = "guacamole-lite"
    server = "node"

    @contextlib.contextmanager
    def start(self, folder: Path, guacd: int) -> Iterator[Proxy]:
        node, modules = peers.node(peers.GUACAMOLE_LITE)
        port, log = free_port(), folder / f"guacamole-lite-{secrets.token_hex(4)}.log"
        command = [node, str(RIG / "guacamole_lite.js"), str(port), str(guacd), secrets.token_hex(16)]
        env = {**os.environ, "NODE_PATH": str(modules / "node_modules")}
        with running(command, port, log, env) as program:
            token = urllib.parse.quote(log.read_text().split()[0])
            dial = Dial(port=port, path=f"/?token={token}", subprotocols=("guacamole",))
            yield Proxy(program.process.pid, lambda count: [dial] * count)


HASTEXO_SETTINGS = """
SECRET_KEY: benchmark
ALLOWED_HOSTS: ["127.0.0.1"]
INSTALLED_APPS: [django.contrib.auth, django.contrib.contenttypes, django.contrib.sessions, channels]
DATABASES: {default: {ENGINE: django.db.backends.sqlite3, NAME: %s}}
"""
HASTEXO_TABLES = """
import django
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
from hastexo.models import Stack
with connection.schema_editor() as editor:
    editor.create_model(Stack)
Stack.objects.create(name="lab", protocol="ssh", ip="127.0.0.1", user="user", password="", key="")
"""


class Hastexo(System):
    """hastexo-xblock's consumer under Daphne, with so many threads; 0: as many as it takes by itself."""

    name = "hastexo-xblock"

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.server = f"daphne, {threads or 'default'} threads"

    @contextlib.contextmanager
    def start(self, folder: Path, guacd: int) -> Iterator[Proxy]:
        python = peers.python(peers.HASTEXO)
        port = free_port()
        settings, database = folder / f"hastexo-{port}.yaml", folder / f"hastexo-{port}.sqlite3"
        settings.write_text(HASTEXO_SETTINGS % database)
        env = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "DJANGO_SETTINGS_MODULE": "hastexo_guacamole_client.settings",
            "HASTEXO_GUACAMOLE_CFG": str(settings),
            "GUACD_SERVICE_HOST": "127.0.0.1",
            "GUACD_SERVICE_PORT": str(guacd),
            **({"ASGI_THREADS": str(self.threads)} if self.threads else {}),
        }
        subprocess.run([str(python), "-c", HASTEXO_TABLES], env=env, check=True, capture_output=True)
        app = "hastexo_guacamole_client.asgi:application"
        command = [str(python), "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), app]
        with running(command, port, folder / f"hastexo-{port}.log", env) as program:
            path = "/hastexo-xblock/websocket-tunnel?stack=lab&read_only=false&port=22"
            dial = Dial(port=port, path=path, subprotocols=("guacamole",))
            yield Proxy(program.process.pid, lambda count: [dial] * count)


def tunnels() -> list[System]:
    """All of them; ours on uvicorn first, which everything is compared with."""
    return [Ours("uvicorn"), Ours("daphne"), Relay(), GuacamoleLite(), Hastexo(0), Hastexo(64)]
