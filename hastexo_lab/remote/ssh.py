"""A connection to a lab over SSH: with the lab's own key or password, and only to the host that is meant.

Nothing of this machine's user takes part: no agent, no configuration, no known_hosts, no keys of theirs. A host
key is one line, `ssh-ed25519 AAAA…`. Where none is known the first one is trusted, and `host_key_of` says which
it was, so that the caller can insist on it from then on.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncssh

CONNECT_S = 10.0
LOGIN_S = 20.0  # an sshd may look up names first
KEEPALIVE_S = 20.0
KEEPALIVES_MISSED = 3

# What a lab may prove itself with, in the order of asking (RFC 4253, 8332, 8709, 5656), by type of key.
KEY_ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
}
_MARKERS = ("@cert-authority", "@revoked")


class SshError(Exception):
    """Base: there is no connection. The text is for a log: it quotes no secret, but perhaps the lab."""


class Unreachable(SshError):
    """Nobody answers there, or not in time, or breaks off before it is clear who it is."""


class LoginRefused(SshError):
    """The lab does not take this login, or its key cannot be read here."""


class HostKeyDiffers(SshError):
    """Somebody answers who is not the lab. `shown` is the host key they have."""

    def __init__(self, text: str, shown: str) -> None:
        super().__init__(text)
        self.shown = shown


class NotUnderstood(SshError):
    """Whoever answers there speaks no SSH, or none that we speak."""


class HostKeys(NamedTuple):
    """Host keys, each as "type base64", and what could not be read: sentences with line numbers."""

    keys: frozenset[str]
    faults: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to log in, and what with. `private_key` is PEM; `host_keys` empty: whoever answers is trusted."""

    address: str
    port: int = 22
    login: str
    private_key: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    host_keys: frozenset[str] = frozenset()


def parse_host_keys(text: str) -> HostKeys:
    """Host keys from lines as of a `.pub` file, of known_hosts or of ssh-keyscan.

    The host names in front are not compared: a lab's keys are told by the lab's own stack, under names that
    hold inside it. Blank lines and comments are skipped.
    """
    keys, faults = set(), []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            keys.add(_key_in(words))
        except ValueError as error:
            faults.append(f"line {number}: {error}")
    return HostKeys(frozenset(keys), tuple(faults))


def _key_in(words: list[str]) -> str:
    """The key in a line's words. Raises ValueError saying what is wrong, without quoting the line."""
    if words[0] in _MARKERS:
        raise ValueError(f"{words[0]} is not supported, list the host's own keys")
    kind = next((word for word in words[:2] if word in KEY_ALGORITHMS), "")
    if not kind:
        raise ValueError(f"no host key; it begins with one of {', '.join(KEY_ALGORITHMS)}")
    encoded = next(iter(words[words.index(kind) + 1 :]), "")
    try:
        key = _line(asyncssh.import_public_key(f"{kind} {encoded}"))
        base64.b64decode(encoded, validate=True)
    except (asyncssh.KeyImportError, binascii.Error):
        raise ValueError(f"the {kind} key is cut off or changed") from None
    return key


def _line(key: asyncssh.SSHKey) -> str:
    return f"{key.algorithm.decode()} {base64.b64encode(key.public_data).decode()}"


def host_key_of(connection: asyncssh.SSHClientConnection) -> str:
    """The host key that the other side has proved to have, as one of `Target.host_keys`."""
    key = connection.get_server_host_key()
    if key is None:
        raise RuntimeError("a connection without a host key")
    return _line(key)


def _algorithms(trusted: Iterable[str]) -> list[str]:
    """Asking first for a type of key that we know: a host has several keys, and shows one."""
    known = {key.split()[0] for key in trusted}
    kinds = sorted(KEY_ALGORITHMS, key=lambda kind: kind not in known)
    return [algorithm for kind in kinds for algorithm in KEY_ALGORITHMS[kind]]


class _Client(asyncssh.SSHClient):
    """Judges the host's key, shows ours, and gives the login its own time once somebody has answered.

    It lives as long as the connection, so it forgets each credential when it is asked for.
    """

    def __init__(self, target: Target, deadline: asyncio.Timeout, login_s: float) -> None:
        self._trusted = target.host_keys
        self._password = target.password
        self._deadline = deadline
        self._login_s = login_s
        self.answered = False
        self.key: asyncssh.SSHKey | None = None
        self.shown = ""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.answered = True
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._login_s)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = _line(key)
        return not self._trusted or self.shown in self._trusted

    def public_key_auth_requested(self) -> asyncssh.SSHKey | None:
        key, self.key = self.key, None
        return key

    def password_auth_requested(self) -> str | None:
        password, self._password = self._password, ""
        return password or None

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._password else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """The password is what a question is about whose answer must not be seen."""
        if not prompts:
            return []
        hidden = len(prompts) == 1 and not prompts[0][1]
        password = self.password_auth_requested() if hidden else None
        return [password] if password else None


async def connect(
    target: Target, *, connect_s: float | None = CONNECT_S, login_s: float = LOGIN_S
) -> asyncssh.SSHClientConnection:
    """A connection that is logged in; use it as a context, or close it. Raises one of SshError's kinds."""
    where = f"{target.address}:{target.port}"
    deadline = asyncio.timeout(connect_s)
    client = _Client(target, deadline, login_s)
    try:
        async with deadline:
            if target.private_key:
                client.key = await asyncio.to_thread(_key_of, target.private_key)
            return await _connect(target, client)
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostKeyDiffers(f"{where} shows another host key than it should", client.shown) from error
    except asyncssh.PermissionDenied as error:
        raise LoginRefused(f"{where} refuses {target.login!r}") from error
    except (OSError, TimeoutError, asyncssh.ConnectionLost) as error:
        raise Unreachable(f"{where}: {str(error) or 'no answer in time'}") from error
    except asyncssh.Error as error:
        raise NotUnderstood(f"{where}: {error.reason[:200]!r}") from error
    except ValueError as error:
        if client.answered:
            raise NotUnderstood(f"{where}: {type(error).__name__}") from error
        # A login that SSH cannot say (RFC 4013).
        raise LoginRefused(f"cannot log in at {where}: {error}") from error


def _key_of(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise LoginRefused(f"the private key cannot be read: {error}") from None


async def _connect(target: Target, client: _Client) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        target.address,
        target.port,
        username=target.login,
        # The client is asked for them.
        client_keys=None,
        client_factory=lambda: client,
        # Lists, though empty, let asyncssh ask the client about each key, and read no file.
        known_hosts=([], [], []),
        server_host_key_algs=_algorithms(target.host_keys),
        encryption_algs="^aes128-gcm@openssh.com",
        compression_algs=["none"],
        preferred_auth=["publickey", "password", "keyboard-interactive"],
        config=None,
        agent_path=None,
        gss_host=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        login_timeout=0,
        keepalive_interval=KEEPALIVE_S,
        keepalive_count_max=KEEPALIVES_MISSED,
    )
