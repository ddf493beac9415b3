"""The Guacamole protocol as far as a tunnel needs it: bytes in, instructions out. No I/O happens here.

An element is `LENGTH.VALUE`, elements are joined by `,` and ended by `;`, and a length counts Unicode code
points, as Python's `len` does (Guacamole manual, "The Guacamole protocol"; guacd's libguac/parser.c).

pyguacamole encodes. Its decoder is not used: it wants one whole instruction, recurses once an element, takes " +4"
for a length, and cannot say whether an instruction is wrong or only cut.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from guacamole.instruction import GuacamoleInstruction

# guacd's own limits (libguac/guacamole/parser-constants.h).
MAX_CHARS = 8192
MAX_ELEMENTS = 128
MAX_DIGITS = 5

# What a browser may say, and how many arguments guacd reads of it without counting them (libguac/user-handlers.c):
# one that is missing would be a pointer into nowhere. The opcode "" is the tunnel's own and never goes to guacd.
LEAST_ARGS = {
    opcode: count
    for count, opcodes in {
        0: ("nop", "disconnect"),
        1: ("sync", "end"),
        2: ("key", "size", "clipboard", "blob", "get", "audio"),
        3: ("mouse", "ack", "file", "pipe", "argv"),
        4: ("put",),
        7: ("touch",),
    }.items()
    for opcode in opcodes
}
USER_OPCODES = frozenset(LEAST_ARGS)
READ_ONLY_OPCODES = frozenset(["sync", "nop", "ack", "disconnect"])
# What only a person at a keyboard or a screen causes.
ACTIVE_OPCODES = frozenset(["key", "mouse", "touch", "clipboard"])
MAX_SIDE = 8192  # pixels of a screen

# What guacd draws with: numbers, base64 and constant image types, so that each `;` ends an instruction. In all
# else that it says, a program in the lab may have a word (libguac/protocol.c): titles, file names, media types.
PLAIN_OPCODES = (
    *("sync", "copy", "rect", "blob", "cfill", "img", "end", "nop", "size", "cursor", "mouse", "move", "shade"),
    *("dispose", "transfer", "clip", "close", "line", "start", "arc", "curve", "cstroke", "lfill", "lstroke"),
    *("push", "pop", "reset", "identity", "transform", "distort", "disconnect"),
)
MAX_KEPT = 64 * 1024  # bytes of one instruction; guacd's longest, a blob, has 8 KiB

OLDEST = (1, 1, 0)  # the first that announces its version
NEWEST = (1, 5, 0)  # what guacd 1.5 and 1.6 announce
SINCE_NAME = (1, 5, 0)

VERSION = re.compile(r"VERSION_([0-9]{1,3})_([0-9]{1,3})_([0-9]{1,3})", re.ASCII)


class WireError(Exception):
    """Base: what came over the wire cannot be used."""


class ProtocolError(WireError):
    """It is not the Guacamole protocol, or breaks its limits."""


class GuacdRefused(WireError):
    """guacd answered `error` (`status`, a Guacamole status code) or `disconnect` (`status` 0)."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Instruction(NamedTuple):
    """One instruction, and the very characters that it came in."""

    opcode: str
    args: tuple[str, ...]
    text: str


def encode(opcode: str, *args: str) -> bytes:
    """One instruction for the wire."""
    encoded: str = GuacamoleInstruction(opcode, *args).encode()
    return encoded.encode()


NOP = encode("nop")
DISCONNECT = encode("disconnect")


