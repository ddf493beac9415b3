"""The subprotocol `guacamole`, for clients other than our page: what guacamole-common-js's WebSocketTunnel speaks.

    client   offers ["guacamole", "ticket.<t>"]; `?width=…&height=…&dpi=…&timezone=…` says what it can show
    gateway  "0.,36.<a uuid of ours>;", then text messages of whole instructions
    client   text messages of instructions; "0.,4.ping,<ms>;" is answered verbatim
    gateway  "5.error,<sentence>,<status>;", then the close with the status in decimal as its reason

Rights and limits are those of `hastexo-lab.v1`; but such a session ends with its socket, and its client says what
it has drawn by answering the `sync` that ends a frame.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs

from hastexo_lab.gateway import guacamole
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.socket import Receive, Send, Socket

STOCK = "guacamole"
NUMBERS = {"width": 1024, "height": 768, "dpi": 96}
SYNC = re.compile(rb"4\.sync,[0-9]{1,2}\.([0-9]{1,20})[,;]")
MAX_PENDING = 64  # messages to a client that does not read


def connect_of(query: bytes) -> dict[str, Any]:
    """The client's screen, as a `connect`. Nothing else of the query is read; Apache's own says GUAC_WIDTH."""
    try:
        said = parse_qs(query.decode("ascii", "replace"), max_num_fields=64)
    except ValueError:
        said = {}
    told = {name.lower().removeprefix("guac_"): values for name, values in said.items()}
    numbers = {}
    for name, default in NUMBERS.items():
        value = told.get(name, [""])[0]
        numbers[name] = int(value) if re.fullmatch("[0-9]{1,5}", value, re.ASCII) else default
    timezone = told.get("timezone", [""])[0]
    return {"type": "connect", **numbers, "timezone": timezone, "image": told.get("image", [])}


class Mark(NamedTuple):
    """The `sync` of this timestamp, and how many bytes of the stream had come with it."""

    timestamp: int
    total: int


class Drawn:
    """How much of the stream a client has drawn.

    Where it owes no answer, that is everything: a frame may be larger than any window.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._drawn = 0
        self._due: Mark | None = None
        self._latest: Mark | None = None

    @property
    def total(self) -> int:
        """In bytes, from the beginning."""
        return self._drawn if self._due else self._sent

    def sent(self, count: int, whole: bytes) -> None:
        """So much more of the stream has come, and these instructions go out."""
        self._sent += count
        at = whole.rfind(b"4.sync,")
        if at >= 0 and (sync := SYNC.match(whole, at)):
            mark = Mark(int(sync[1]), self._sent)
            if self._due is None:
                self._due = mark
            else:
                self._latest = mark

    def answered(self, timestamp: str) -> None:
        """The client has answered this `sync`."""
        if not re.fullmatch("[0-9]{1,20}", timestamp, re.ASCII):
            return
        while self._due and int(timestamp) >= self._due.timestamp:
            self._drawn, self._due, self._latest = self._due.total, self._latest, None


class Stock(Socket):
    """See the module."""

    resumes: ClassVar[bool] = False

    __slots__ = ("_cutter", "_drawn", "_parser")

    def __init__(self, receive: Receive, send: Send, query: bytes = b"") -> None:
        super().__init__(receive, send, query)
        self._cutter = guacamole.Cutter()
        self._parser = guacamole.Parser()
        self._drawn = Drawn()

    async def hello(self) -> dict[str, Any]:
        """What stands in the query."""
        return connect_of(self.query)

    async def receive(self) -> bytes:
        """What is for guacd in the next message. Raises Gone and Ended."""
        message = await super().receive()
        if isinstance(message, bytes):
            raise Ended("protocol", "a binary message")
        passed = []
        try:
            self._parser.feed(message.encode())
            for instruction in iter(self._parser.take, None):
                if instruction.opcode == "":
                    self._answer(instruction)
                else:
                    passed.append(instruction.text)
                    if instruction.opcode == "sync":
                        self._drawn.answered("".join(instruction.args[:1]))
        except (guacamole.ProtocolError, UnicodeEncodeError) as error:
            raise Ended("protocol", str(error)) from None
        self._report()
        return "".join(passed).encode()

    def tell(self, kind: str, **told: Any) -> None:
        """The one control message that there is: that the lab is open. guacd's name for it stays inside."""
        if kind == "ready":
            self._post(guacamole.encode("", str(uuid.uuid4())).decode())

    def stream(self, data: bytes) -> None:
        """Post what is whole."""
        try:
            whole = self._cutter.feed(data)
        except guacamole.ProtocolError as error:
            return self.end(Ended("lost", f"guacd: {error}"))
        self._drawn.sent(len(data), whole)
        if whole:
            super().stream(whole)
        return self._report()

    def farewell(self, ended: Ended) -> tuple[str, str]:
        """As Apache's tunnel does it; and in an instruction too, because Daphne drops reasons."""
        status = str(ended.status)
        return guacamole.encode("error", str(ended.ending.text), status).decode(), status

    def _answer(self, instruction: guacamole.Instruction) -> None:
        if instruction.args[:1] == ("ping",) and len(self._outbox) < MAX_PENDING:
            self._post(instruction.text)

    def _report(self) -> None:
        if self.drawn is not None:
            self.drawn(self._drawn.total)

    def _frame(self, data: bytes) -> dict[str, Any]:
        return {"type": "websocket.send", "text": data.decode()}
