"""What the host process gives up before it lets anybody in.

As root it takes a uid that no other stack has, no groups, no way back to more rights, and modest limits;
where the kernel allows (CAP_SYS_ADMIN), also a view of its own: its homes at /home, its own /tmp, and an
account `learner`. As anybody else it keeps its uid, and what its learners do, that user does.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from hastexo_lab.providers.local.folder import Order

USER = "learner"
_libc = ctypes.CDLL(None, use_errno=True)
# linux/prctl.h, linux/sched.h, sys/mount.h
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38
_CLONE_NEWNS, _CLONE_NEWUTS = 0x00020000, 0x04000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_GIB = 1 << 30


@dataclass(frozen=True)
class Places:
    """Where the stack's processes find their homes (a folder for each host) and their temporary files."""

    homes: Path
    tmp: Path


def adopt_orphans() -> None:
    """Become the parent of descendants whose own has died."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Be killed when the parent dies. Survives exec, not fork."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def prepare(folder: Path, hosts: list[str], order: Order) -> None:
    """Make what the stack's processes may write to."""
    for part in (Path("tmp"), *(Path("home") / host for host in hosts)):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        if order.uid is not None:
            os.chown(folder / part, order.uid, order.uid)
    (folder / "home").chmod(0o755)


def confine(folder: Path, hosts: list[str], order: Order) -> Places:
    """Give up what a host need not have. Raises PermissionError where the homes would be out of reach."""
    seen = Places(folder / "home", folder / "tmp")
    if order.uid is None:
        _limit(own_uid=False)
        return seen
    if _libc.unshare(_CLONE_NEWNS | _CLONE_NEWUTS) == 0 and _own_mounts():
        seen = _view(folder, hosts, order.uid)
    else:
        _open_path_to(folder)
    _limit(own_uid=True)
    os.setgroups([])
    os.setgid(order.uid)
    os.setuid(order.uid)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return seen


def _own_mounts() -> bool:
    """Whether what we mount is seen by nobody else: not so in a chroot, or where AppArmor forbids it."""
    return bool(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0)


def _view(folder: Path, hosts: list[str], uid: int) -> Places:
    # Held: the folder may itself be below /home or /tmp, and what is mounted there hides it.
    homes, tmp = (os.open(folder / part, os.O_PATH | os.O_CLOEXEC) for part in ("home", "tmp"))
    for name, line in (
        ("passwd", f"{USER}:x:{uid}:{uid}::/home/{hosts[0]}:/bin/bash"),
        ("group", f"{USER}:x:{uid}:"),
    ):
        kept = [entry for entry in Path("/etc", name).read_text().splitlines() if not entry.startswith(f"{USER}:")]
        (folder / name).write_text("\n".join([*kept, line, ""]))
        (folder / name).chmod(0o644)
        _mount(str(folder / name), f"/etc/{name}", _MS_BIND)
    _mount(f"/proc/self/fd/{homes}", "/home", _MS_BIND)
    _mount(f"/proc/self/fd/{tmp}", "/tmp", _MS_BIND)  # noqa: S108
    os.close(homes)
    os.close(tmp)
    if len(hosts) == 1:
        socket.sethostname(hosts[0])
    return Places(Path("/home"), Path("/tmp"))  # noqa: S108


def _mount(source: str, target: str, flags: int) -> None:
    if _libc.mount(source.encode(), target.encode(), None, flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount at {target}")


def _open_path_to(folder: Path) -> None:
    folder.chmod(0o711)
    for parent in folder.parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise PermissionError(
                f'The lab\'s own user cannot enter {parent}: give the local provider another "root".'
            )


def _limit(*, own_uid: bool) -> None:
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_AS, 4 * _GIB),
        (resource.RLIMIT_FSIZE, _GIB),
    ]
    # The kernel counts processes by uid: a limit would hit everything else of the same user.
    limits += [(resource.RLIMIT_NPROC, 256)] if own_uid else []
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))
