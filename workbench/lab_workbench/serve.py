"""`workbench/run` ends up here: guacd, gateway with pages, and worker in one command, and no trace afterwards."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from hastexo_lab.stacks.lifeline import die_with_parent

HERE = Path(__file__).parent.parent
READY_WITHIN_S = 60
STOP_WITHIN_S = 35
GONE_WITHIN_S = 180
RESTART_AFTER_S = 0.5


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(given: str) -> int:
        if not (given.isdecimal() and least <= int(given) <= most):
            raise argparse.ArgumentTypeError(f"{given} is not a number from {least} to {most}")
        return int(given)

    return number


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workbench/run", description="Serve the workbench until Ctrl-C.")
    parser.add_argument("--port", type=_number(0, 65535), default=8000, help="default: 8000; 0 = any free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--provider", choices=["local", "heat"], default="local", help="where labs run (default: local)"
    )
    parser.add_argument(
        "--server", choices=["uvicorn", "daphne"], default="uvicorn", help="the ASGI server (default: uvicorn)"
    )
    parser.add_argument(
        "--workers", type=_number(1, 64), default=2, help="how many processes tend labs (default: 2)"
    )
    parser.add_argument("--course", help="folder of your own labs: *.xml (OLX) and the files they name")
    parser.add_argument(
        "--var", default=str(HERE / "var"), help="folder of everything that is written (default: workbench/var)"
    )
    return parser.parse_args()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(_family(host)) as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


def _check_port(host: str, port: int) -> None:
    with socket.socket(_family(host)) as wanted:
        wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            wanted.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                sys.exit(f"--host {host} is no address of this machine ({error.strerror}).")
            sys.exit(f"Port {port} of {host} cannot be used ({error.strerror}): choose another with --port.")


def _check_cloud() -> None:
    if not any(name in os.environ for name in ("OS_AUTH_URL", "OS_CLOUD")):
        sys.exit("--provider heat needs a cloud: set OS_CLOUD (a name in clouds.yaml) or the OS_* variables.")


def _hold(var: Path) -> None:
    """Make the folder, and have it alone: at its end a workbench deletes all stacks that it finds there."""
    try:
        var.mkdir(parents=True, exist_ok=True)
        # Open, and so held, until this process ends.
        held = os.open(var / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        sys.exit(f"{var} cannot be written to ({error.strerror}): choose another folder with --var.")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Another workbench uses {var}: end it, or choose another folder with --var.")


class Workbench:
    """The processes of one workbench."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.port = options.port or _free_port(options.host)
        self.guacd_port, self.health_port = _free_port(), _free_port()
        self.stopping = asyncio.Event()
        shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)
        shown = f"[{shown}]" if ":" in shown else shown
        self.url = f"http://{shown}:{self.port}/"

    async def run(self) -> int:
        """Serve until stopped. Returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        await self._once("migrate", "--run-syncdb", "--verbosity", "0")
        kept = [asyncio.create_task(self._keep(command, role)) for role, command in self._commands().items()]
        try:
            if not await self._ready():
                return 0 if self.stopping.is_set() else 1
            print(f"Workbench ready at {self.url}", flush=True)
            await self.stopping.wait()
        finally:
            self.stopping.set()
            await asyncio.gather(*kept)
            await self._clear()
        return 0

    def _commands(self) -> dict[str, list[str]]:
        commands = {
            "worker": [
                sys.executable,
                str(HERE / "manage.py"),
                "lab_worker",
                "--workers",
                str(self.options.workers),
                "--health-port",
                str(self.health_port),
            ],
            "web": self._web(),
        }
        if guacd := shutil.which("guacd"):
            commands["guacd"] = [guacd, "-b", "127.0.0.1", "-l", str(self.guacd_port), "-f", "-L", "warning"]
        else:
            print(
                "guacd is not here (as root run workbench/system-packages guacd): terminals open, desktops do not."
            )
        return commands

    def _web(self) -> list[str]:
        host, port, app = self.options.host, str(self.port), "lab_workbench.asgi:application"
        if self.options.server == "daphne":
            return [sys.executable, "-m", "daphne", "-b", host, "-p", port, "-v", "0", app]
        quiet = ["--no-access-log", "--log-level", "warning", "--ws-per-message-deflate", "false"]
        stop = ["--timeout-graceful-shutdown", "5"]
        return [sys.executable, "-m", "uvicorn", app, "--host", host, "--port", port, *quiet, *stop]

    def _environment(self, role: str) -> dict[str, str]:
        paths = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "lab_workbench.settings",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "LAB_WORKBENCH_VAR": self.options.var,
            "LAB_WORKBENCH_PROVIDER": self.options.provider,
            "LAB_WORKBENCH_GUACD": str(self.guacd_port),
            "LAB_WORKBENCH_ROLE": role,
            **({"LAB_WORKBENCH_COURSE": str(Path(self.options.course).resolve())} if self.options.course else {}),
        }

    async def _start(self, command: list[str], role: str) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C reaches this process only, which ends the others in order.
        return await asyncio.create_subprocess_exec(
            *command, env=self._environment(role), start_new_session=True, preexec_fn=die_with_parent
        )

    async def _once(self, *command: str) -> None:
        process = await self._start([sys.executable, str(HERE / "manage.py"), *command], "worker")
        if await process.wait():
            sys.exit(f"manage.py {command[0]} failed: its words are above.")

    async def _keep(self, command: list[str], role: str) -> None:
        """Keep one process running until it is time to stop."""
        stopping = asyncio.create_task(self.stopping.wait())
        while not self.stopping.is_set():
            process = await self._start(command, role)
            ended = asyncio.create_task(process.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self.stopping.is_set():
                await self._end(process)
            else:
                print(f"{role} ended with {ended.result()}: starting it again.", file=sys.stderr, flush=True)
                await asyncio.sleep(RESTART_AFTER_S)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _ready(self) -> bool:
        """Pages are served, the gateway answers and labs are tended."""
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        while not self.stopping.is_set():
            if await asyncio.to_thread(self._answers):
                return True
            if asyncio.get_running_loop().time() > deadline:
                print(f"The workbench did not answer within {READY_WITHIN_S} s.", file=sys.stderr)
                return False
            await asyncio.sleep(0.1)
        return False

    def _answers(self) -> bool:
        try:
            worker = f"http://127.0.0.1:{self.health_port}/"
            for address in (self.url + "ready", self.url + "hastexo-lab/health", worker):
                with urllib.request.urlopen(address, timeout=10) as answer:
                    if answer.status != 200:
                        return False
        except OSError:
            return False
        return True

    async def _clear(self) -> None:
        """No stack is left running."""
        process = await self._start([sys.executable, str(HERE / "manage.py"), "clear_labs"], "worker")
        try:
            async with asyncio.timeout(GONE_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            print("Some stacks could not be deleted: look for those named hl-wb-… in your cloud.", file=sys.stderr)


def main() -> int:
    """Check what can be checked, then serve."""
    options = _options()
    _check_port(options.host, options.port)
    if options.provider == "heat":
        _check_cloud()
    if options.course and not Path(options.course).is_dir():
        sys.exit(f"--course {options.course} is not a folder.")
    _hold(Path(options.var))
    return asyncio.run(Workbench(options).run())


if __name__ == "__main__":
    sys.exit(main())
