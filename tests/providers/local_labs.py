"""A local stack and what a test does with it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from hastexo_lab.providers.base import CloudState, Launch, Outputs
from hastexo_lab.providers.local import LocalProvider
from hastexo_lab.providers.local.folder import Folder

WEB = "hosts: [{name: web}]"


async def becomes(condition: Callable[[], Any], within_s: float = 60, every_s: float = 0.01) -> Any:
    """What `condition()` gives, as soon as it is true."""
    ends = time.monotonic() + within_s
    while not (met := condition()):
        assert time.monotonic() < ends, f"not met within {within_s} s"
        await asyncio.sleep(every_s)
    return met


@dataclass
class Lab:
    """One stack."""

    provider: LocalProvider
    root: Path
    name: str
    ref: str

    @classmethod
    async def create(cls, root: Path, name: str = "lab", template: str = WEB) -> Lab:
        provider = LocalProvider("here", {"type": "local", "root": str(root)}, site="test")
        return cls(provider, root, name, await provider.create(Launch(name=name, template=template)))

    @property
    def folder(self) -> Folder:
        return Folder(self.root / self.name)

    def home(self, host: str = "web") -> Path:
        return self.folder.path / "home" / host

    async def state(self) -> CloudState:
        return (await self.provider.observe(self.ref)).state

    async def until(self, *states: CloudState, within_s: float = 60) -> None:
        ends = time.monotonic() + within_s
        while (seen := await self.provider.observe(self.ref)).state not in states:
            assert time.monotonic() < ends, seen
            assert seen.state != CloudState.CREATE_FAILED, seen
            await asyncio.sleep(0.01)

    async def outputs(self) -> Outputs:
        await self.until(CloudState.RUNNING, CloudState.SUSPEND_FAILED)
        return await self.provider.outputs(self.ref)

    async def ssh(self, port: int = 22, user: str = "training", **options: Any) -> asyncssh.SSHClientConnection:
        """A connection, as soon as the host answers; its host key is checked."""
        told = await self.outputs()
        credentials = options or {"client_keys": [asyncssh.import_private_key(told.secrets["private_key"])]}
        ends = time.monotonic() + 20
        while True:
            try:
                return await asyncssh.connect(
                    told.address,
                    port + told.port_offset,
                    username=user,
                    known_hosts=asyncssh.import_known_hosts(told.host_keys),
                    config=None,
                    **credentials,
                )
            except ConnectionRefusedError:
                assert time.monotonic() < ends
                await asyncio.sleep(0.01)

    async def answers(self, port: int) -> None:
        """Something listens on a port of the template."""
        told = await self.outputs()

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex((told.address, port + told.port_offset)) == 0

        await becomes(listens)

    async def run(self, command: str, **options: Any) -> str:
        """What a command prints on the host."""
        async with await self.ssh(**options) as connection:
            return str((await connection.run(command, check=True)).stdout)


@pytest.fixture
async def new_lab(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Lab]]]:
    """`await new_lab(name="lab", template=WEB)`: a stack in a root of the test's own."""
    root = tmp_path / "stacks"

    async def create(name: str = "lab", template: str = WEB) -> Lab:
        return await Lab.create(root, name, template)

    yield create
    await LocalProvider("here", {"type": "local", "root": str(root)}, site="test").destroy_all()
    assert not strays(root)


def strays(root: Path) -> list[int]:
    """Processes that still carry the mark of a root: host processes, by their command line."""
    lines = {entry: _command_line(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal()}
    return [int(entry.name) for entry, line in lines.items() if f"{root}/" in line]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""
