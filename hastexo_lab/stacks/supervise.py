"""Keep N stock workers of the task engine running, and see to it that no slot of the bell goes silent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import close_old_connections
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Bell, Stack
from hastexo_lab.stacks.lifeline import die_with_parent
from hastexo_lab.stacks.tasks import QUEUE, reseed

log = logging.getLogger("hastexo_lab.worker")

T = TypeVar("T")

WATCH_EVERY_S = 5.0
PRUNE_EVERY_S = 3600.0
# A tend takes at most 25 s; a worker that is asked to stop finishes the one it has.
STOP_WITHIN_S = 30.0
MAX_RESTART_DELAY_S = 10.0
# A worker that ran this long has not failed at its start.
STARTED_WELL_S = 20.0
# An idle slot shows itself every 20 s, and then has to wait for a tend of another one at most.
HEALTHY_WITHIN_S = 60.0


@dataclass
class Supervisor:
    """N workers, each restarted when it ends, until `stop` is called."""

    workers: int
    backend: str
    poll_s: float = 0.25
    # How many worker processes there are now.
    alive: int = 0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Run until `stop`; afterwards no worker is left."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._keep_one())
            group.create_task(self._watch())
            group.create_task(self._prune())

    def stop(self) -> None:
        """Ask the workers to end; each finishes the round it is in."""
        self._stopping.set()

    async def _pause(self, seconds: float) -> bool:
        """Wait, or less if it is time to stop. True while there is something to go on with."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return True
        return False

    async def _keep_one(self) -> None:
        delay_s = 0.0
        while not self._stopping.is_set():
            name = "w" + secrets.token_hex(6)
            started = asyncio.get_running_loop().time()
            code = await self._run_one(name)
            if self._stopping.is_set():
                return
            log.warning("worker ended name=%s code=%s", name, code)
            await self._take_over_from(name)
            lasted_s = asyncio.get_running_loop().time() - started
            delay_s = 0.0 if lasted_s > STARTED_WELL_S else min(2 * delay_s + 0.5, MAX_RESTART_DELAY_S)
            await self._pause(delay_s)

    async def _run_one(self, name: str) -> int | str:
        """Run a worker to its end. Returns its exit code, or why it could not be started."""
        try:
            process = await self._start(name)
        except OSError as error:
            return f"not started: {error.strerror}"
        self.alive += 1
        stopping = asyncio.create_task(self._stopping.wait())
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return await ended if ended.done() else await _end(process)
        finally:
            self.alive -= 1
            stopping.cancel()
            if process.returncode is None:
                process.kill()

    async def _start(self, name: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "django", "db_worker", "--queue-name", QUEUE, "--no-reload")
        options = ("--interval", str(self.poll_s), "--backend", self.backend, "--worker-id", name, "-v", "0")
        env = {**os.environ, "HASTEXO_LAB_WORKER": name, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # A session of its own: Ctrl-C reaches the supervisor only, which ends its workers in order.
        return await asyncio.create_subprocess_exec(
            *command,
            *options,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    async def _take_over_from(self, name: str) -> None:
        """What a dead worker held is free at once, and somebody looks at it."""

        def take_over() -> None:
            Stack.objects.release(name)
            reseed(force=True)

        while not await _done(take_over, f"take over from {name}"):
            if not await self._pause(WATCH_EVERY_S):
                return

    async def _watch(self) -> None:
        """See to it that no slot goes silent. At the start nobody knows what was killed before."""
        begin = partial(reseed, force=True)
        while not await _done(begin, "ring the bell") and await self._pause(WATCH_EVERY_S):
            pass
        while await self._pause(WATCH_EVERY_S):
            await _done(reseed, "ring lost tends")

    async def _prune(self) -> None:
        """The engine keeps a row for each task that has run: let go of those of the last hours."""
        options = (f"--queue-name={QUEUE}", f"--backend={self.backend}", "--min-age-days=1", "-v0")
        while await self._pause(WATCH_EVERY_S):
            await _done(lambda: call_command("prune_db_task_results", *options), "prune old task results")
            if not await self._pause(PRUNE_EVERY_S):
                return


async def _done(work: Callable[[], object], what: str) -> bool:
    """Do it on the database. A failure is logged; the caller tries again later."""
    try:
        await on_database(work)
    except Exception:
        log.exception("could not %s", what)
        return False
    return True


@sync_to_async
def on_database(work: Callable[[], T]) -> T:
    """Do it with a connection that works, as far as one is to be had: this process lives on when one breaks."""
    close_old_connections()
    return work()


async def _end(process: asyncio.subprocess.Process) -> int:
    with contextlib.suppress(ProcessLookupError):
        if process.stdin:
            process.stdin.close()
        process.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()


def tending() -> bool:
    """True while labs are tended, by a worker of any machine: each slot serves all. Raises django.db.Error."""
    since = timezone.now() - timedelta(seconds=HEALTHY_WITHIN_S)
    return Bell.objects.filter(slot__lt=lab_settings().worker_slots, heartbeat_at__gte=since).exists()
