"""The door `shell`: a login shell over SSH, for the page's own terminal.

    page    {"type": "connect", "session"?: id, "received"?: n, "cols": n, "rows": n}
    gateway {"type": "ready", "session": id, "hold": s, "resumed": bool, "taken": n},
            then binary messages: the terminal's output, cut anywhere
    page    binary messages: input; {"type": "size", "cols": n, "rows": n};
            {"type": "credit", "bytes": drawn in all};
            {"type": "ping"} every 10 s, answered by {"type": "pong", "taken": n}
    gateway {"type": "size", "cols": n, "rows": n}: to those who look in, the size of what they see
    gateway {"type": "error", "code": word, "status": Guacamole status, "text": sentence}, then the close

Output is numbered from the session's beginning. None is lost: what is not drawn is kept, up to a window, and beyond
that the lab waits; so a page that comes back goes on at the byte where it was.

Who looks in sees the learner's own terminal, beginning with its recent output, in the learner's size. Nobody waits
for them: who falls behind begins anew.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import asyncssh
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Hub
from hastexo_lab.gateway.places import Place
from hastexo_lab.gateway.sessions import Session, StreamDoor, logger
from hastexo_lab.gateway.socket import MESSAGE, Socket, whole
from hastexo_lab.gateway.terminal import WINDOW, Terminal, open_terminal
from hastexo_lab.models import HostKey
from hastexo_lab.remote import ssh

# xterm.js draws by timers, and a browser runs those of a hidden page once a minute.
STALLED_S = 90.0
UNWRITTEN = 4 * 1024 * 1024  # of input that the lab does not take: beyond, somebody pastes a file
PIN_CHARS = 255  # of HostKey.place
RESET = b"\x1bc"  # RIS: what was drawn so far is forgotten

_OF_SSH = {
    ssh.Unreachable: "lab-unreachable",
    ssh.NotUnderstood: "lab-unreachable",
    ssh.LoginRefused: "lab-login",
    ssh.HostKeyDiffers: "host-key",
}


def size_of(told: dict[str, Any]) -> tuple[int, int]:
    """Columns and rows, brought into their range. Raises Ended."""
    return whole(told.get("cols"), 2, 1000), whole(told.get("rows"), 1, 1000)


class Showing(Session):
    """A terminal, and a page that shows it. Bytes are numbered as this page gets them."""

    def __init__(self, hub: Hub, entry: Entry, terminal: Terminal) -> None:
        super().__init__(hub, entry)
        self.terminal = terminal
        self._zero = 0  # where in the terminal's output this page's numbers begin
        self._sent = self._credited = 0
        self._least = 0  # what came before cannot be sent again
        self._moved_at = self.clock()

    def begin(self, *, resumed: bool) -> None:
        """Tell the page that it is in the lab, and show what there is."""
        self._moved_at = self.clock()
        if self.socket is not None:
            self.socket.relieved = self.flow
        self.ready(resumed=resumed)
        self.flow()

    def flow(self) -> None:
        """Send as much as the page keeps up with."""
        socket, output = self.socket, self.terminal.output
        if socket is None:
            return
        while (room := WINDOW - self._sent + self._credited) > 0 and socket.backlog < MESSAGE:
            if self._zero + self._sent < output.start:
                self._skip(socket)
            data = output.read(self._zero + self._sent, min(room, MESSAGE))
            if not data:
                break
            self._sent += len(data)
            self._moved_at = self.clock()
            socket.stream(data)
        if self.terminal.over and not self._behind:
            self.finish(Ended("lost", "SSH broke off") if self.terminal.broken else Ended("lab-ended"))

    @property
    def _behind(self) -> bool:
        return self._zero + self._sent < self.terminal.output.end

    def _skip(self, socket: Socket) -> None:
        """What comes next is no longer kept: begin anew."""
        socket.stream(RESET)
        self._sent += len(RESET)
        self._least = self._sent
        self._zero = self.terminal.output.join() - self._sent

    # What the page says.

    def take(self, data: bytes) -> None:
        """Input, from those who may type. Raises Ended for more than the lab takes."""
        if self.entry.ticket.read_only:
            return
        self.hub.active(self.entry.pk)
        self.terminal.write(data)
        self._bound()

    def _bound(self) -> None:
        """Raise Ended for more than the lab takes."""
        # Waiting here instead would keep the page's credit out, which the lab may be waiting for itself.
        if self.terminal.unwritten > UNWRITTEN:
            raise Ended("too-long", "the lab does not take its input")

    def told(self, told: dict[str, Any]) -> None:
        """Raises Ended."""
        if told["type"] != "size":
            return super().told(told)
        self.resize(*size_of(told))
        return self._bound()

    def resize(self, cols: int, rows: int) -> None:
        """The page has this size now."""

    def credit(self, total: int) -> None:
        """The page has drawn so much."""
        total = min(total, self._sent)
        if total > self._credited:
            self._credited = total
            self._moved_at = self.clock()
            self.drawn(self._zero + total)
            self.flow()

    def drawn(self, offset: int) -> None:
        """The page has drawn the terminal's output up to there."""

    async def resume(self, told: dict[str, Any]) -> bool:
        """Go on at the byte that the page has not got. Raises Ended."""
        size, received = size_of(told), whole(told.get("received", 0), 0, 2**53)
        if not self._least <= received <= self._sent or self._zero + received < self.terminal.output.start:
            return False
        self._sent = received
        self._credited = min(self._credited, received)
        self.resize(*size)
        self.begin(resumed=True)
        return True

    def tick(self, now_s: float) -> None:
        """End what has died."""
        super().tick(now_s)
        blocked = self._behind or self._sent - self._credited >= WINDOW
        if not self.over and self.socket is not None and blocked and now_s - self._moved_at > STALLED_S:
            self.end("stalled")


