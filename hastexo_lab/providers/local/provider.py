"""LocalProvider: orders for stacks on this machine, from any process with the same root."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml

from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudStack,
    CloudState,
    Launch,
    Lost,
    Outputs,
    Progress,
    ProviderError,
    ProviderFull,
    Transient,
)
from hastexo_lab.providers.local.folder import Folder, Order, holding
from hastexo_lab.providers.local.machine import is_free, missing_programs, own_folder, remove, start
from hastexo_lab.providers.local.template import StackSpec, read_template

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}", re.ASCII)
# Above every range that systemd and container tools hand out (systemd's UIDS-GIDS); the address is added.
_FIRST_UID = 1_900_000_000
# Where port 22 cannot be had (only root may, and a server of the machine's own may hold it on all addresses),
# each port of the template is this much higher.
_PORT_OFFSET = 20_000
_ADDRESSES = 250
_KILLED = "Its host process has died; waking it starts it again with the same homes and keys."


class LocalProvider:
    """Stacks as processes of this machine, for a workbench: run by an ordinary user, labs are that user.

    `config`: {"type": "local", "root": folder for all state (default: one per user in the temporary folder),
    "first_address": the first of the stacks' loopback addresses (default: chosen by the root, so that two
    workbenches do not meet)}.
    """

    def __init__(self, name: str, config: dict[str, Any], *, site: str) -> None:
        self.name = name
        self._site = site
        root = config.get("root") or Path(tempfile.gettempdir()) / f"hastexo-lab-{os.geteuid()}"
        self._root = Path(root).absolute()
        self._first = _first_address(name, config, self._root)

    async def create(self, launch: Launch) -> str:
        """As Provider.create. The environment and the parameters are for clouds: this template has none."""
        if not _NAME.fullmatch(launch.name):
            raise AuthorMistake("A stack's name has 1 to 255 letters, digits, '_', '.' and '-', a letter first.")
        spec = self._checked(launch.template)
        own_folder(self._root)
        async with _sorted_errors(launch.name), holding(self._root / "lock"):
            folder = Folder(self._root / launch.name)
            order = folder.order()
            if order is None:
                order = self._write(folder, launch, spec)
            elif (order.tags, order.site) != (launch.tags, self._site):
                raise AuthorMistake(f'A stack named "{launch.name}" is somebody else\'s: it has other tags.')
            if folder.host() is None and not folder.story():
                await start(folder, order)
        return order.ref

    async def observe(self, ref: str) -> CloudStack:
        """As Provider.observe."""
        name, _, key = ref.partition(":")
        order = self._folder(name).order()
        if order is None or order.key != key:
            return CloudStack(ref=ref, name=name, state=CloudState.ABSENT)
        state, reason = _state(self._folder(name), order)
        return CloudStack(ref=ref, name=name, state=state, reason=reason, tags=order.tags)

    async def observe_all(self) -> dict[str, CloudStack]:
        """As Provider.observe_all."""
        orders = [folder.order() for folder in self._folders()]
        refs = [order.ref for order in orders if order and order.site == self._site]
        found = [await self.observe(ref) for ref in refs]
        return {stack.ref: stack for stack in found if stack.state != CloudState.ABSENT}

    async def suspend(self, ref: str) -> None:
        """As Provider.suspend: every process of the stack is stopped (SIGSTOP).

        The kernel still takes connections to its ports, but nobody answers: no SSH banner comes.
        """
        folder, order = self._known(ref)
        async with _sorted_errors(ref), holding(folder.path / "orders"):
            host = folder.host()
            if host is None:
                raise Transient("The stack is not running, so it cannot be suspended.")
            if host.stopped:
                return
            spec = read_template(order.template)
            if spec.fail == "suspend":
                folder.set_mark(CloudState.SUSPEND_FAILED, _on_purpose(spec))
                return
            if folder.paused() is None:
                folder.set_paused(order.family.already_stopped(host))
            await order.family.stop(host)

    async def resume(self, ref: str) -> None:
        """As Provider.resume. A stack whose processes have died starts again with the same homes and keys."""
        folder, order = self._known(ref)
        async with _sorted_errors(ref), holding(folder.path / "orders"):
            spec = read_template(order.template)
            if spec.fail == "resume":
                folder.set_mark(CloudState.RESUME_FAILED, _on_purpose(spec))
                return
            folder.clear_mark()
            if host := folder.host():
                if host.stopped:
                    await order.family.go_on(host, folder.paused() or [])
            elif not _ran(folder):
                raise Transient("The stack was never created, so it cannot be resumed.")
            else:
                await order.family.kill(None)
                await start(folder, order)
            folder.clear_paused()

    async def delete(self, ref: str) -> None:
        """As Provider.delete: no process and no file is left."""
        name, _, key = ref.partition(":")
        folder = self._folder(name)
        order = folder.order()
        if order is not None and order.key == key:
            await self._delete(folder, order)

    async def outputs(self, ref: str) -> Outputs:
        """As Provider.outputs. `host_keys` are lines of a known_hosts file."""
        folder, order = self._known(ref)
        spec, known = read_template(order.template), folder.secrets()
        _refuse_hidden(spec)
        if not _ran(folder) or not known:
            raise Transient("The stack is not running yet.")
        return Outputs(
            address=order.address,
            port_offset=order.port_offset,
            secrets={"private_key": known["private_key"], "password": known["password"]},
            host_keys=_known_hosts(order, spec, known["host_public_key"]),
        )

    async def progress(self, ref: str) -> Progress:
        """As Provider.progress; the resources are the hosts."""
        folder, order = self._known(ref)
        total, story = len(read_template(order.template).hosts), folder.story()
        if _ran(folder):
            return Progress(done=total, total=total)
        return Progress(done=max((line.get("done", 0) for line in story), default=0), total=total)

    async def check(self, template: str, environment: str) -> None:
        """As Provider.check."""
        _refuse_hidden(self._checked(template))
        try:
            given = yaml.safe_load(environment) if environment.strip() else {}
        except yaml.YAMLError:
            given = None
        if not isinstance(given, dict):
            raise AuthorMistake("The environment is not a YAML mapping: give one, or leave it empty.")

    def failure_kind(self, reason: str) -> type[ProviderError]:
        """Whose fault a failed stack's reason tells of."""
        return AuthorMistake if reason.startswith("The template") else Transient

    async def close(self) -> None:
        """As Provider.close. The stacks live on."""

    async def destroy_all(self) -> int:
        """Delete every stack below the root, whoever ordered it. Returns how many there were."""
        count = 0
        if not self._root.is_dir():
            return count
        async with holding(self._root / "lock"):
            for folder in self._folders():
                if order := folder.order():
                    await self._delete(folder, order)
                    count += 1
            for left in self._root.glob(".*-*"):
                remove(left)
        return count

    def _checked(self, template: str) -> StackSpec:
        spec = read_template(template)
        for host in spec.hosts:
            if missing := missing_programs(host.desktop):
                raise AuthorMistake(
                    f'The template asks for a desktop on "{host.name}", and this machine lacks '
                    f"{', '.join(missing)}: run `workbench/system-packages hosts`."
                )
        return spec

    def _folder(self, name: str) -> Folder:
        return Folder(self._root / (name if _NAME.fullmatch(name) else ".none"))

    def _folders(self) -> list[Folder]:
        if not self._root.is_dir():
            return []
        return [
            Folder(path) for path in sorted(self._root.iterdir()) if path.is_dir() and _NAME.fullmatch(path.name)
        ]

    def _known(self, ref: str) -> tuple[Folder, Order]:
        name, _, key = ref.partition(":")
        folder = self._folder(name)
        order = folder.order()
        if order is None or order.key != key:
            raise Lost(f'There is no stack "{ref}".')
        return folder, order

    def _write(self, folder: Folder, launch: Launch, spec: StackSpec) -> Order:
        """Let the folder appear, whole. The caller holds the root's lock."""
        address, port_offset = self._free_address(spec)
        order = Order(
            name=launch.name,
            key=secrets.token_hex(4),
            site=self._site,
            tags=launch.tags,
            template=launch.template,
            timeout_s=launch.timeout_s,
            address=str(address),
            port_offset=port_offset,
            uid=_FIRST_UID + int(address) % (1 << 24) if os.geteuid() == 0 else None,
        )
        new = Folder(Path(tempfile.mkdtemp(prefix=".new-", dir=self._root)))
        new.write_order(order)
        # A creator that is killed between here and the start leaves a stack that the next call starts.
        (new.path / "starting").touch()
        new.path.rename(folder.path)
        return order

    def _free_address(self, spec: StackSpec) -> tuple[ipaddress.IPv4Address, int]:
        """An address, and the offset at which the template's ports are free there."""
        taken = {order.address for order in (folder.order() for folder in self._folders()) if order}
        free = [self._first + n for n in range(_ADDRESSES) if str(self._first + n) not in taken]
        for offset in (0, _PORT_OFFSET) if os.geteuid() == 0 else (_PORT_OFFSET,):
            for address in free:
                if is_free(address, spec, offset):
                    return address, offset
        raise ProviderFull(f"All {_ADDRESSES} loopback addresses from {self._first} are taken.")

    async def _delete(self, folder: Folder, order: Order) -> None:
        # Lost: somebody else was faster.
        with contextlib.suppress(Lost):
            async with _sorted_errors(order.ref), holding(folder.path / "orders"):
                if folder.order() != order:
                    return
                folder.set_mark(CloudState.DELETING, "")

                async def kill() -> None:
                    await order.family.kill(folder.host())

                await kill()
                # A host process may just have started; while we hold its lock no other can.
                async with holding(folder.path / "lock", each_time=kill):
                    await kill()
                    remove(folder.path.rename(self._root / f".gone-{order.key}"))


