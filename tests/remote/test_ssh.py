"""Connections into labs: a real sshd, SSH servers of the test's own process, and hosts that are none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hastexo_lab.remote import ssh
from hastexo_lab.remote.ssh import HostKeyDiffers, LoginRefused, NotUnderstood, SshError, Target, Unreachable
from tests.gateway.fixtures import LabHost

HERE = "127.0.0.1"
KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
KEYS = {kind: asyncssh.generate_private_key(kind) for kind in KINDS}
PUBLIC = {kind: key.export_public_key().decode().strip() for kind, key in KEYS.items()}
ED = PUBLIC["ssh-ed25519"]
PASSWORD = "pass wörd;,"


class Lab(asyncssh.SSHServer):
    """Lets `training` in by the RSA key or the password."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("training", PASSWORD)


async def _hello(process: asyncssh.SSHServerProcess[bytes]) -> None:
    process.stdout.write(b"hello")
    process.exit(3)


@asynccontextmanager
async def lab(*kinds: str, port: int = 0, **options: Any) -> AsyncIterator[int]:
    """The port of a lab that has host keys of these kinds."""
    server = await asyncssh.listen(
        HERE,
        port,
        server_factory=Lab,
        server_host_keys=[KEYS[kind] for kind in kinds or KINDS],
        authorized_client_keys=asyncssh.import_authorized_keys(PUBLIC["ssh-rsa"]),
        process_factory=_hello,
        encoding=None,
        **options,
    )
    async with server:
        yield server.get_port()


def target(port: int, **said: Any) -> Target:
    return Target(**{"address": HERE, "port": port, "login": "training", "password": PASSWORD, **said})


async def shown(target: Target) -> str:
    """The host key of a connection that comes about."""
    async with await ssh.connect(target) as connection:
        return ssh.host_key_of(connection)


# Host keys, as text.


@pytest.mark.parametrize(
    "line",
    [
        ED,
        f"{ED} root@lab",
        f"  {ED}\t root@lab with more words \r",
        f"lab.example.org {ED}",
        f"[127.0.0.1]:2222,lab {ED} a comment",
        f"|1|c2FsdA==|aGFzaA== {ED}",
        f"# lab:22 SSH-2.0-OpenSSH_9.2\n\n{ED}\n#",
    ],
    ids=["pub", "pub-comment", "spaces", "known_hosts", "names", "hashed", "keyscan"],
)
def test_a_host_key_is_read_however_it_is_written(line: str) -> None:
    assert ssh.parse_host_keys(line) == (frozenset([ED]), ())


def test_all_kinds_of_host_keys_are_read() -> None:
    assert ssh.parse_host_keys("\n".join(f"lab {key}" for key in PUBLIC.values())).keys == set(PUBLIC.values())


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rubbish", "line 2: no host key"),
        ("a b c d", "line 2: no host key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "line 2: no host key"),
        ("ssh-ed25519", "line 2: the ssh-ed25519 key is cut off"),
        (ED[:-10], "line 2: the ssh-ed25519 key is cut off"),
        (ED.replace("ssh-ed25519", "ssh-rsa"), "line 2: the ssh-rsa key is cut off"),
        (f"lab {ED[:30]}!{ED[31:]}", "line 2: the ssh-ed25519 key is cut off"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAP1", "line 2: no host key"),
        (f"@cert-authority * {ED}", "line 2: @cert-authority is not supported"),
        (f"@revoked lab {ED}", "line 2: @revoked is not supported"),
    ],
    ids=["word", "words", "private", "no-key", "cut", "other-type", "changed", "dss", "authority", "revoked"],
)
def test_what_is_no_host_key_is_told_by_its_line_and_never_quoted(line: str, fault: str) -> None:
    good = PUBLIC["ssh-rsa"]
    keys, faults = ssh.parse_host_keys(f"{good}\n{line}\n")
    assert keys == {good}
    assert len(faults) == 1
    assert faults[0].startswith(fault)
    assert not any(word in faults[0] for word in line.split() if len(word) > 20)


