"""A real sshd whose only command is a script of the benchmark's."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Skipped
from tests.gateway.fixtures import free_port, running

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
PrintMotd no
MaxStartups 1000
PubkeyAcceptedAlgorithms +ssh-rsa
HostKeyAlgorithms +ssh-rsa
ForceCommand exec sh {script}
"""


@dataclass(frozen=True)
class Sshd:
    """Where it is, and what opens it: an RSA key in PEM, which guacd 1.3 and paramiko read as well."""

    port: int
    user: str
    key: Path
    host_key: Path


@contextlib.contextmanager
def running_sshd(folder: Path, command: str) -> Iterator[Sshd]:
    """It runs `command`, a shell script, for everybody. Raises Skipped."""
    server = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if server is None:
        raise Skipped("sshd is not installed (Debian's openssh-server)")
    key, host_key = folder / "key", folder / "host"
    for path in (key, host_key):
        if not path.exists():
            options = ["-t", "rsa", "-b", "2048", "-m", "PEM"]
            subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(path), *options], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    config = folder / f"sshd-{port}"
    script = folder / f"script-{port}"
    script.write_text(command)
    config.write_text(CONFIG.format(port=port, folder=folder, script=script))
    with running([server, "-D", "-e", "-f", str(config)], port, folder / f"sshd-{port}.log"):
        yield Sshd(port, getpass.getuser(), key, host_key)