@contextlib.asynccontextmanager
async def _sorted_errors(ref: str) -> AsyncIterator[None]:
    """What the file system says, as a provider says it."""
    try:
        yield
    except FileNotFoundError:
        raise Lost(f'There is no stack "{ref}".') from None
    except OSError as error:
        raise Transient(f'The local provider cannot do that to "{ref}": {error.strerror}.') from error


def _refuse_hidden(spec: StackSpec) -> None:
    if not spec.public_ip:
        raise AuthorMistake('The template gives no output "public_ip": remove "public_ip: false" from it.')


def _state(folder: Folder, order: Order) -> tuple[CloudState, str]:
    mark, host, story = folder.mark(), folder.host(), folder.story()
    if mark:
        return _marked(folder, mark)
    ran = _ran(folder)
    last = story[-1] if story else {"is": "starting"}
    coming, broken = (
        (CloudState.RESUMING, CloudState.RESUME_FAILED) if ran else (CloudState.CREATING, CloudState.CREATE_FAILED)
    )
    if last["is"] == "failed" and not folder.fresh("starting"):
        return broken, last["reason"]
    if host and host.stopped:
        return CloudState.SUSPENDED, ""
    if host:
        return (CloudState.RUNNING if last["is"] == "running" else coming), ""
    return (coming, "") if folder.fresh("starting") else (broken, _KILLED)