@given(st.lists(st.one_of(st.sampled_from([*PUBLIC.values(), "#", "lab "]), st.text(max_size=20)), max_size=8))
def test_no_text_makes_reading_host_keys_fall_over(parts: list[str]) -> None:
    for text in ("\n".join(parts), " ".join(parts), "".join(parts)):
        keys, faults = ssh.parse_host_keys(text)
        assert keys <= set(PUBLIC.values())
        assert len(keys) + len(faults) <= len(text.splitlines())


# Connections.


async def test_a_password_opens_and_a_command_runs() -> None:
    async with lab() as port, await ssh.connect(target(port)) as connection:
        done = await connection.run("anything", encoding=None)
        assert (done.stdout, done.exit_status) == (b"hello", 3)
        assert connection.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"


async def test_a_password_need_not_be_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    # asyncssh's server refuses what RFC 4013 does not know; sshd compares bytes.
    monkeypatch.setattr("asyncssh.auth.saslprep", str)
    monkeypatch.setattr(Lab, "validate_password", lambda self, username, password: password == "pä😀;,")
    async with lab() as port:
        assert await shown(target(port, password="pä😀;,"))


@pytest.mark.parametrize("form", ["pkcs1-pem", "pkcs8-pem", "openssh"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_private_key_opens_in_every_form(form: str, end: str) -> None:
    text = KEYS["ssh-rsa"].export_private_key(form).decode().strip().replace("\n", end)
    async with lab() as port:
        assert await shown(target(port, private_key=text, password=""))


async def test_a_password_answers_a_hidden_question_in_any_language(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answered(self: Lab, username: str, responses: list[str]) -> bool:
        return responses == [PASSWORD]

    monkeypatch.setattr(Lab, "password_auth_supported", lambda self: False)
    monkeypatch.setattr(Lab, "kbdint_auth_supported", lambda self: True, raising=False)
    monkeypatch.setattr(Lab, "validate_kbdint_response", answered, raising=False)
    questions = [("Passwort: ", False)]
    monkeypatch.setattr(Lab, "get_kbdint_challenge", lambda *_: ("", "", "", questions), raising=False)
    async with lab() as port:
        assert await shown(target(port))
        with pytest.raises(LoginRefused):
            await ssh.connect(target(port, password="wrong"))
        questions[:] = [("One-time code: ", True)]
        with pytest.raises(LoginRefused):
            await ssh.connect(target(port))


async def test_a_real_sshd_lets_the_key_in(sshd: LabHost) -> None:
    for name in ("rsa", "ed25519"):
        opened = target(sshd.port, login=sshd.user, private_key=sshd.keys[name], password="")
        assert (await shown(opened)).startswith("ssh-rsa ")
    with pytest.raises(LoginRefused):
        await ssh.connect(target(sshd.port, login=sshd.user, private_key=sshd.keys["other"], password=""))


async def test_the_password_counts_where_the_key_does_not() -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    async with lab() as port:
        assert await shown(target(port, private_key=other))


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"password": ""},
        {"login": "somebody"},
        {"login": "some😀body"},
        {"private_key": "rubbish"},
        {"private_key": "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"},
        {"private_key": KEYS["ssh-rsa"].export_private_key("pkcs8-pem", passphrase="x").decode()},
    ],
)
async def test_a_login_that_is_wrong_is_refused_and_quoted_nowhere(wrong: dict[str, str]) -> None:
    async with lab() as port:
        with pytest.raises(LoginRefused) as refused:
            await ssh.connect(target(port, **wrong))
    assert PASSWORD not in repr(target(port, **wrong)) + str(refused.value)
    assert "PRIVATE KEY" not in repr(target(port, **wrong)) + str(refused.value)


