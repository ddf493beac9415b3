"""A supervised process does not outlive its supervisor. No Django here."""

import ctypes
import os
import select
import signal
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """For `preexec_fn`: a process whose supervisor is killed does not outlive it (prctl(2); Linux only)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def told_to_end() -> bool:
    """For a worker of `lab_worker`: whether the supervisor has let go of the worker's standard input.

    A stock worker ends after the task that it has; this lets the task itself know.
    """
    if "HASTEXO_LAB_WORKER" not in os.environ:
        return False
    readable, _, _ = select.select([0], [], [], 0)
    return bool(readable)
