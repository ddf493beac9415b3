"""What guacd is told of a lab, and that it is told nothing else."""

from __future__ import annotations

import pytest

from hastexo_lab.gateway.arguments import ALLOWED, arguments
from hastexo_lab.gateway.guacamole import Parser, Screen, answer
from hastexo_lab.gateway.places import Place

# All arguments that guacd 1.3 to 1.6 know for ssh, vnc or rdp and that could harm.
HARMFUL = """
recording-path recording-name create-recording-path recording-include-keys typescript-path typescript-name
create-typescript-path enable-drive drive-name drive-path create-drive-path enable-sftp sftp-hostname sftp-port
sftp-username sftp-password sftp-private-key sftp-directory sftp-root-directory gateway-hostname gateway-port
gateway-username gateway-password wol-send-packet wol-mac-addr wol-broadcast-addr command initial-program
remote-app static-channels preconnection-blob reverse-connect dest-host dest-port enable-printing
"""


def place(**said: object) -> Place:
    told = {"address": "10.0.0.5", "port": 1022, "login": "learner", "private_key": "KEY", "password": "pä😀"}
    return Place(**{**told, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", ["ssh", "vnc", "rdp"])
@pytest.mark.parametrize("read_only", [False, True])
def test_nothing_is_ever_said_that_is_not_allowed(protocol: str, read_only: bool) -> None:
    told = arguments(place(protocol=protocol), read_only=read_only)
    assert told["hostname"] == "10.0.0.5"
    assert told["port"] == "1022"
    assert told.get("read-only", "") == ("true" if read_only else "")
    assert set(told) <= ALLOWED[protocol]
    assert not ALLOWED[protocol] & set(HARMFUL.split())
    names = [*HARMFUL.split(), *sorted(ALLOWED[protocol]), "unknown"]
    parser = Parser()
    parser.feed(answer(["VERSION_1_5_0", *names], Screen(width=1, height=1, dpi=1), told))
    connect = list(iter(parser.take, None))[-1]
    values = dict(zip(["version", *names], connect.args, strict=True))
    assert {name for name, value in values.items() if value} <= ALLOWED[protocol] | {"version"}


def test_a_key_is_used_before_a_password() -> None:
    assert arguments(place(), read_only=False)["password"] == ""
    assert arguments(place(private_key=""), read_only=False)["password"] == "pä😀"
    assert arguments(place(protocol="vnc"), read_only=False)["password"] == "pä😀"


def test_an_unknown_protocol_has_no_arguments() -> None:
    with pytest.raises(KeyError):
        arguments(place(protocol="telnet"), read_only=False)
