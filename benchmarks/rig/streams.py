"""What the fake guacd replays: streams of a real guacd, recorded here once and kept in the cache.

`terminal`: a shell that lists files as fast as it can. `desktop`: a VNC desktop with windows that change all the
time. `small`: a terminal whose cells change their colours one by one, which guacd draws with rectangles: next to
nothing but small instructions.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import CACHE, Skipped
from benchmarks.rig.sshd import running_sshd
from hastexo_lab.gateway import guacamole
from tests.gateway.fixtures import free_port, running, running_guacd

SIZE = 3_000_000  # bytes of each
PART = 150_000  # it can be replayed in parts of about this size
WITHIN_S = 60.0
SCREEN = guacamole.Screen(width=1024, height=768, dpi=96)
CASES = ("desktop", "terminal", "small")

LISTING = "while :; do ls -lR --color=always /usr /etc /var; done 2>/dev/null"
COLOURS = """exec awk 'BEGIN { srand(1)
  for (;;) printf "\\033[%d;%dH\\033[48;5;%dm ", 1 + rand() * 40, 1 + rand() * 120, rand() * 256 }'"""
WINDOWS = ("100x25+0+0", "80x30+300+300")
FONT = ("-fa", "DejaVu Sans Mono", "-fs", "10")


class Stream:
    """A recorded one. It is replayed part by part, and begins anew after the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ends: list[int] = json.loads(path.with_suffix(".parts").read_text())

    def size(self, parts: int) -> int:
        """Bytes of so many parts."""
        rounds, rest = divmod(parts, len(self.ends))
        return rounds * self.ends[-1] + (self.ends[rest - 1] if rest else 0)

    def parts(self) -> list[memoryview]:
        """Its parts; each begins and ends with an instruction."""
        data = memoryview(self.path.read_bytes())
        return [data[begin:end] for begin, end in itertools.pairwise([0, *self.ends])]

    def described(self) -> str:
        """Its size, and that of its instructions."""
        texts = _instructions(self.path.read_bytes())
        return f"{self.ends[-1] / 1e6:.1f} MB, {self.ends[-1] / len(texts):.0f} bytes an instruction"


def streams() -> dict[str, Stream]:
    """One for each of CASES. Raises Skipped if one can neither be found nor recorded."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = CACHE / f"streams-{recipe}"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [case for case in CASES if not (folder / f"{case}.parts").exists()]
    if missing:
        if shutil.which("guacd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") is None:
            raise Skipped("guacd is not installed, so there is nothing to replay")
        print(f"Recording guacd's {', '.join(missing)} ...", flush=True)
        with running_guacd(folder) as guacd:
            for case in missing:
                data = _recorded(case, guacd.port, folder)
                (folder / case).write_bytes(data)
                (folder / f"{case}.parts").write_text(json.dumps(_ends(data)))
    return {case: Stream(folder / case) for case in CASES}


def _instructions(data: bytes) -> list[str]:
    parser = guacamole.Parser(max_chars=1 << 20, max_elements=1024)
    parser.feed(data)
    return [instruction.text for instruction in iter(parser.take, None)]


def _ends(data: bytes) -> list[int]:
    """Where to cut: the first ends of instructions that make parts of PART bytes or more."""
    ends, at = [0], 0
    for text in _instructions(data):
        at += len(text.encode())
        if at - ends[-1] >= PART:
            ends.append(at)
    return [*ends[1:], *([at] if at > ends[-1] else [])]


def _recorded(case: str, guacd: int, folder: Path) -> bytes:
    if case == "desktop":
        with _desktop(folder) as port:
            return _record(guacd, "vnc", {"hostname": "127.0.0.1", "port": str(port)})
    with running_sshd(folder, LISTING if case == "terminal" else COLOURS) as sshd:
        values = {
            "hostname": "127.0.0.1",
            "port": str(sshd.port),
            "username": sshd.user,
            "private-key": sshd.key.read_text(),
        }
        return _record(guacd, "ssh", values)


@contextlib.contextmanager
def _desktop(folder: Path) -> Iterator[int]:
    """The port of a VNC desktop on which much happens."""
    server, terminal = shutil.which("Xvnc"), shutil.which("xterm")
    if server is None or terminal is None:
        raise Skipped("Xvnc or xterm is not installed, so there is no desktop to record")
    port = free_port()
    display = f":{port % 10000 + 100}"
    options = ["-rfbport", str(port), "-localhost", "-SecurityTypes", "None", "-geometry", "1024x768"]
    with running([server, display, *options], port, folder / "xvnc.log"):
        commands = [LISTING, COLOURS]
        windows = [
            subprocess.Popen([terminal, "-display", display, *FONT, "-geometry", place, "-e", "sh", "-c", command])
            for place, command in zip(WINDOWS, commands, strict=True)
        ]
        try:
            yield port
        finally:
            for window in windows:
                window.terminate()
                window.wait()


def _record(port: int, protocol: str, values: dict[str, str]) -> bytes:
    """SIZE bytes or a little more, up to the end of a frame, with a page that is drawn at once."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        handshake = guacamole.Handshake(protocol, SCREEN, values)
        sock.sendall(handshake.start())
        while not handshake.ready:
            sock.sendall(handshake.feed(sock.recv(65536)))
        parser = guacamole.Parser(max_chars=1 << 20, max_elements=1024)
        parser.feed(handshake.rest())
        end, drawn, size = time.monotonic() + WITHIN_S, [], 0
        while True:
            for instruction in iter(parser.take, None):
                drawn.append(instruction.text)
                size += len(instruction.text)
                if instruction.opcode == "sync":
                    sock.sendall(instruction.text.encode())
                    if size > SIZE:
                        return "".join(drawn).encode()
            data = sock.recv(65536)
            if not data or time.monotonic() > end:
                raise Skipped(f"guacd sent {size} bytes of {protocol} only, in place of {SIZE}")
            parser.feed(data)
