"""`manage.py lab_worker`: the process that makes wishes come true. Run as many as you like, on as many machines."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

from asgiref.sync import sync_to_async
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from hastexo_lab.conf import lab_settings
from hastexo_lab.stacks.supervise import Supervisor, healthy

REQUEST_LIMIT = 4096


class Command(BaseCommand):
    """Supervise the workers until SIGTERM or SIGINT."""

    help = "Launch, wake, suspend and delete the stacks of labs."

    def add_arguments(self, parser: CommandParser) -> None:
        """The command's options."""
        slots = lab_settings().worker_slots
        parser.add_argument("--workers", type=int, default=slots, help=f"How many processes (default: {slots}).")
        parser.add_argument(
            "--health-port", type=int, default=0, help="Answer GET / there: 200 or 503. 0 = do not."
        )
        parser.add_argument("--health-host", default="127.0.0.1", help="Where the health probe listens.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["workers"] < 1:
            raise CommandError(f"--workers is {options['workers']}; give 1 or more.")
        asyncio.run(self._run(options))

    async def _run(self, options: dict[str, Any]) -> None:
        supervisor = Supervisor(options["workers"], lab_settings().task_backend)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        server = None
        if options["health_port"]:
            server = await asyncio.start_server(
                _answer_health, options["health_host"], options["health_port"], limit=REQUEST_LIMIT
            )
        try:
            await supervisor.run()
        finally:
            if server:
                server.close()


async def _answer_health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
            try:
                well = await sync_to_async(healthy)()
                said = "tending" if well else "not tending"
            except DatabaseError:
                well, said = False, "the database does not answer"
            body = json.dumps({"status": "ok" if well else "failing", "detail": said})
            status = "200 OK" if well else "503 Service Unavailable"
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n{body}".encode())
            await writer.drain()
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()
