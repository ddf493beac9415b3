"""The process that is a stack's hosts: it brings itself up, tells how far it is, lives until it is killed.

Started as `python -m hastexo_lab.providers.local.host FOLDER`. It leaves its starter at once (a session and a
parent of its own), holds the folder's lock while it lives, and gives up its rights before it lets anybody in.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hastexo_lab.providers.local.confine import USER, Places, adopt_orphans, confine, prepare
from hastexo_lab.providers.local.folder import Folder, Order, take, write_private
from hastexo_lab.providers.local.processes import MARK, look
from hastexo_lab.providers.local.template import HostSpec, StackSpec, read_template

if TYPE_CHECKING:
    from hastexo_lab.providers.local.children import Children
    from hastexo_lab.providers.local.shell import Keys

Tell = Callable[[dict[str, Any]], None]
# Imported before the rights are given up: the stack's own user may have no way to where Python lives. Only
# then, because it takes a moment and the starter waits for us to leave.
_NEEDED_LATER = (
    "concurrent.futures.thread",
    "encodings.idna",
    "hastexo_lab.providers.local.desktop",
    "hastexo_lab.providers.local.shell",
)
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_BASHRC = """PS1='{user}@{host}:\\w\\$ '
alias ls='ls --color=auto'
"""
_PROFILE = """PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games
[ -n "$BASH_VERSION" ] && . ~/.bashrc
"""


def main() -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    # A shell script starts what it puts in the background with Ctrl-C ignored, and what is ignored is inherited:
    # in the labs of a workbench that was started so, Ctrl-C would do nothing.
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    folder = Folder(Path(sys.argv[1]))
    order, lock = folder.order(), take(folder.path / "lock")
    this = look(os.getpid())
    if lock is None or order is None or this is None:
        return
    write_private(folder.path / "host", f"{this.pid} {this.start}")
    story = os.open(folder.path / "story", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    ran = any(line["is"] == "running" for line in folder.story())

    def tell(line: dict[str, Any]) -> None:
        os.write(story, json.dumps(line).encode() + b"\n")

    tell({"is": "starting"})
    (folder.path / "starting").unlink(missing_ok=True)
    try:
        _be(folder, order, tell, first=not ran)
    except Exception as error:
        tell({"is": "failed", "reason": f"The host cannot start: {error}"})
        raise


def _be(folder: Folder, order: Order, tell: Tell, *, first: bool) -> None:
    for module in _NEEDED_LATER:
        import_module(module)
    from hastexo_lab.providers.local.shell import Keys

    spec = read_template(order.template)
    names = [host.name for host in spec.hosts]
    adopt_orphans()
    keys = Keys.of(folder.secrets() or _make_secrets(folder))
    prepare(folder.path, names, order)
    # Bound now, while it is allowed, and kept from others; they answer once they listen.
    bound = [_bind(order.address, host.port + order.port_offset) for host in spec.hosts]
    places = confine(folder.path, names, order)
    if first:
        _furnish(spec, places)
    asyncio.run(_live(_Stack(order, spec, keys, places, bound), tell, first=first))


def _make_secrets(folder: Folder) -> dict[str, str]:
    import asyncssh

    # The form that the libssh2 in every guacd reads.
    learner, host = (asyncssh.generate_private_key("ssh-rsa", key_size=2048) for _ in range(2))
    made = {
        "private_key": learner.export_private_key("pkcs1-pem").decode(),
        "host_key": host.export_private_key("pkcs1-pem").decode(),
        "host_public_key": host.export_public_key().decode().strip(),
        # VNC knows eight characters.
        "password": "".join(secrets.choice(_LETTERS) for _ in range(8)),
    }
    write_private(folder.path / "secrets.json", json.dumps(made))
    return made


def _bind(address: str, port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
    except OSError as error:
        raise OSError(f"{address} port {port}: {error.strerror}") from error
    return bound


def _furnish(spec: StackSpec, places: Places) -> None:
    for host in spec.hosts:
        given = {".bashrc": _BASHRC.format(user=USER, host=host.name), ".profile": _PROFILE, **host.files}
        for name, text in given.items():
            path = places.homes / host.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")


class _Stack:
    """All that the hosts of one stack are made of."""

    def __init__(
        self, order: Order, spec: StackSpec, keys: Keys, places: Places, bound: list[socket.socket]
    ) -> None:
        self.order, self.spec, self.keys, self.places, self.bound = order, spec, keys, places, bound

    def env(self, host: HostSpec) -> dict[str, str]:
        return {
            "HOME": str(self.places.homes / host.name),
            "USER": USER,
            "LOGNAME": USER,
            "SHELL": "/bin/bash" if os.access("/bin/bash", os.X_OK) else "/bin/sh",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.places.tmp),
            MARK: self.order.ref,
        }

    async def answer(self, children: Children) -> None:
        """Open the hosts, and stay."""
        from hastexo_lab.providers.local.desktop import Desktop
        from hastexo_lab.providers.local.shell import Shells, serve

        desktops = []
        for host, bound in zip(self.spec.hosts, self.bound, strict=True):
            home, env = self.places.homes / host.name, self.env(host)
            await serve(bound, self.keys, Shells(home, env, children))
            if host.desktop:
                desktop = Desktop(
                    spec=host,
                    address=self.order.address,
                    port_offset=self.order.port_offset,
                    password=self.keys.password,
                    folder=self.places.tmp / f".desktop-{host.name}",
                    home=home,
                    env=env,
                    children=children,
                )
                desktops.append(desktop.run())
        await asyncio.gather(*desktops, asyncio.Event().wait())


async def _live(stack: _Stack, tell: Tell, *, first: bool) -> None:
    from hastexo_lab.providers.local.children import Children

    if first and (reason := await _create(stack.spec, stack.order.timeout_s, tell)):
        tell({"is": "failed", "reason": reason})
        return
    tell({"is": "running"})
    await asyncio.sleep(stack.spec.boot_s)
    await stack.answer(Children())


async def _create(spec: StackSpec, timeout_s: float, tell: Tell) -> str:
    """Let the create take its time. Returns why it failed, or ""."""
    for done in range(len(spec.hosts)):
        tell({"is": "creating", "done": done})
        await asyncio.sleep(min(spec.create_s, timeout_s) / len(spec.hosts))
    if spec.create_s > timeout_s:
        return f"The create timed out after {timeout_s} s."
    if spec.fail == "create":
        return f"The template fails on purpose: {spec.reason or 'it says fail: create'}"
    return ""


if __name__ == "__main__":
    main()