class Shell(Showing):
    """The terminal's own session: it begins and ends with it."""

    def __init__(self, hub: Hub, entry: Entry, terminal: Terminal) -> None:
        super().__init__(hub, entry, terminal)
        self.guests: set[Looking] = set()
        terminal.changed = self._changed

    def _changed(self) -> None:
        self.flow()
        for guest in list(self.guests):
            guest.flow()

    def resize(self, cols: int, rows: int) -> None:
        """The lab's programs are told, and those who look in."""
        if (cols, rows) != self.terminal.size:
            self.terminal.resize(cols, rows)
            for guest in list(self.guests):
                guest.flow()

    def drawn(self, offset: int) -> None:
        """The lab may go on."""
        self.terminal.credit(offset)

    def release(self, ended: Ended) -> None:
        """Hang up."""
        self.terminal.close()


class Looking(Showing):
    """Somebody looks at a learner's shell, and may type if they are there to help."""

    def __init__(self, hub: Hub, entry: Entry, shell: Shell) -> None:
        super().__init__(hub, entry, shell.terminal)
        self._shell = shell
        self._size_told = (0, 0)
        self._zero = self.terminal.output.join()
        shell.guests.add(self)

    def ready(self, *, resumed: bool) -> None:
        """As every session; and how large it is what will be seen."""
        super().ready(resumed=resumed)
        self._tell_size()

    def flow(self) -> None:
        """As every session; and how large it is by now, at most once for all that is on its way."""
        if self.socket is not None and not self.socket.busy and self._size_told != self.terminal.size:
            self._tell_size()
        super().flow()

    def _tell_size(self) -> None:
        if self.socket is not None:
            cols, rows = self._size_told = self.terminal.size
            self.socket.tell("size", cols=cols, rows=rows)

    def release(self, ended: Ended) -> None:
        """Leave the learner alone."""
        self._shell.guests.discard(self)


class ShellDoor(StreamDoor):
    """See the module."""

    name: ClassVar[str] = "shell"

    async def open(self, socket: Socket, entry: Entry, told: dict[str, Any]) -> Session:
        """Look into the learner's shell, or open one. Raises Ended."""
        cols, rows = size_of(told)
        learners = self.sessions.learners(entry) if entry.looks_in else None
        session: Showing
        if isinstance(learners, Shell):
            session = Looking(self.hub, entry, learners)
        else:
            session = Shell(self.hub, entry, await _opened(entry, cols, rows))
        session.attach(socket, entry)
        self.sessions.add(session)
        self.hub.join(session)
        session.begin(resumed=False)
        return session


async def _opened(entry: Entry, cols: int, rows: int) -> Terminal:
    place = entry.place
    assert place is not None
    try:
        connection = await _connected(place, entry)
        return await open_terminal(connection, cols, rows)
    except ssh.SshError as error:
        raise Ended(_OF_SSH[type(error)], str(error)) from None
    except asyncssh.Error as error:
        raise Ended("lab-error", f"no shell: {error.reason[:200]!r}") from None
    except DatabaseError as error:
        logger.error("database does not answer error=%s", type(error).__name__)
        raise Ended("unavailable") from None


async def _connected(place: Place, entry: Entry) -> asyncssh.SSHClientConnection:
    """A connection to whom it should be. Raises SshError and DatabaseError."""
    known, faults = ssh.parse_host_keys(place.host_keys)
    for fault in faults:
        logger.warning("host_keys cannot be read %s fault=%r", entry, fault)
    if place.host_keys.strip() and not known:
        remedy = "correct the lab's output host_keys (or what place_hook says), or leave it out"
        logger.error("no host key can be read %s remedy=%r", entry, remedy)
        raise Ended("host-key", "host_keys without a good line")
    pins = bool(place.pin) and not known
    if pins:
        known = await database_sync_to_async(_pinned)(place)
    target = ssh.Target(
        address=place.address,
        port=place.port,
        login=place.login,
        private_key=place.private_key,
        password=place.password,
        host_keys=known,
    )
    try:
        connection = await ssh.connect(target, connect_s=lab_settings().handshake_timeout or None)
        if pins and not known:
            await _pin(place, connection)
    except ssh.HostKeyDiffers as error:
        logger.warning(
            "another host key %s shown=%r remedy=%r",
            entry,
            error.shown,
            "if it is the lab's: correct its output host_keys, or delete the host key in the admin",
        )
        raise
    return connection


async def _pin(place: Place, connection: asyncssh.SSHClientConnection) -> None:
    """Insist on this key from now on. Raises HostKeyDiffers if somebody met another one meanwhile."""
    shown = ssh.host_key_of(connection)
    try:
        pinned = await database_sync_to_async(_pinned)(place, shown)
        if shown not in pinned:
            raise ssh.HostKeyDiffers(f"{place.address}:{place.port} shows two host keys at once", shown)
    except BaseException:
        connection.close()
        raise


def _pinned(place: Place, shown: str = "") -> frozenset[str]:
    """The host key that was met first; `shown`, if there is none yet. On the database's thread."""
    where = {"place": _bounded(place.pin), "port": place.port}
    if shown:
        if place.pin.startswith("stack/"):  # earlier generations are no more
            earlier = HostKey.objects.filter(place__startswith=place.pin.rpartition("/")[0] + "/")
            earlier.exclude(place=place.pin).delete()
        return frozenset([HostKey.objects.get_or_create(defaults={"key": shown}, **where)[0].key])
    return frozenset(HostKey.objects.filter(**where).values_list("key", flat=True))


def _bounded(pin: str) -> str:
    """The name of a place, not longer than the column: a project names its own as it likes."""
    return pin if len(pin) <= PIN_CHARS else "sha256/" + hashlib.sha256(pin.encode()).hexdigest()
