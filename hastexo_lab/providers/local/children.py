"""The host process's children: started in sessions of their own, dead when it dies, all of them reaped."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

from hastexo_lab.providers.local.confine import die_with_parent
from hastexo_lab.providers.local.processes import everything_dead


class Children:
    """Starts children, and buries adopted orphans (this process is a subreaper)."""

    def __init__(self) -> None:
        self._own: set[int] = set()
        loop = asyncio.get_running_loop()
        if sys.version_info < (3, 12):
            # The default watcher of Python 3.11 starts a thread a child.
            watcher = asyncio.PidfdChildWatcher()
            watcher.attach_loop(loop)
            asyncio.set_child_watcher(watcher)
        # A moment later: by then a child that died at once is known as ours.
        loop.add_signal_handler(signal.SIGCHLD, lambda: loop.call_later(1, self._bury))

    async def start(
        self,
        argv: Sequence[str],
        *,
        env: dict[str, str],
        cwd: Path,
        stdin: int,
        stdout: int,
        stderr: int,
        terminal: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> Process:
        """Start a child; with `terminal`, its stdin becomes its controlling terminal. Raises OSError."""
        child = await asyncio.create_subprocess_exec(
            *argv,
            env=env,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_in_terminal if terminal else die_with_parent,
            pass_fds=pass_fds,
        )
        self._own.add(child.pid)
        return child

    async def ended(self, child: Process) -> int:
        """The child's exit code, once it has ended."""
        code = await child.wait()
        self._own.discard(child.pid)
        return code

    def _bury(self) -> None:
        for pid in everything_dead(os.getpid()) - self._own:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _in_terminal() -> None:
    die_with_parent()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
