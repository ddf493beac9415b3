"""What the local provider needs of this machine: programs, loopback addresses, folders, a host process."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from hastexo_lab.providers.base import Transient
from hastexo_lab.providers.local.folder import Folder, Order
from hastexo_lab.providers.local.processes import MARK
from hastexo_lab.providers.local.template import StackSpec


def find_program(name: str) -> str | None:
    """Where a program is, also one for administrators."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def missing_programs(desktop: str) -> list[str]:
    """Which programs a desktop of this kind ("vnc", "rdp", "both" or "") needs and this machine lacks."""
    needed = ["Xvnc", "openbox", "xterm", *(["xrdp"] if desktop in ("rdp", "both") else [])] if desktop else []
    return [program for program in needed if not find_program(program)]


def is_free(address: ipaddress.IPv4Address, spec: StackSpec, offset: int) -> bool:
    """Whether nothing holds one of the template's ports on the address."""
    for port in spec.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((str(address), port + offset))
            except OSError:
                return False
    return True


def own_folder(root: Path) -> None:
    """Make the root, ours alone. Raises Transient where somebody else got there first."""
    root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    if root.stat().st_uid != os.geteuid():
        raise Transient(f'The folder {root} belongs to another user: give the local provider another "root".')


async def start(folder: Folder, order: Order) -> None:
    """Start the stack's host process. It goes on when this process ends."""
    (folder.path / "starting").touch()
    starter = _spawn(folder.path, order)
    # It forks and ends: the host process is no child of ours.
    while starter.poll() is None:
        await asyncio.sleep(0.005)


def _spawn(path: Path, order: Order) -> subprocess.Popen[bytes]:
    # Nothing else of our environment: it may hold a cloud's password.
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(path),  # asyncssh wants one, and our uid may have none
        MARK: order.ref,
    }
    env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    log = os.open(path / "host.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "hastexo_lab.providers.local.host", str(path)],
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def remove(path: Path) -> None:
    """Remove a folder, even where a learner took their own rights to it away."""

    def allow(function: Any, target: str, _: Any) -> None:
        os.chmod(os.path.dirname(target), 0o700)
        if os.path.isdir(target) and not os.path.islink(target):
            os.chmod(target, 0o700)
            shutil.rmtree(target, ignore_errors=True)
        else:
            os.unlink(target)

    shutil.rmtree(path, onerror=allow)
