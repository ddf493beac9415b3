"""`manage.py lab_worker`: the process that makes wishes come true. Run as many as you like, on as many machines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from hastexo_lab.conf import lab_settings
from hastexo_lab.stacks.supervise import Supervisor, on_database, tending

log = logging.getLogger("hastexo_lab.worker")

REQUEST_LIMIT = 4096
ASK_WITHIN_S, DATABASE_WITHIN_S = 5.0, 5.0
KEEP_CONNECTION_S = 60


class Command(BaseCommand):
    """Supervise the workers until SIGTERM or SIGINT."""

    help = "Launch, wake, suspend and delete the stacks of labs."

    def add_arguments(self, parser: CommandParser) -> None:
        """The command's options."""
        parser.add_argument("--workers", type=int, help="How many processes (default: the setting worker_slots).")
        parser.add_argument(
            "--health-port", type=int, default=0, help="Answer GET / there: 200 or 503. 0 = do not."
        )
        parser.add_argument("--health-host", default="127.0.0.1", help="Where the health probe listens.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["workers"] is None:
            options["workers"] = lab_settings().worker_slots
        if options["workers"] < 1:
            raise CommandError(f"--workers is {options['workers']}; give 1 or more.")
        kept_s = connection.settings_dict["CONN_MAX_AGE"]
        if kept_s is not None and kept_s < KEEP_CONNECTION_S:
            log.warning("the task engine is slow: set the database's CONN_MAX_AGE to %s or more", KEEP_CONNECTION_S)
        asyncio.run(self._run(options))

    async def _run(self, options: dict[str, Any]) -> None:
        supervisor = Supervisor(options["workers"], lab_settings().task_backend)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        server = await _serve_health(supervisor, options["health_host"], options["health_port"])
        try:
            await supervisor.run()
        finally:
            if server:
                server.close()


async def _serve_health(supervisor: Supervisor, host: str, port: int) -> asyncio.Server | None:
    if not port:
        return None

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(ASK_WITHIN_S):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(await _trouble(supervisor)))
            await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(answer, host, port, limit=REQUEST_LIMIT)
    except OSError as error:
        raise CommandError(f"--health-port {port} of {host} cannot be used: {error.strerror}.") from error


async def _trouble(supervisor: Supervisor) -> str:
    """What keeps labs from being tended, "" = nothing."""
    if not supervisor.alive:
        return "no worker process is running here"
    try:
        async with asyncio.timeout(DATABASE_WITHIN_S):
            return "" if await on_database(tending) else "no worker has tended labs lately"
    except (DatabaseError, TimeoutError):
        return "the database does not answer"


def _response(trouble: str) -> bytes:
    body = json.dumps({"status": "failing" if trouble else "ok", "detail": trouble or "tending"})
    status = "503 Service Unavailable" if trouble else "200 OK"
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n{body}".encode()
