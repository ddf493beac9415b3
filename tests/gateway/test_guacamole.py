"""The wire: every branch, and hypothesis on what a stream may be cut into."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hastexo_lab.gateway import guacamole
from hastexo_lab.gateway.guacamole import Handshake, Parser, ProtocolError, Screen, answer, encode

SCREEN = Screen(width=800, height=600, dpi=96, timezone="Europe/Berlin", audio=("audio/L16",))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ELEMENTS = st.lists(TEXT, min_size=1, max_size=guacamole.MAX_ELEMENTS)


def parsed(data: bytes, **limits: int) -> list[tuple[str, ...]]:
    parser = Parser(**limits)
    parser.feed(data)
    return [(each.opcode, *each.args) for each in iter(parser.take, None)]


@pytest.mark.parametrize(
    ("elements", "wire"),
    [
        (["nop"], "3.nop;"),
        (["size", "1024"], "4.size,4.1024;"),
        ([""], "0.;"),
        (["a", ""], "1.a,0.;"),
        (["x", "😀"], "1.x,1.😀;"),
        (["x", "a;b,c.d"], "1.x,7.a;b,c.d;"),
    ],
)
def test_an_instruction_looks_like_this(elements: list[str], wire: str) -> None:
    assert encode(*elements) == wire.encode()
    assert parsed(wire.encode()) == [tuple(elements)]


def test_a_length_counts_characters() -> None:
    assert encode("clip", "a;😀,é", "") == "4.clip,5.a;😀,é,0.;".encode()


@given(st.lists(ELEMENTS, max_size=4), st.data())
def test_a_stream_may_be_cut_anywhere(instructions: list[list[str]], data: st.DataObject) -> None:
    wire = b"".join(encode(*each) for each in instructions)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    parser = Parser()
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        parser.feed(wire[begin:end])
        found += list(iter(parser.take, None))
    assert [[each.opcode, *each.args] for each in found] == instructions
    assert "".join(each.text for each in found).encode() == wire
    assert parser.rest() == b""


def test_a_stream_may_come_byte_by_byte() -> None:
    wire = encode("a", "😀;,ä") + encode("") + encode("b", "x" * 200)
    parser = Parser()
    found = []
    for at in range(len(wire)):
        parser.feed(wire[at : at + 1])
        assert parser.rest() == wire[len("".join(each.text for each in found).encode()) : at + 1]
        found += list(iter(parser.take, None))
    assert [each.args for each in found] == [("😀;,ä",), (), ("x" * 200,)]


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_instructions_a_beginning_or_a_protocol_error(data: bytes, cut: int) -> None:
    whole, parts = Parser(), Parser()
    outcomes = []
    for parser, pieces in ((whole, [data]), (parts, [data[:cut], data[cut:]])):
        found: list[object] = []
        try:
            for piece in pieces:
                parser.feed(piece)
                found += list(iter(parser.take, None))
        except ProtocolError:
            found = ["error"]
        outcomes.append(found)
    assert outcomes[0] == outcomes[1] or "error" in (*outcomes[0], *outcomes[1])


@pytest.mark.parametrize(
    "data",
    [
        *(
            b";",
            b"rubbish",
            b" 3.key;",
            b"+3.key;",
            b"3.keys;",
            b"2.key;",
            b"3,key;",
            b"123456.",
            b"123456",
        ),
        *(b"\xff", b"1.\xed\xa0\x80;", "١.a;".encode(), b"9000.", b"0.,8191.", b"-1.;"),
    ],
)
def test_anything_else_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parsed(data)


def test_the_limits_are_guacds() -> None:
    most = encode(*["x"] * 128)
    assert len(parsed(most)[0]) == 128
    with pytest.raises(ProtocolError, match="128 elements"):
        parsed(encode(*["x"] * 129))
    longest = encode("😀" * (8192 - 6))
    assert len(longest.decode()) == 8192
    assert parsed(longest)
    with pytest.raises(ProtocolError, match="8192 characters"):
        parsed(encode("x" * (8192 - 5)))


def test_the_limits_are_arguments() -> None:
    assert parsed(b"3.abc,1.d;", max_chars=10, max_elements=2, max_digits=1)
    for limits in ({"max_chars": 9}, {"max_elements": 1}, {"max_digits": 0 + 1, "max_chars": 5}):
        with pytest.raises(ProtocolError):
            parsed(b"3.abc,1.d;", **limits)
    with pytest.raises(ProtocolError):
        parsed(b"10.", max_digits=1)


@pytest.mark.parametrize(
    ("theirs", "spoken", "named"),
    [
        ("VERSION_1_1_0", "VERSION_1_1_0", False),
        ("VERSION_1_3_0", "VERSION_1_3_0", False),
        ("VERSION_1_5_0", "VERSION_1_5_0", True),
        ("VERSION_9_0_0", "VERSION_1_5_0", True),
    ],
)
def test_the_lower_version_is_spoken(theirs: str, spoken: str, named: bool) -> None:
    wire = answer([theirs, "hostname", "port"], SCREEN, {"port": "22", "other": "x"}, "Ada")
    instructions = parsed(wire)
    assert instructions[-1] == ("connect", spoken, "", "22")
    assert (("name", "Ada") in instructions) is named
    assert instructions[0] == ("size", "800", "600", "96")
    assert ("timezone", "Europe/Berlin") in instructions
    assert ("audio", "audio/L16") in instructions


def test_a_screen_without_a_time_zone_sends_none() -> None:
    wire = answer(["VERSION_1_5_0"], Screen(width=1, height=1, dpi=1), {})
    assert [each[0] for each in parsed(wire)] == ["size", "audio", "video", "image", "connect"]


@pytest.mark.parametrize("theirs", ["hostname", "VERSION_1_0_0", "VERSION_1_3", "VERSION_1_3_0x"])
def test_a_guacd_that_is_too_old_is_refused(theirs: str) -> None:
    with pytest.raises(ProtocolError, match="older"):
        answer([theirs], SCREEN, {})


ARGS = encode("args", "VERSION_1_3_0", "hostname")
READY = encode("ready", "$id")


def test_a_handshake_takes_one_write_and_keeps_what_comes_after() -> None:
    handshake = Handshake("ssh", SCREEN, {"hostname": "lab"})
    assert handshake.start() == b"6.select,3.ssh;"
    assert handshake.feed(ARGS[:5]) == b""
    reply = handshake.feed(ARGS[5:] + encode("nop"))
    assert parsed(reply)[-1] == ("connect", "VERSION_1_3_0", "lab")
    assert handshake.feed(READY + b"4.si\xc3") == b""
    assert (handshake.ready, handshake.connection_id, handshake.version) == (True, "$id", (1, 3, 0))
    assert handshake.rest() == b"4.si\xc3"


@pytest.mark.parametrize(
    "said", [READY, ARGS + ARGS, encode("args"), ARGS + encode("ready"), encode("size", "0"), b"HTTP/1.1 400"]
)
def test_a_handshake_in_another_order_is_refused(said: bytes) -> None:
    with pytest.raises(ProtocolError):
        Handshake("ssh", SCREEN, {}).feed(said)


@pytest.mark.parametrize(
    ("said", "text", "status"),
    [
        (encode("error", "No such user", "769"), "No such user", 769),
        (encode("error", "?", "many"), "", 0),
        (encode("error"), "", 0),
        (encode("disconnect"), "", 0),
    ],
)
def test_guacds_refusal_keeps_its_status(said: bytes, text: str, status: int) -> None:
    with pytest.raises(guacamole.GuacdRefused) as refused:
        Handshake("ssh", SCREEN, {}).feed(said)
    assert (str(refused.value), refused.value.status) == (text, status)


ERROR = encode("error", "Aborted; see logs", "519")
DRAWN = encode("blob", "1", "AAAA") + encode("sync", "1")


TITLE = encode("name", ";5.error,1.x,3.769")


@pytest.mark.parametrize(
    ("tail", "words", "ended"),
    [
        (b"", None, False),
        (b";", None, False),
        (b";" + ERROR, ("Aborted; see logs", 519), True),
        (DRAWN, None, False),
        (DRAWN + ERROR, ("Aborted; see logs", 519), True),
        (DRAWN + ERROR + DRAWN, ("Aborted; see logs", 519), False),
        (DRAWN + ERROR + DRAWN + encode("disconnect"), ("Aborted; see logs", 519), True),
        (DRAWN[7:] + ERROR + encode("disconnect"), ("Aborted; see logs", 519), True),
        (DRAWN + encode("disconnect"), ("", 0), True),
        (DRAWN + ERROR[:-1], None, False),
        (DRAWN + encode("name", "5.error,1.x,3.769"), None, False),
        (DRAWN + TITLE + encode("sync", "2"), ("x", 769), False),
        (DRAWN + encode("name", "x10.disconnect"), None, False),
        (encode("name", "5.error,1.x") + encode("disconnect"), ("", 0), True),
        (b"\xff;5.error,\xff;", None, False),
    ],
)
def test_the_last_words_are_found_at_the_end(tail: bytes, words: tuple[str, int] | None, ended: bool) -> None:
    assert guacamole.last_words(tail) == words
    assert guacamole.has_ended(tail) is ended


@pytest.mark.parametrize(
    ("wire", "may"),
    [
        (b"4.sync,1.1;", True),
        (b"4.sync;", False),
        (b"3.ack,1.1,2.OK;", False),
        (b"3.nop;", True),
        (b"0.,4.ping,1.1;", False),
        (b"6.select,3.ssh;", False),
        (b"4.size,3.800,3.600;", True),
        (b"4.size,3.800,3.600,2.96;", True),
        (b"4.size,1.0,3.600;", False),
        (b"4.size,2.-1,3.600;", False),
        (b"4.size,3.800,5.99999;", False),
        (b"4.size,3.800,1.x;", False),
        (b"4.size,3.800;", False),
    ],
)
def test_what_guacd_would_fall_over_does_not_pass(wire: bytes, may: bool) -> None:
    parser = Parser()
    parser.feed(wire)
    instruction = parser.take()
    assert instruction is not None
    assert guacamole.may_pass(instruction, guacamole.USER_OPCODES) is may


def test_a_look_at_what_may_be_said() -> None:
    assert guacamole.READ_ONLY_OPCODES < guacamole.USER_OPCODES
    assert guacamole.ACTIVE_OPCODES < guacamole.USER_OPCODES
    assert not guacamole.ACTIVE_OPCODES & guacamole.READ_ONLY_OPCODES
    assert "" not in guacamole.USER_OPCODES


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


# What guacd says, as lists of elements: instructions that draw, with its own alphabet, and those in which a lab
# has a word.
VALUES = st.one_of(
    st.integers(-1, 9999).map(str),
    st.sampled_from(["image/png", "0.5", ""]),
    st.binary(max_size=30).map(base64_of),
)
PLAIN = st.tuples(st.sampled_from(guacamole.PLAIN_OPCODES), st.lists(VALUES, max_size=5))
PIECES = [";", ",", ".", "4.sync,1.1;", "3.nop;", ";4.name,", "😀", "é", "9", "x" * 500]
FREE = st.tuples(
    st.sampled_from(["name", "clipboard", "file", "audio", "ack", "error", "of-tomorrow", ""]),
    st.lists(st.one_of(TEXT, st.lists(st.sampled_from(PIECES), max_size=12).map("".join)), max_size=3),
)
STREAM = st.lists(st.one_of(PLAIN, FREE).map(lambda said: [said[0], *said[1]]), max_size=12)


def cut(*pieces: bytes) -> list[str]:
    """The messages that come of these reads, without the empty ones."""
    cutter = guacamole.Cutter()
    return [message.decode() for message in map(cutter.feed, pieces) if message]


def bounds(instructions: list[list[str]]) -> list[int]:
    """Where each of them ends, in bytes."""
    return list(itertools.accumulate(len(encode(*each)) for each in instructions))


@given(STREAM, st.data())
def test_messages_hold_whole_instructions_only(said: list[list[str]], data: st.DataObject) -> None:
    wire = b"".join(encode(*each) for each in said)
    at = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    messages = cut(*(wire[begin:end] for begin, end in itertools.pairwise([0, *at, len(wire)])))
    assert "".join(messages).encode() == wire
    ends = list(itertools.accumulate(len(message.encode()) for message in messages))
    assert set(ends) <= set(bounds(said))


@given(STREAM)
def test_a_read_may_end_at_any_byte_and_all_that_is_whole_goes_on_at_once(said: list[list[str]]) -> None:
    wire = b"".join(encode(*each) for each in said)[:3000]
    ends = [0, *bounds(said)]
    cutter, passed = guacamole.Cutter(), 0
    for at in range(len(wire)):
        passed += len(cutter.feed(wire[at : at + 1]))
        assert passed == max(end for end in ends if end <= at + 1)


def test_a_title_that_looks_like_instructions_is_not_cut() -> None:
    title = encode("name", "x;4.sync,1.1;" * 300)
    drawn = encode("copy", "0", "1") * 4000
    for begin in (b"", drawn):
        for end in range(1, len(title)):
            assert "".join(cut(begin + title[:end])) == begin.decode()
        assert "".join(cut(begin + title + drawn)) == (begin + title + drawn).decode()


def test_a_title_may_be_as_long_as_an_instruction_in_any_alphabet() -> None:
    title = encode("name", "😀;3.nop;" * 1000)
    before = encode("copy", "0", "1") * 4000
    assert cut(before + title[:-20]) == [before.decode()]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (b"1.\xe4", "1.�"),  # guacd counts the leading byte, and takes it at its word
        (b"1.\xe4bc", "3.�bc"),
        (b"2.\xe4bcd", "4.�bcd"),
        (b"1.\xe4;", "2.�;"),
        (b"3.ab\xf0\x9f\x98", "3.ab�"),  # broken off
        (b"2.\x80\xff", "2.��"),
        (b"1.\xc3\xa4", "1.ä"),
    ],
)
def test_what_is_no_utf_8_is_mended(title: bytes, text: str) -> None:
    wire = b"3.nop;4.name," + title + b";4.sync,1.1;"
    for at in range(len(wire)):
        assert "".join(cut(wire[:at], wire[at:])) == f"3.nop;4.name,{text};4.sync,1.1;"


@pytest.mark.parametrize("wire", [b"rubbish;", b"3.keys;", b"123456.;", b";", b"4.name,x;", b"4.name,1.ab;"])
def test_what_is_not_the_protocol_is_not_cut(wire: bytes) -> None:
    with pytest.raises(ProtocolError):
        cut(wire)


def test_what_is_kept_has_a_bound() -> None:
    cutter = guacamole.Cutter(max_kept=100)
    assert cutter.feed(b"4.blob,1.1,999." + b"A" * 80) == b""
    with pytest.raises(ProtocolError, match="100 bytes"):
        cutter.feed(b"A" * 20)
