"""A MariaDB or a PostgreSQL of one's own: on a free port, in a temporary folder, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_S = 60


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _account(name: str) -> dict[str, object]:
    """Neither server runs as root: its own account then."""
    if os.geteuid():
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "env": {**os.environ, "HOME": "/tmp"}}


def _newest_postgres() -> Path:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def _set_up_mysql(folder: Path, port: int) -> tuple[list[str], str]:
    data = f"--datadir={folder}/data"
    install = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", data]
    subprocess.run(install, check=True, capture_output=True, cwd=folder, **_account("mysql"))
    where = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/socket", f"--pid-file={folder}/pid"]
    return [shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", data, *where], "mysql"


def _set_up_postgres(folder: Path, port: int) -> tuple[list[str], str]:
    programs, data = _newest_postgres(), str(folder / "data")
    initdb = [
        str(programs / "initdb"),
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **_account("postgres"))
    listen = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    return [str(programs / "postgres"), "-D", data, "-p", str(port), "-k", str(folder), *listen], "postgres"


@contextmanager
def running(kind: str, folder: Path) -> Iterator[int]:
    """The port of a `kind` ("mysql" or "postgres") that runs as long as the context."""
    port = _free_port()
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    # pytest's folders belong to root alone: the server's account must get through.
    for parent in folder.parents:
        if parent.owner() == pwd.getpwuid(os.geteuid()).pw_name and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    account = _account(kind)
    if account:
        shutil.chown(folder, kind, kind)
    command, _ = {"mysql": _set_up_mysql, "postgres": _set_up_postgres}[kind](folder, port)
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **account
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, f"the database ended with {process.returncode}"
        assert time.monotonic() < deadline, "the database did not come up"
        time.sleep(0.05)