class Parser:
    """Whole instructions out of a stream of bytes that may be cut anywhere, even inside a character.

    What has been looked at is not looked at again: a stream that comes byte by byte costs no more than one
    that comes at once, and what is kept is bounded by one instruction and one `feed`.
    """

    __slots__ = (
        *("_at", "_decoder", "_elements", "_length", "_max_chars", "_max_elements", "_needed", "_start", "_text"),
    )

    def __init__(
        self, *, max_chars: int = MAX_CHARS, max_elements: int = MAX_ELEMENTS, max_digits: int = MAX_DIGITS
    ) -> None:
        self._max_chars = max_chars
        self._max_elements = max_elements
        self._length = re.compile(rf"([0-9]{{1,{max_digits}}})(\.?)", re.ASCII)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._start = 0  # of the instruction that is being read
        self._at = 0  # of its element that comes next
        self._needed = 0  # no use to look before this many characters are there
        self._elements: list[str] = []

    def feed(self, data: bytes) -> None:
        """Take in what came. Raises ProtocolError if it is not UTF-8."""
        try:
            text = self._decoder.decode(data)
        except UnicodeDecodeError as error:
            raise ProtocolError(f"not UTF-8: {error.reason}") from None
        self._text = self._text[self._start :] + text
        self._at -= self._start
        self._needed -= self._start
        self._start = 0

    def take(self) -> Instruction | None:
        """The next whole instruction, or None until more is fed. Raises ProtocolError."""
        while len(self._text) >= self._needed and self._at < len(self._text):
            if not self._element():
                return None
            if self._text[self._at - 1] == ";":
                return self._instruction()
        return None

    def rest(self) -> bytes:
        """What has been fed and not been taken."""
        return self._text[self._start :].encode() + self._decoder.getstate()[0]

    def _element(self) -> bool:
        """Read one element and the sign behind it; False if it is not all there."""
        length = self._length.match(self._text, self._at)
        if length is None or (not length[2] and length.end() < len(self._text)):
            raise ProtocolError("an element without a length")
        begin = length.end()
        end = begin + int(length[1]) if length[2] else begin
        if end + 1 - self._start > self._max_chars:
            raise ProtocolError(f"an instruction of more than {self._max_chars} characters")
        self._needed = end + 1
        if len(self._text) < self._needed:
            return False
        if self._text[end] not in ",;":
            raise ProtocolError("an element that is longer than it says")
        if len(self._elements) == self._max_elements:
            raise ProtocolError(f"an instruction of more than {self._max_elements} elements")
        self._elements.append(self._text[begin:end])
        self._at = end + 1
        return True

    def _instruction(self) -> Instruction:
        opcode, *args = self._elements
        text = self._text[self._start : self._at]
        self._start = self._needed = self._at
        self._elements = []
        return Instruction(opcode, tuple(args), text)


def _openings(opcodes: Iterable[str]) -> bytes:
    """A pattern of how instructions with these opcodes begin."""
    of_length: dict[int, list[str]] = {}
    for opcode in opcodes:
        of_length.setdefault(len(opcode), []).append(opcode)
    each = (rf"{length}\.(?:{'|'.join(same)})" for length, same in of_length.items())
    return f"(?:{'|'.join(each)})[,;]".encode()


_PLAIN = re.compile(_openings(PLAIN_OPCODES))
_OTHER = re.compile(rb";(?!\Z|" + _PLAIN.pattern + rb")")
_LENGTH = re.compile(rb"([0-9]{1,5})(\.?)")


class Cutter:
    """Whole instructions in UTF-8, for clients that want a message to hold no part of one.

    The last `;` is a good place to cut unless it stands inside of a value. That takes an opcode which is not plain,
    not farther before it than an instruction is long: where there is none, nothing is parsed. Else it is walked.

    guacd counts characters by their leading bytes, also in what is no UTF-8 (libguac/unicode.c); a lab can send
    it such a title. It comes out with U+FFFD in it, and the length to match.
    """

    def __init__(self, *, max_chars: int = MAX_CHARS, max_kept: int = MAX_KEPT) -> None:
        self._max_chars = max_chars
        self._max_kept = max_kept
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """The whole instructions that there are now. Raises ProtocolError."""
        buffer = self._kept + data if self._kept else data
        cut = buffer.rfind(b";") + 1
        if cut and not self._is_plain(buffer, cut):
            cut = _walk(buffer)
        self._kept = buffer[cut:]
        if len(self._kept) > self._max_kept:
            raise ProtocolError(f"an instruction of more than {self._max_kept} bytes")
        whole = buffer[:cut]
        return whole if _is_utf_8(whole) else _mended(buffer, cut)

    def _is_plain(self, buffer: bytes, cut: int) -> bool:
        """Does no instruction of another kind reach this far?"""
        begin = max(0, cut - self._max_chars)
        if not buffer.isascii():
            begin = max(0, cut - 4 * self._max_chars)
        return (begin > 0 or _PLAIN.match(buffer) is not None) and _OTHER.search(buffer, begin, cut) is None


