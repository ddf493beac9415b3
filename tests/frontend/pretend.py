"""A course and a gateway for one page, played by the test, which says their answers and reads what they hear."""

from __future__ import annotations

import base64
import itertools
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROTOCOL = "hastexo-lab.v1"
DEADLINE_S = 45

STORY: dict[str, Any] = {
    "phase": "up",
    "steps": [],
    "done": None,
    "total": None,
    "elapsed": 0,
    "typical": 0,
    "sleep_after": 1200,
    "idle": None,
    "visitors": [],
    "wakes": False,
    "kept_until": None,
    "gone_reason": "",
    "failure": None,
}


def story(phase: str, **more: Any) -> dict[str, Any]:
    """A story as stacks/story.py tells it."""
    return {**STORY, "phase": phase, **more}


def until(question: Callable[[], Any], what: str) -> Any:
    """The first answer that is true. Fails after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"never came: {what}")


def instruction(*elements: object) -> bytes:
    """One Guacamole instruction; lengths count code points."""
    return (",".join(f"{len(str(each))}.{each}" for each in elements) + ";").encode()


def picture(colour: tuple[int, int, int], timestamp: int = 1, width: int = 640, height: int = 400) -> bytes:
    """A whole frame: a screen of one colour."""
    return (
        instruction("size", 0, width, height)
        + instruction("rect", 0, 0, 0, width, height)
        + instruction("cfill", 14, 0, *colour, 255)
        + instruction("sync", timestamp)
    )


def copied(text: str) -> bytes:
    """The lab's clipboard has new text. It comes in two blobs, cut after its second byte."""
    data = text.encode()
    blobs = [base64.b64encode(part).decode() for part in (data[:2], data[2:])]
    stream = b"".join(instruction("blob", 0, blob) for blob in blobs)
    return instruction("clipboard", 0, "text/plain") + stream + instruction("end", 0)


class Visit:
    """One open door."""

    def __init__(self, socket: ServerConnection, door: str, ticket: str) -> None:
        self.socket, self.door, self.ticket = socket, door, ticket
        self.control: list[dict[str, Any]] = []
        self.instructions = b""
        self.session = ""
        # What the session has taken in, over all of its sockets.
        self.typed = bytearray()
        self.deaf = False
        self.closed = threading.Event()

    @property
    def close_code(self) -> int:
        """What the page closed it with; 0 where it just went away."""
        said = self.socket.protocol.close_rcvd
        return said.code if said else 0

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.control if message["type"] == kind]

    def tell(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def draw(self, data: bytes, piece: int = 0) -> None:
        """Send guacd's bytes: in one frame, or cut into pieces of so many bytes."""
        step = piece or len(data)
        for at in range(0, len(data), step):
            self.socket.send(data[at : at + step])

    def read(self) -> None:
        try:
            for message in self.socket:
                if isinstance(message, str):
                    self.control.append(json.loads(message))
                    if self.control[-1]["type"] == "ping":
                        self.tell(type="pong", taken=len(self.typed))
                elif not self.deaf:
                    self.instructions += message
                    self.typed += message
        except ConnectionClosed:
            pass
        finally:
            self.closed.set()


class Pretend:
    """Answers of the course stand in `answers`: handler → (status, body); who came is in `visits`."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, Any, dict[str, str]]] = []
        self.visits: list[Visit] = []
        self.came: queue.Queue[Visit] = queue.Queue()
        self.tickets = 0
        self.ready = True
        self.hold = 120
        # Sessions that can be taken up again.
        self.kept: dict[str, bytearray] = {}
        self.names = itertools.count(1)
        self.url = self.gateway = ""
        self.tell(story("up"))

    def tell(self, state: dict[str, Any]) -> None:
        """From now on the lab is so: pushed through every open events door, and answered by every handler."""
        for handler in ("enter", "status", "reset"):
            self.answers[handler] = (200, {"state": state})
        for visit in self.visits:
            if visit.door == "events" and not visit.closed.is_set():
                visit.tell(type="state", state=state)

    def door(self, door: str) -> Visit:
        """The next visit at that door."""
        while True:
            visit = self.came.get(timeout=DEADLINE_S)
            if visit.door == door:
                return visit

    def bodies(self, handler: str) -> list[Any]:
        return [body for name, body, _ in self.asked if name == handler]

    def answer(self, handler: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        self.asked.append((handler, body, headers))
        if handler in self.answers:
            return self.answers[handler]
        self.tickets += 1
        return 200, {
            "url": f"{self.gateway}/hastexo-lab/{body.get('door', 'shell')}/{body.get('lab', 'own')}",
            "protocol": PROTOCOL,
            "ticket": f"{self.tickets}",
        }

    def welcome(self, visit: Visit) -> None:
        """A session for who has come: the one that is asked for, if it is kept, else a new one."""
        hello = json.loads(visit.socket.recv(timeout=DEADLINE_S))
        visit.control.append(hello)
        asked = hello.get("session", "")
        resumed = asked in self.kept
        visit.session = asked if resumed else f"session-{next(self.names)}"
        visit.typed = self.kept.setdefault(visit.session, visit.typed)
        visit.tell(type="ready", session=visit.session, hold=self.hold, resumed=resumed, taken=len(visit.typed))

    def visit(self, socket: ServerConnection) -> None:
        offered = socket.request.headers["Sec-WebSocket-Protocol"] if socket.request else ""
        door = socket.request.path.split("/")[2] if socket.request else ""
        visit = Visit(socket, door, offered.split("ticket.")[-1])
        self.visits.append(visit)
        if door != "events" and self.ready:
            self.welcome(visit)
        if door == "events":
            visit.tell(type="state", state=self.answers["status"][1]["state"])
        self.came.put(visit)
        visit.read()


def _handler(pretend: Pretend) -> type[SimpleHTTPRequestHandler]:
    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(ROOT))

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = pretend.answer(self.path.rsplit("/", 1)[-1], body, dict(self.headers))
            html = isinstance(answer, str)
            data = answer.encode() if html else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if html else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


@contextmanager
def pretend_site() -> Iterator[Pretend]:
    """Serves the repository's files, handlers under /handler/ and both doors, each on a free port."""
    pretend = Pretend()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(pretend))
    http.daemon_threads = True
    gateway = serve(pretend.visit, "127.0.0.1", 0, subprotocols=[PROTOCOL], compression=None)  # type: ignore[list-item]
    pretend.url = f"http://127.0.0.1:{http.server_address[1]}"
    pretend.gateway = f"ws://127.0.0.1:{gateway.socket.getsockname()[1]}"
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in (http, gateway)]
    for thread in threads:
        thread.start()
    try:
        yield pretend
    finally:
        for visit in pretend.visits:
            visit.socket.close()
        http.shutdown()
        http.server_close()
        gateway.shutdown()