def _marked(folder: Folder, mark: dict[str, str]) -> tuple[CloudState, str]:
    if mark["state"] == CloudState.DELETING and not folder.fresh("mark"):
        return CloudState.DELETE_FAILED, "The deletion was interrupted: order it again."
    return CloudState(mark["state"]), mark["reason"]


def _ran(folder: Folder) -> bool:
    return any(line["is"] == "running" for line in folder.story())


def _on_purpose(spec: StackSpec) -> str:
    return f"It fails on purpose: {spec.reason or f'the template says fail: {spec.fail}'}"


def _known_hosts(order: Order, spec: StackSpec, key: str) -> str:
    ports = [host.port + order.port_offset for host in spec.hosts]
    return "".join(f"{order.address if port == 22 else f'[{order.address}]:{port}'} {key}\n" for port in ports)


def _first_address(name: str, config: dict[str, Any], root: Path) -> ipaddress.IPv4Address:
    from hastexo_lab.providers import ProviderMisconfigured

    if unknown := set(config) - {"type", "root", "first_address"}:
        raise ProviderMisconfigured(f'Provider "{name}" has unknown settings: {", ".join(sorted(unknown))}.')
    digest = hashlib.sha256(os.fsencode(root)).digest()
    given = config.get("first_address") or f"127.{10 + digest[0] % 240}.{digest[1]}.1"
    try:
        address = ipaddress.IPv4Address(given)
    except ValueError:
        address = ipaddress.IPv4Address(0)
    if (
        not address.is_loopback
        or not (address + _ADDRESSES).is_loopback
        or address == ipaddress.IPv4Address("127.0.0.1")
    ):
        raise ProviderMisconfigured(
            f'Provider "{name}": "first_address" is {given!r}; give a loopback address such as 127.10.0.1.'
        )
    return address