def _is_utf_8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _walk(buffer: bytes) -> int:
    """The end of the last whole instruction of a buffer that begins with one. Raises ProtocolError."""
    at = 0
    while at < len(buffer):
        if _PLAIN.match(buffer, at):
            other = _OTHER.search(buffer, at)
            if other is None:
                return buffer.rfind(b";") + 1
            at = other.start() + 1
        elements = _elements(buffer, at)
        if elements is None:
            return at
        at = elements[-1][1] + 1
    return at


def _elements(buffer: bytes, at: int) -> list[tuple[int, int]] | None:
    """Where the values of the instruction at `at` begin and end; None if it is not all there."""
    found = []
    while length := _LENGTH.match(buffer, at):
        begin = length.end()
        if not length[2]:
            break
        end = _skip(buffer, begin, int(length[1]))
        if end >= len(buffer):
            return None
        found.append((begin, end))
        if buffer[end] == ord(";"):
            return found
        if buffer[end] != ord(","):
            raise ProtocolError("an element that is longer than it says")
        at = end + 1
    if at < len(buffer) and (length is None or length.end() < len(buffer)):
        raise ProtocolError("an element without a length")
    return None


def _skip(buffer: bytes, at: int, chars: int) -> int:
    """Where the text of so many characters ends, as guacd counts them; the buffer's length if it may be farther."""
    if buffer[at : at + chars].isascii():
        return min(at + chars, len(buffer))
    for _ in range(chars - 1):
        if at >= len(buffer):
            return len(buffer)
        at += _bytes_of(buffer[at])
    if at >= len(buffer):
        return len(buffer)
    # The last character may be broken off: then what ends the element comes earlier.
    ends = range(at + _bytes_of(buffer[at]), at, -1)
    if ends[0] >= len(buffer):
        return len(buffer)
    return next((end for end in ends if buffer[end] in b",;"), ends[0])


def _bytes_of(lead: int) -> int:
    """How many bytes a character has, by its first."""
    return 2 if 0xC0 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if 0xF0 <= lead < 0xF8 else 1


def _mended(buffer: bytes, cut: int) -> bytes:
    """The whole instructions up to the cut, some of which are not UTF-8."""
    at, found = 0, []
    while at < cut and (elements := _elements(buffer, at)):
        opcode, *args = (buffer[begin:end].decode(errors="replace") for begin, end in elements)
        found.append(encode(opcode, *args))
        at = elements[-1][1] + 1
    return b"".join(found)


