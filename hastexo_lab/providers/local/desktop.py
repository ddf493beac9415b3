"""A host's desktop: Xvnc with openbox and a terminal; for RDP a private xrdp that passes straight on to it.

Neither needs a system service, a system user or PAM: the stack's password opens both, RDP's by way of VNC's.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import secrets
import struct
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from hastexo_lab.providers.local.children import Children
from hastexo_lab.providers.local.machine import find_program
from hastexo_lab.providers.local.template import HostSpec

_AGAIN_S = 1.0
# Every VNC program's fixed key for password files, each byte's bits reversed as VNC's DES wants them.
_VNC_KEY = bytes(int(f"{byte:08b}"[::-1], 2) for byte in (23, 82, 107, 6, 35, 78, 88, 7))

_XRDP_INI = """[Globals]
ini_version=1
fork=true
port=tcp://{address}:{rdp_port}
tcp_nodelay=true
tcp_keepalive=true
security_layer=negotiate
crypt_level=high
certificate={folder}/cert.pem
key_file={folder}/key.pem
ssl_protocols=TLSv1.2, TLSv1.3
autorun=lab
allow_channels=true
bitmap_cache=true
bitmap_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both

[Logging]
LogFile={folder}/xrdp.log
LogLevel=WARNING
EnableSyslog=false

[Channels]
rdpdr=false
rdpsnd=false
drdynvc=true
cliprdr=true

[lab]
name=lab
lib=libvnc.so
username=na
password=ask
ip={address}
port={vnc_port}
"""


def vnc_password_file(password: str) -> bytes:
    """What `vncpasswd -f` writes: the first eight characters, hidden by DES with a key that all know."""
    # Three times the same key makes triple DES what DES is.
    hide = Cipher(TripleDES(_VNC_KEY * 3), modes.ECB()).encryptor()  # noqa: S305 - the format's own
    return hide.update(password.encode()[:8].ljust(8, b"\0")) + hide.finalize()


@dataclass(frozen=True, kw_only=True)
class Desktop:
    """One host's desktop. `folder` is private to it; `port_offset` is added to the template's ports."""

    spec: HostSpec
    address: str
    port_offset: int
    password: str
    folder: Path
    home: Path
    env: dict[str, str]
    children: Children

    async def run(self) -> None:
        """Keep the desktop there until cancelled: what ends begins anew."""
        self._prepare()
        await asyncio.gather(self._screen(), *([self._rdp()] if self.spec.desktop in ("rdp", "both") else []))

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "passwd").write_bytes(vnc_password_file(self.password))
        (self.folder / "xauthority").write_bytes(_xauthority(secrets.token_bytes(16)))
        if self.spec.desktop in ("rdp", "both"):
            _write_certificate(self.folder, self.spec.name)
            ports = {"vnc_port": self._port(self.spec.vnc_port), "rdp_port": self._port(self.spec.rdp_port)}
            (self.folder / "xrdp.ini").write_text(
                _XRDP_INI.format(address=self.address, folder=self.folder, **ports)
            )

    def _port(self, port: int) -> int:
        return port + self.port_offset

    async def _screen(self) -> None:
        while True:
            read, write = os.pipe()
            try:
                server = await self._start(self._xvnc(write), pass_fds=(write,))
            finally:
                os.close(write)
            programs = asyncio.ensure_future(self._programs(await _line(read)))
            await self.children.ended(server)
            programs.cancel()
            await asyncio.sleep(_AGAIN_S)

    def _xvnc(self, write: int) -> list[str]:
        # A probe that only looks whether the port is open counts as an attempt to guess: no blacklist.
        return [
            *("Xvnc", "-displayfd", str(write), "-auth", str(self.folder / "xauthority"), "-nolisten", "tcp"),
            *("-interface", self.address, "-rfbport", str(self._port(self.spec.vnc_port)), "-UseBlacklist=0"),
            *("-SecurityTypes", "VncAuth", "-PasswordFile", str(self.folder / "passwd"), "-AlwaysShared"),
            *("-geometry", "1280x800", "-depth", "24", "-desktop", self.spec.name),
        ]

    async def _programs(self, display: str) -> None:
        if display:
            shown = {"DISPLAY": f":{display}", "XAUTHORITY": str(self.folder / "xauthority")}
            await asyncio.gather(
                self._again_and_again(["openbox"], shown),
                self._again_and_again([*("xterm", "-fa", "DejaVu Sans Mono", "-fs", "11", "-ls")], shown),
            )

    async def _rdp(self) -> None:
        await self._again_and_again(["xrdp", "--nodaemon", "--config", str(self.folder / "xrdp.ini")], {})

    async def _again_and_again(self, argv: list[str], env: dict[str, str]) -> None:
        while True:
            await self.children.ended(await self._start(argv, env))
            await asyncio.sleep(_AGAIN_S)

    async def _start(
        self, argv: list[str], env: dict[str, str] | None = None, pass_fds: Sequence[int] = ()
    ) -> Process:
        program = find_program(argv[0]) or argv[0]
        log = os.open(self.folder / f"{argv[0]}.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            return await self.children.start(
                [program, *argv[1:]],
                env={**self.env, **(env or {})},
                cwd=self.home,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=pass_fds,
            )
        finally:
            os.close(log)


async def _line(read: int) -> str:
    """The line that is written to a pipe, "" when its other end closes without one."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", 0)
    )
    try:
        return (await reader.readline()).decode().strip()
    finally:
        transport.close()


def _xauthority(cookie: bytes) -> bytes:
    """A file with one entry for any host and display: family, address, number, name, data (libXau)."""
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", cookie)
    return struct.pack(">H", 0xFFFF) + b"".join(struct.pack(">H", len(each)) + each for each in fields)


def _write_certificate(folder: Path, name: str) -> None:
    """A self-signed certificate for TLS; clients in front of a lab have nothing to check it against."""
    if (folder / "key.pem").exists():
        return
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
    (folder / "key.pem").write_bytes(key.private_bytes(*form, serialization.NoEncryption()))