async def test_nothing_of_the_machines_user_takes_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / ".ssh"
    home.mkdir()
    (home / "config").write_text("Host *\n  Port 1\n  User nobody\n  ProxyCommand false\n")
    (home / "known_hosts").write_text(f"* {PUBLIC['ssh-rsa']}\n")
    KEYS["ssh-rsa"].write_private_key(home / "id_rsa")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with await asyncio.start_unix_server(lambda *_: pytest.fail("the agent was asked"), tmp_path / "agent"):
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        async with lab() as port:
            assert await shown(target(port)) == ED
            for given_key in ("", asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()):
                with pytest.raises(LoginRefused):
                    await ssh.connect(target(port, password="", private_key=given_key))


# Who is it?


async def test_the_first_key_that_is_seen_is_told_and_trusted_from_then_on() -> None:
    async with lab() as port:
        seen = await shown(target(port))
        assert seen == ED
        assert await shown(target(port, host_keys=frozenset([seen]))) == seen


@pytest.mark.parametrize("kind", KINDS)
async def test_of_a_hosts_keys_one_that_is_known_is_asked_for(kind: str) -> None:
    async with lab() as port:
        assert await shown(target(port, host_keys=frozenset([PUBLIC[kind]]))) == PUBLIC[kind]


async def test_another_host_key_is_another_host() -> None:
    async with lab("ssh-ed25519") as port:
        for known in (PUBLIC["ssh-rsa"], _other("ssh-ed25519")):
            with pytest.raises(HostKeyDiffers) as differs:
                await ssh.connect(target(port, host_keys=frozenset([known])))
            assert differs.value.shown == ED


async def test_another_host_never_sees_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Lab, "begin_auth", lambda self, username: asked.append(username) or True)
    async with lab("ssh-ed25519") as port:
        with pytest.raises(HostKeyDiffers):
            await ssh.connect(target(port, host_keys=frozenset([_other("ssh-ed25519")])))
    assert asked == []


def _other(kind: str) -> str:
    return asyncssh.generate_private_key(kind).export_public_key().decode().strip()


# Hosts that are none.


@asynccontextmanager
async def host(says: bytes, *, then_ends: bool) -> AsyncIterator[int]:
    """The port of a host that says this to everybody."""
    gone = asyncio.Event()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        if not then_ends:
            await gone.wait()
        writer.close()

    server = await asyncio.start_server(greet, HERE, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()


@pytest.mark.parametrize(
    ("says", "ends", "kind"),
    [
        (b"", True, Unreachable),
        (b"", False, Unreachable),
        (b"SSH-2.0-x\r\n", False, Unreachable),
        (b"SSH-2.0-x\r\n", True, Unreachable),
        (b"SSH-1.5-old\r\n", False, NotUnderstood),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, Unreachable),
        (b"x" * 100_000, False, NotUnderstood),
        (b"SSH-2.0-x\r\n" + b"\xff\x00" * 2000, False, NotUnderstood),
        (b"SSH-2.0-\xff\r\n", False, NotUnderstood),
    ],
)
async def test_what_is_no_ssh_server_is_told_from_one(says: bytes, ends: bool, kind: type[SshError]) -> None:
    async with host(says, then_ends=ends) as port:
        with pytest.raises(kind):
            await ssh.connect(target(port), login_s=0.5)


async def test_nobody_is_there() -> None:
    with socket.socket() as unused:
        unused.bind((HERE, 0))
        with pytest.raises(Unreachable):
            await ssh.connect(target(unused.getsockname()[1]))
    with pytest.raises(Unreachable):
        await ssh.connect(target(22, address="no-such-host.invalid"))


async def test_a_host_that_takes_no_connection_is_left_in_time() -> None:
    with socket.socket() as full, socket.socket() as first:
        full.bind((HERE, 0))
        full.listen(0)
        first.connect(full.getsockname())
        with socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(full.getsockname())
            with pytest.raises(Unreachable):
                await ssh.connect(target(full.getsockname()[1]), connect_s=0.3)


async def test_who_stops_waiting_leaves_nothing_behind() -> None:
    async with host(b"SSH-2.0-x\r\n", then_ends=False) as port:
        trying = asyncio.create_task(ssh.connect(target(port)))
        await asyncio.sleep(0.05)
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