def may_pass(instruction: Instruction, allowed: frozenset[str]) -> bool:
    """May this go on to guacd? It is allowed, and nothing at which guacd would fall over.

    guacd divides by a side of a screen, and makes room for a terminal of so many lines.
    """
    opcode, args, _ = instruction
    if opcode not in allowed or len(args) < LEAST_ARGS[opcode]:
        return False
    return opcode != "size" or all(
        re.fullmatch("[0-9]{1,5}", side) and 0 < int(side) <= MAX_SIDE for side in args[:2]
    )


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What the browser can show: pixels, dots an inch, image and sound types, IANA time zone or ""."""

    width: int
    height: int
    dpi: int
    timezone: str = ""
    image: tuple[str, ...] = ("image/png", "image/jpeg")
    audio: tuple[str, ...] = ()


def version_of(theirs: str) -> tuple[int, int, int]:
    """The protocol version to speak: the lower of theirs and ours. Raises ProtocolError for a guacd before 1.1."""
    found = VERSION.fullmatch(theirs)
    version = min((int(found[1]), int(found[2]), int(found[3])), NEWEST) if found else (1, 0, 0)
    if version < OLDEST:
        raise ProtocolError("this guacd is older than 1.1")
    return version


def answer(args: Iterable[str], screen: Screen, values: Mapping[str, str], name: str = "") -> bytes:
    """All that `args` is to be answered with, up to `connect`, for one write: one round trip.

    `args`: guacd's version and the names of the connection arguments, which differ between its versions;
    `values`: by those names, everything else stays empty. Raises ProtocolError for a guacd before 1.1.
    """
    theirs, *names = args
    version = version_of(theirs)
    parts = [
        encode("size", str(screen.width), str(screen.height), str(screen.dpi)),
        encode("audio", *screen.audio),
        encode("video"),
        encode("image", *screen.image),
    ]
    if screen.timezone:
        parts.append(encode("timezone", screen.timezone))
    if name and version >= SINCE_NAME:
        parts.append(encode("name", name))
    announced = "VERSION_{}_{}_{}".format(*version)
    parts.append(encode("connect", announced, *(values.get(each, "") for each in names)))
    return b"".join(parts)


class Handshake:
    """From `select` to `ready`: write `start()`, then feed what comes and write what that returns."""

    def __init__(self, protocol: str, screen: Screen, values: Mapping[str, str], name: str = "") -> None:
        self._protocol = protocol
        self._screen = screen
        self._values = values
        self._name = name
        self._parser = Parser()
        self.version = (0, 0, 0)
        self.ready = False
        # Who knows guacd's name for the connection can join it: it never leaves the gateway (CVE-2021-41767).
        self.connection_id = ""

    def start(self) -> bytes:
        """The first instruction."""
        return encode("select", self._protocol)

    def feed(self, data: bytes) -> bytes:
        """What to write in answer. Raises ProtocolError, and GuacdRefused."""
        self._parser.feed(data)
        out = b""
        while not self.ready and (instruction := self._parser.take()):
            out += self._answer(instruction)
        return out

    def rest(self) -> bytes:
        """The beginning of the stream, as far as it came along with `ready`."""
        return self._parser.rest()

    def _answer(self, instruction: Instruction) -> bytes:
        opcode, args, _ = instruction
        if opcode == "args" and args and self.version < OLDEST:
            self.version = version_of(args[0])
            return answer(args, self._screen, self._values, self._name)
        if opcode == "ready" and args and self.version >= OLDEST:
            self.ready, self.connection_id = True, args[0]
        elif opcode in ("error", "disconnect"):
            raise GuacdRefused(*_said(instruction))
        elif opcode not in ("nop", "sync"):
            raise ProtocolError(f"guacd said {opcode[:32]!r} in the handshake")
        return b""


def _said(instruction: Instruction) -> tuple[str, int]:
    """The text and status of `error`; status 0 for anything else."""
    if (
        instruction.opcode != "error"
        or len(instruction.args) != 2
        or not re.fullmatch("[0-9]{1,5}", instruction.args[1])
    ):
        return "", 0
    return instruction.args[0], int(instruction.args[1])


def has_ended(tail: bytes) -> bool:
    """Do these look like the last bytes of a stream? Begin a stream with the `;` of another instruction.

    Nothing before is parsed, so a title may hold all of that: only what guacd says next tells it from the end.
    """
    if tail.endswith(b";" + DISCONNECT):
        return True
    error = _error(tail) if tail.endswith(b";") else None
    return error is not None and not error[1]


def last_words(tail: bytes) -> tuple[str, int] | None:
    """Why guacd ended a stream that is over, out of its last bytes: text and status (0: no error).

    None if it broke off. Behind its error guacd may draw what it had begun, and takes leave.
    """
    if error := _error(tail):
        return _said(error[0])
    return ("", 0) if has_ended(tail) else None


def _error(tail: bytes) -> tuple[Instruction, bytes] | None:
    """The last `error` behind another instruction, and what comes after it."""
    begin = tail.rfind(b";5.error,") + 1
    if not begin:
        return None
    parser = Parser()
    try:
        parser.feed(tail[begin:])
        error = parser.take()
    except ProtocolError:
        return None
    return (error, parser.rest()) if error is not None else None
