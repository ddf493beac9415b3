"""Ways from a browser into a shell: our gateway's, other programs', and OpenSSH's client with nothing between."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from benchmarks.rig import peers
from benchmarks.rig.sshd import Sshd
from benchmarks.rig.systems import RIG, Proxy, our_gateway, our_step
from benchmarks.rig.wire import Dial
from tests.gateway.fixtures import free_port, running

READY = "READY"  # what the lab says first


def ssh(sshd: Sshd) -> tuple[str, ...]:
    """OpenSSH's client with a terminal in this lab."""
    options = ("UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "EscapeChar=none")
    given = [word for option in options for word in ("-o", option)]
    return ("ssh", "-tt", "-F", "none", "-p", str(sshd.port), "-i", str(sshd.key), *given, f"{sshd.user}@127.0.0.1")


class Shell:
    """One of those that are compared. `start` may raise results.Skipped."""

    name: ClassVar[str]
    server: str

    def start(self, folder: Path, sshd: Sshd) -> contextlib.AbstractContextManager[Proxy]:
        """It runs, and leads into this lab."""
        raise NotImplementedError


class Direct(Shell):
    """OpenSSH's client: what everything is to be compared with."""

    name = "direct"
    server = "OpenSSH's client"

    @contextlib.contextmanager
    def start(self, folder: Path, sshd: Sshd) -> Iterator[Proxy]:
        yield Proxy(0, lambda count: [Dial(command=ssh(sshd), opened=READY, ping="")] * count)


class Ours(Shell):
    """hastexo_lab's gateway, its door `shell`."""

    name = "hastexo_lab"

    def __init__(self, server: str) -> None:
        self.server = server

    @contextlib.contextmanager
    def start(self, folder: Path, sshd: Sshd) -> Iterator[Proxy]:
        with our_gateway(self.server, folder) as program:
            yield Proxy(program.process.pid, lambda count: [self._dial(program.port, sshd) for _ in range(count)])

    def _dial(self, port: int, sshd: Sshd) -> Dial:
        from tests.gateway.labs import lab, ticket

        stack = lab(
            learner_id=secrets.token_hex(8),
            secrets={"private_key": sshd.key.read_text()},
            host_keys=sshd.host_key.with_suffix(".pub").read_text(),
        )
        admission = ticket(stack, door="shell", port=sshd.port, login=sshd.user)
        return Dial(
            port=port,
            path=f"/hastexo-lab/shell/{stack.key}",
            subprotocols=("hastexo-lab.v1", f"ticket.{admission}"),
            binary=True,
            hello=(json.dumps({"type": "connect", "cols": 80, "rows": 24}),),
            ping='{"type":"ping"}',
            ping_s=10.0,
            credit='{"type":"credit","bytes":%(total)d}',
            credit_step=our_step("shell/output.js"),
            opened=READY,
        )


class Wetty(Shell):
    """wetty from npm: it starts ssh, and speaks socket.io."""

    name = "wetty"
    server = "node"

    @contextlib.contextmanager
    def start(self, folder: Path, sshd: Sshd) -> Iterator[Proxy]:
        node, modules = peers.node(peers.WETTY)
        port = free_port()
        main = modules / "node_modules" / "wetty" / "build" / "main.js"
        where = ["--host", "127.0.0.1", "--port", str(port), "--base", "/wetty", "--log-level", "error"]
        lab = ["--ssh-host", "127.0.0.1", "--ssh-port", str(sshd.port), "--ssh-user", sshd.user, "--force-ssh"]
        key = ["--ssh-key", str(sshd.key), "--ssh-auth", "publickey", "--known-hosts", "/dev/null"]
        with running([node, str(main), *where, *lab, *key], port, folder / f"wetty-{port}.log") as program:
            dial = Dial(
                port=port,
                path="/wetty/socket.io/?EIO=4&transport=websocket",
                hello=("40",),
                ping="3",
                credit='42["commit",%(step)d]',
                credit_step=256 * 1024,
                typed='42["input","%s"]',
                opened=READY,
            )
            yield Proxy(program.process.pid, lambda count: [dial] * count)


class Webssh(Shell):
    """webssh from PyPI: Tornado and paramiko."""

    name = "webssh"
    server = "tornado"

    @contextlib.contextmanager
    def start(self, folder: Path, sshd: Sshd) -> Iterator[Proxy]:
        python, port = peers.python(peers.WEBSSH), free_port()
        options = ["--address=127.0.0.1", "--xsrf=False", "--policy=autoadd", "--maxconn=10000", "--delay=120"]
        options += ["--encoding=utf-8", "--logging=error", f"--hostfile={folder / 'webssh-hosts'}"]
        (folder / "webssh-hosts").touch()
        command = [str(python), "-c", "from webssh.main import main; main()", f"--port={port}", *options]
        with running(command, port, folder / f"webssh-{port}.log") as program:
            yield Proxy(program.process.pid, lambda count: [self._dial(port, sshd) for _ in range(count)])

    def _dial(self, port: int, sshd: Sshd) -> Dial:
        told = {
            "hostname": "127.0.0.1",
            "port": sshd.port,
            "username": sshd.user,
            "privatekey": sshd.key.read_text(),
        }
        body = urllib.parse.urlencode(told).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", body, timeout=20) as answer:
            worker = json.load(answer)["id"]
        return Dial(port=port, path=f"/ws?id={worker}", ping='{"data":""}', typed='{"data":"%s"}', opened=READY)


class Terminado(Shell):
    """terminado from PyPI: it starts ssh for us, in a terminal of this machine."""

    name = "terminado"
    server = "tornado"

    @contextlib.contextmanager
    def start(self, folder: Path, sshd: Sshd) -> Iterator[Proxy]:
        python, port = peers.python(peers.TERMINADO), free_port()
        command = [str(python), str(RIG / "terminado_server.py"), str(port), *ssh(sshd)]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with running(command, port, folder / f"terminado-{port}.log", env) as program:
            dial = Dial(port=port, path="/terminal", ping="", typed='["stdin","%s"]', opened=READY)
            yield Proxy(program.process.pid, lambda count: [dial] * count)


def shells() -> list[Shell]:
    """All of them: first what others are measured against, then ours."""
    return [Direct(), Ours("uvicorn"), Ours("daphne"), Wetty(), Webssh(), Terminado()]
